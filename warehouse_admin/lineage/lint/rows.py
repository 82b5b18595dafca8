"""How many rows a query gives, as far as its text tells."""

from __future__ import annotations

from warehouse_admin.lineage.lint.functions import is_aggregate
from warehouse_admin.lineage.lint.walk import Node, outside_subqueries


def gives_one_row(query: Node) -> bool:
    """Whether it certainly gives one row at most: it reads nothing, counts everything, or stops after one."""
    if limit_of(query) in (0, 1):
        return True
    if query.get("node") != "SelectQuery":
        return False
    if query.get("select_from") is None:
        return not query.get("array_join_list")
    return is_one_group(query)


def is_one_group(select: Node) -> bool:
    """Whether it puts all rows together: aggregates and no GROUP BY."""
    if select.get("group_by") or select.get("group_by_mode"):
        return False
    calls = outside_subqueries(select.get("select"), "Call")
    return any(is_aggregate(str(call.get("name"))) for call in calls)


def limit_of(query: Node) -> int | None:
    """The number of its LIMIT, where that is written as one."""
    limit = query.get("limit") or {}
    value = limit.get("value") if limit.get("node") == "Constant" else None
    return value if type(value) is int else None
