"""Which rows come first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.rows import gives_one_row, is_one_group, limit_of
from warehouse_admin.lineage.lint.walk import Node, at, nodes, selects


class LimitWithoutOrder(Rule):
    id = "limit-without-order"
    title = "LIMIT without ORDER BY"
    why = (
        "Which rows come first is then up to the server: two runs give other rows, and nobody can tell a real change "
        "from chance."
    )
    bad = "SELECT id, total\nFROM orders\nLIMIT 100"
    good = "SELECT id, total\nFROM orders\nORDER BY total DESC, id\nLIMIT 100"
    limits = "Not where there is one row anyway, and not inside of EXISTS. Whether the order has ties is not known."

    def look(self, subject: Subject) -> Iterable[Found]:
        for select in selects(subject.tree):
            if not select.only_exists and select.node.get("select_from") and not is_one_group(select.node):
                yield from _unordered(select.node)
        for whole in nodes(subject.tree, "SelectSetQuery"):
            yield from _unordered(whole)


def _unordered(query: Node) -> Iterator[Found]:
    if query.get("order_by") or limit_of(query) == 0:
        return
    cut = query.get("limit") or query.get("offset") or query.get("limit_by")
    if cut is None or _reads_one_row(query):
        return
    word = "LIMIT … BY" if cut is query.get("limit_by") else "LIMIT" if cut is query.get("limit") else "OFFSET"
    yield Found(at(cut), f"Which rows this {word} keeps is up to chance. Add ORDER BY.")


def _reads_one_row(query: Node) -> bool:
    """Whether it reads one subquery that has one row at most: then there is nothing to choose among."""
    holder = query.get("select_from") or {}
    table = holder.get("table") or {}
    is_query = table.get("node") in ("SelectQuery", "SelectSetQuery")
    return is_query and holder.get("next_join") is None and gives_one_row(table)


class PreviewWithoutLimit(Rule):
    id = "preview-without-limit"
    title = "A preview of a text without LIMIT"
    level = Level.NOTE
    of_previews = True
    why = (
        "A preview shows the first rows. Without a LIMIT of its own the text may have to be computed as a whole for "
        "them, which takes as long as a run and counts against what the key may ask of PostHog."
    )
    bad = "SELECT user_id, count() AS orders\nFROM orders\nGROUP BY user_id"
    good = "SELECT user_id, count() AS orders\nFROM orders\nGROUP BY user_id\nORDER BY user_id\nLIMIT 100"
    limits = "Said beside a preview alone. A view needs no LIMIT: take it out again before you propose."

    def look(self, subject: Subject) -> Iterable[Found]:
        tree = subject.tree
        if not tree.get("limit") and not gives_one_row(tree):
            told = "The text has no LIMIT of its own, so PostHog may compute all of its rows to show the first ones."
            yield Found(len(subject.sql.rstrip()), told)
