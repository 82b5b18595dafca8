"""Going through a parsed query. Nothing here is recursive: trees can be deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]
_EXISTS = frozenset({"exists", "notexists"})


@dataclass(frozen=True)
class Select:
    """One SELECT, and what it stands in. `ctes`: the queries that WITH names where it stands, its own included.

    `is_outer`: its columns are those of the view. `only_exists`: nobody reads its rows, only whether there are any.
    """

    node: Node
    ctes: dict[str, Node] = field(default_factory=dict)
    is_outer: bool = False
    only_exists: bool = False


@dataclass(frozen=True)
class Join:
    """One thing in FROM or JOIN. `name` is empty for a subquery, a function and what is made up."""

    node: Node
    name: str = ""
    cte: Node | None = None

    @property
    def at(self) -> int:
        return at(self.node.get("table") or self.node)

    @property
    def labels(self) -> set[str]:
        """What it can be called by before a dot."""
        alias = self.node.get("alias")
        return {str(alias)} if alias else {self.name, self.name.rpartition(".")[2]} - {""}

    @property
    def subquery(self) -> Node | None:
        """The query it reads, where that is written in the same text."""
        table = self.node.get("table") or {}
        return table if table.get("node") in ("SelectQuery", "SelectSetQuery") else self.cte

    @property
    def is_function(self) -> bool:
        return self.node.get("table_args") is not None


def at(node: Node) -> int:
    """The offset where a node starts, in a tree as parsed or as kept."""
    start = node.get("start") or 0
    return int(start.get("offset", 0)) if isinstance(start, dict) else int(start)


def nodes(tree: Any, *kinds: str) -> Iterator[Node]:
    """Every node of these kinds, in the order of the text as far as the tree has it."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("node") in kinds:
                yield node
            waiting.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            waiting.extend(reversed(node))


def outside_subqueries(part: Any, *kinds: str) -> Iterator[Node]:
    """The same of an expression, without what is in the SELECTs inside of it."""
    waiting: list[Any] = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("node") in ("SelectQuery", "SelectSetQuery"):
                continue
            if node.get("node") in kinds:
                yield node
            waiting.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            waiting.extend(reversed(node))


def selects(tree: Node) -> Iterator[Select]:
    """Every SELECT of a query, the outer ones first."""
    waiting: list[tuple[Any, dict[str, Node], bool, bool]] = [(tree, {}, True, False)]
    while waiting:
        node, ctes, is_outer, only_exists = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, ctes, False, only_exists) for item in reversed(node))
        elif isinstance(node, dict) and node.get("node") == "SelectSetQuery":
            known = ctes | _ctes_of(first_of(node))  # those of the first part are known in the others too
            later = [(one["select_query"], known, is_outer, only_exists) for one in node["subsequent_select_queries"]]
            waiting.extend(reversed(later))
            waiting.append((node["initial_select_query"], ctes, is_outer, only_exists))
        elif isinstance(node, dict):
            is_select = node.get("node") == "SelectQuery"
            inner, inside = dict(ctes), []
            for cte in node.get("ctes") or []:
                if cte.get("cte_type") == "subquery":
                    own = {cte["name"]: cte["expr"]} if cte.get("recursive") else {}
                    inside.append((cte["expr"], inner | own, False, False))
                    inner = inner | {cte["name"]: cte["expr"]}
                else:
                    inside.append((cte["expr"], dict(inner), False, False))
            if is_select:
                yield Select(node, inner, is_outer, only_exists)
            exists = node.get("node") == "Call" and str(node.get("name")).lower() in _EXISTS
            children = [value for key, value in node.items() if key != "ctes" and isinstance(value, dict | list)]
            waiting.extend((value, inner, False, exists) for value in reversed(children))
            waiting.extend(reversed(inside))


def joins(select: Select) -> list[Join]:
    """What a SELECT reads, in order; a subquery's own sources are not among them."""
    found: list[Join] = []
    holder = select.node.get("select_from")
    while holder is not None:
        table = holder.get("table") or {}
        is_named = table.get("node") == "Field" and holder.get("table_args") is None
        name = ".".join(str(part) for part in table["chain"]) if is_named else ""
        found.append(Join(holder, name, select.ctes.get(name)))
        holder = holder.get("next_join")
    return found


def tables(tree: Node) -> dict[str, int]:
    """Each table or view that is read, with the offset where it is read first."""
    found: dict[str, int] = {}
    for select in selects(tree):
        for join in joins(select):
            if join.name and join.cte is None:
                found[join.name] = min(found.get(join.name, join.at), join.at)
    return dict(sorted(found.items(), key=lambda one: one[1]))


def first_of(tree: Node) -> Node:
    """The SELECT that names the columns of a query."""
    while tree.get("node") == "SelectSetQuery":
        tree = tree["initial_select_query"]
    return tree


def is_star(item: Node) -> bool:
    """`*`, `t.*`, and `*` without some columns."""
    if item.get("node") == "ColumnsExpr":
        return bool(item.get("all_columns"))
    return item.get("node") == "Field" and item["chain"][-1] == "*"


def output_names(select: Node) -> Iterator[tuple[str, Node]]:
    """The names that the columns of a SELECT get, of those that have one in the text."""
    for item in select.get("select") or []:
        if item.get("node") == "Alias":
            yield str(item["alias"]), item
        elif item.get("node") == "Field" and not is_star(item):
            yield str(item["chain"][-1]), item


def _ctes_of(node: Node) -> dict[str, Node]:
    return {cte["name"]: cte["expr"] for cte in node.get("ctes") or [] if cte.get("cte_type") == "subquery"}
