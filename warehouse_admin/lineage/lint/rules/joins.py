"""Tables that are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.rows import gives_one_row
from warehouse_admin.lineage.lint.walk import Join, Node, Select, joins, outside_subqueries, selects


class CrossJoin(Rule):
    id = "cross-join"
    title = "Every row with every row"
    why = (
        "Without a condition, each row of one side meets each of the other: a thousand and a million are a billion. "
        "Mostly a condition was forgotten, and the result is wrong as well as slow."
    )
    bad = "SELECT o.id, u.country\nFROM orders AS o\nCROSS JOIN users AS u"
    good = "SELECT o.id, u.country\nFROM orders AS o\nJOIN users AS u ON u.id = o.user_id"
    limits = (
        "A join with something that has one row at most, with a table function such as numbers(24), and one whose "
        "condition is in WHERE are left alone. Where every row with every row is meant, ask for an exemption that says "
        "why."
    )

    def look(self, subject: Subject) -> Iterable[Found]:
        for select in selects(subject.tree):
            for join in _unconditional(select):
                if not _is_tied(select, join):
                    name = join.name or str(join.node.get("alias") or "the subquery")
                    yield Found(join.at, f"Each row meets every row of {name}. Join it ON a condition.")


class CommaJoin(Rule):
    id = "comma-join"
    title = "Tables joined by a comma"
    level = Level.NOTE
    why = (
        "The condition that joins them stands in WHERE among all others. Whoever edits WHERE can take it away without "
        "noticing that this joins every row with every row."
    )
    bad = "SELECT o.id, u.country\nFROM orders AS o, users AS u\nWHERE u.id = o.user_id"
    good = "SELECT o.id, u.country\nFROM orders AS o\nJOIN users AS u ON u.id = o.user_id"

    def look(self, subject: Subject) -> Iterable[Found]:
        for select in selects(subject.tree):
            for join in _unconditional(select):
                if _is_tied(select, join) and _after_comma(subject.sql, join):
                    told = f"{join.name or 'It'} is joined by WHERE. Write JOIN … ON with that condition."
                    yield Found(join.at, told)


def _unconditional(select: Select) -> Iterator[Join]:
    """What is joined without a condition, or on one that always holds, and may have many rows."""
    for join in joins(select)[1:]:
        constraint = join.node.get("constraint")
        always = constraint is None or _always_holds(constraint.get("expr") or {})
        is_paste = "PASTE" in str(join.node.get("join_type"))
        one = join.subquery is not None and gives_one_row(join.subquery)
        if always and not is_paste and not one and not join.is_function and (join.name or join.subquery):
            yield join


def _always_holds(condition: Node) -> bool:
    if condition.get("node") == "CompareOperation":
        return all(condition[side].get("node") == "Constant" for side in ("left", "right"))
    return condition.get("node") == "Constant"


def _is_tied(select: Select, join: Join) -> bool:
    """Whether a condition outside may join it: an equation of two columns that are not both of one and the same."""
    for clause in ("where", "prewhere"):
        for node in outside_subqueries(select.node.get(clause), "CompareOperation"):
            sides = [_qualifier(node[side]) for side in ("left", "right")]
            if None not in sides and (not all(sides) or (sides[0] != sides[1] and join.labels & set(sides))):
                return True
    return False


def _qualifier(node: Node) -> str | None:
    """What stands before the dot of a column in an expression; "" for none, None for what has no column."""
    fields = list(outside_subqueries(node, "Field"))
    if not fields:
        return None
    return str(fields[0]["chain"][0]) if len(fields[0]["chain"]) > 1 else ""


def _after_comma(sql: str, join: Join) -> bool:
    return sql[: join.at].rstrip(" \t\r\n(").endswith(",")
