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
        elif table not in found:
            found[table] = at
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


def output_columns(sql: str) -> list[str] | None:
    """The names of the columns the query gives; None when the text alone does not tell."""
    tree = parse(sql).tree
    try:
        return None if tree is None else _columns(tree, {})
    except RecursionError:
        return None  # hundreds of subqueries inside each other


def _columns(node: Node, ctes: dict[str, Node]) -> list[str] | None:
    while node.get("node") == "SelectSetQuery":
        node = node["initial_select_query"]
    if node.get("node") != "SelectQuery":
        return None
    visible = dict(ctes)
    for cte in node.get("ctes") or []:
        visible[cte["name"]] = {"cte": cte, "ctes": dict(visible)}
    names: list[str] = []
    for expression in node["select"]:
        if _is_star(expression):
            expanded = _star_columns(node, visible)
            if expanded is None:
                return None
            names.extend(expanded)
        elif (name := _column_name(expression)) is not None:
            names.append(name)
        else:
            return None
    return names


def _is_star(expression: Node) -> bool:
    return expression["node"] == "Field" and expression["chain"] == ["*"]


def _column_name(expression: Node) -> str | None:
    if expression["node"] == "Alias":
        return str(expression["alias"])
    if expression["node"] == "Field" and expression["chain"][-1] != "*":
        return str(expression["chain"][-1])
    return None  # how the server names an expression without an alias depends on its version


def _star_columns(select: Node, ctes: dict[str, Node]) -> list[str] | None:
    """What `*` stands for when it stands for one subquery or one WITH name."""
    holder = select.get("select_from")
    if not holder or holder.get("next_join") or select.get("array_join_list") or holder.get("column_aliases"):
        return None
    table = holder["table"]
    if table["node"] != "Field":
        return _columns(table, ctes)
    found = ctes.get(str(table["chain"][0])) if len(table["chain"]) == 1 and holder.get("table_args") is None else None
    if found is None or found["cte"].get("recursive"):
        return None
    return found["cte"].get("columns") or _columns(found["cte"]["expr"], found["ctes"])
