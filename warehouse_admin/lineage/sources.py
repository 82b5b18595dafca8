"""Which tables and views a query reads, and which columns it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouse_admin.lineage.parser import Parsed, parse

_TABLE_HOLDERS = frozenset({"JoinExpr", "PivotExpr", "UnpivotExpr"})
_NO_NAMES: frozenset[str] = frozenset()
_SPOKEN = {
    "too complex": "too complex to analyse",
    "too large": "too large to analyse",
    "parser unavailable": "not analysed because the HogQL grammar is not installed here",
}

Node = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Names in the order they are first read, where parsed each with its offset.

    When not `complete`, `why` is a sentence for a person.
    """

    names: tuple[str, ...]
    complete: bool = True
    why: str = ""
    offsets: tuple[int, ...] = ()


def sources(sql: str, parsed: Parsed | None = None) -> Sources:
    """Names read in FROM and JOIN anywhere in the query, without the names that WITH defines."""
    parsed = parsed or parse(sql)
    if parsed.tree is not None:
        return _sources_of_tree(parsed.tree)
    if not sql.strip():
        return Sources((), complete=False, why="The query is empty.")
    if parsed.error is not None:
        reason = (
            f"The query has a syntax error on line {parsed.error.line}, so a simpler reader looked for its sources."
        )
    else:
        reason = f"The query is {_SPOKEN[parsed.problem]}, so a simpler reader looked for its sources."
    from warehouse_admin.lineage import fallback  # its library takes 9 MB, and most processes never need it

    return Sources(fallback.names(sql), complete=False, why=reason)


def _sources_of_tree(tree: Node) -> Sources:
    found: dict[str, int] = {}
    unnamed = ""
    for table, at in _tables(tree):
        if table is None:
            unnamed = "A table in FROM or JOIN is a placeholder or a tag, so its name is not known."
        else:
            found[table] = min(at, found.get(table, at))
    names = tuple(sorted(found, key=found.__getitem__))
    offsets = tuple(found[name] for name in names)
    return Sources(names, complete=not unnamed, why=unnamed, offsets=offsets)


def _tables(tree: Node) -> Iterator[tuple[str | None, int]]:
    """Each name read, with its offset; None for a table that has no name. Not recursive: trees can be deep."""
    waiting: list[tuple[Any, frozenset[str]]] = [(tree, _NO_NAMES)]
    while waiting:
        node, in_scope = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, in_scope) for item in reversed(node))
        elif isinstance(node, dict):
            if node.get("node") in _TABLE_HOLDERS:
                yield from _table_of(node, in_scope)
            waiting.extend(_children(node, in_scope))


def _table_of(holder: Node, in_scope: frozenset[str]) -> Iterator[tuple[str | None, int]]:
    table = holder.get("table") or {}
    if table.get("node") == "Field":
        chain = [str(part) for part in table["chain"]]
        is_function = holder.get("table_args") is not None
        is_cte = len(chain) == 1 and chain[0] in in_scope
        if not is_function and not is_cte:
            yield ".".join(chain), table["start"]["offset"]
    elif table.get("node") in ("Placeholder", "HogQLXTag"):
        yield None, 0


def _children(node: Node, in_scope: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """The parts of a node, each with the WITH names it can see."""
    if node.get("node") == "SelectSetQuery":
        yield node["initial_select_query"], in_scope
        # The names of the first query of a UNION are known in the others too.
        yield node["subsequent_select_queries"], in_scope | _leading_names(node)
        return
    for cte in node.get("ctes") or []:
        named = in_scope | {cte["name"]} if cte.get("cte_type") == "subquery" else in_scope
        # Without RECURSIVE, a name inside its own definition is the real table of that name.
        yield cte["expr"], named if cte.get("recursive") else in_scope
        in_scope = named
    for key, value in node.items():
        if key != "ctes" and isinstance(value, dict | list):
            yield value, in_scope


def _leading_names(node: Node) -> frozenset[str]:
    while node.get("node") == "SelectSetQuery":
        node = node["initial_select_query"]
    return frozenset(cte["name"] for cte in node.get("ctes") or [] if cte.get("cte_type") == "subquery")
