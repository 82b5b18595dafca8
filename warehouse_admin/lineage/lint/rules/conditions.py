"""Conditions that mean something else than they seem to."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.walk import Node, at, nodes

_WORDS = {"==": "IS NULL", "!=": "IS NOT NULL"}


class NullComparison(Rule):
    id = "null-comparison"
    title = "NULL compared with = or !="
    level = Level.NOTE
    why = (
        "In standard SQL nothing equals NULL, so that such a condition never holds. HogQL reads it as IS NULL, which "
        "few people know: whoever reads the text, or takes it elsewhere, is misled."
    )
    bad = "SELECT id\nFROM users\nWHERE deleted_at = NULL"
    good = "SELECT id\nFROM users\nWHERE deleted_at IS NULL"

    def look(self, subject: Subject) -> Iterable[Found]:
        for node in nodes(subject.tree, "CompareOperation"):
            words = _WORDS.get(str(node.get("op")))
            is_words_already = node.get("is_null_comparison_style")
            if words and not is_words_already and (_is_null(node["left"]) or _is_null(node["right"])):
                yield Found(at(node), f"NULL is compared like a value here. Write {words}.")


def _is_null(node: Node) -> bool:
    return node.get("node") == "Constant" and node.get("value") is None and not node.get("value_type")
