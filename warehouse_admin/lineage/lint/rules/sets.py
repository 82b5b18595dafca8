"""Duplicate rows."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.walk import Node, at, nodes
from warehouse_admin.lineage.tokens import Kind, significant


class PlainUnion(Rule):
    id = "plain-union"
    title = "UNION without ALL or DISTINCT"
    why = (
        "Servers differ in what it means. Here it drops duplicate rows, for which all rows have to be compared, and "
        "rows that are rightly there twice are lost."
    )
    bad = "SELECT email FROM leads\nUNION\nSELECT email FROM users"
    good = "SELECT email FROM leads\nUNION ALL\nSELECT email FROM users"
    limits = "Write UNION DISTINCT where duplicates are to go."

    def look(self, subject: Subject) -> Iterable[Found]:
        if not any(True for _ in nodes(subject.tree, "SelectSetQuery")):
            return
        found = significant(subject.sql)
        for at_token, token in enumerate(found[:-1]):
            is_union = token.kind is Kind.WORD and token.text.upper() == "UNION"
            after, before = found[at_token + 1].text.upper(), found[at_token - 1].text.upper() if at_token else ""
            if is_union and after in ("SELECT", "(", "WITH") and before not in (".", "AS"):
                yield Found(token.start, "This UNION drops duplicate rows. Write UNION ALL or UNION DISTINCT.")


class DistinctAndGroupBy(Rule):
    id = "distinct-and-group-by"
    title = "DISTINCT over groups that are distinct"
    level = Level.NOTE
    why = (
        "Each group is one row already, so DISTINCT finds nothing to drop: it compares all rows once more, and makes "
        "a reader look for duplicates that cannot be."
    )
    bad = "SELECT DISTINCT user_id, count() AS orders\nFROM orders\nGROUP BY user_id"
    good = "SELECT user_id, count() AS orders\nFROM orders\nGROUP BY user_id"
    limits = "Only where everything that is grouped by is also selected as it is."

    def look(self, subject: Subject) -> Iterable[Found]:
        for select in nodes(subject.tree, "SelectQuery"):
            keys = select.get("group_by") or []
            if select.get("distinct") and keys and all(_is_selected(key, select) for key in keys):
                yield Found(at(select), "Its groups are distinct already. Leave DISTINCT out.")


def _is_selected(key: Node, select: Node) -> bool:
    """Whether a key of the groups is a column too: by name, by place, or as the same column."""
    items = select.get("select") or []
    if key.get("node") == "Constant":
        number = key.get("value")
        return type(number) is int and 0 < number <= len(items)
    if key.get("node") != "Field":
        return False
    chain = key["chain"]
    for item in items:
        named = item.get("node") == "Alias"
        if named and len(chain) == 1 and item["alias"] == chain[0]:
            return True
        inner = item["expr"] if named else item
        if inner.get("node") == "Field" and inner["chain"] == chain:
            return True
    return False
