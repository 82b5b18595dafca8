"""Who selects from whom, read from the SQL of the world's views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import sql

if TYPE_CHECKING:
    from .models import View
    from .world import World


def resolve(world: World, name: str) -> str | None:
    """A view's or table's id, a built-in's own name, or None. Views win over the storage tables named after them."""
    if view := world.view_by_name(name):
        return view.id
    if table := world.table_by_name(name):
        return table.id
    return name if name in sql.BUILT_INS else None


def unknown_source(world: World, text: str, own_name: str = "") -> tuple[str, int] | None:
    """The first source nobody knows, with its offset."""
    for name, at in sql.sources(text):
        if name != own_name and resolve(world, name) is None:
            return name, at
    return None


def upstream(world: World, view: View) -> set[str]:
    """Immediate sources: ids of views and tables, names of built-ins."""
    found = (resolve(world, name) for name in sql.source_names(view.sql))
    return {node for node in found if node is not None}


def downstream(world: World, view_id: str) -> set[str]:
    """Ids of the live views that select from this one directly."""
    name = world.views[view_id].name
    return {other.id for other in world.live_views() if name in other.sql and name in sql.source_names(other.sql)}


def closure(world: World, view: View, *, up: bool, level: int | None) -> list[str]:
    """Everything within `level` hops; None for all."""
    seen: set[str] = set()
    frontier = {view.id}
    hops = 0
    while frontier and (level is None or hops < level):
        reached: set[str] = set()
        for node in frontier & world.views.keys():
            reached |= upstream(world, world.views[node]) if up else downstream(world, node)
        frontier = reached - seen - {view.id}
        seen |= frontier
        hops += 1
    return sorted(seen)


def makes_cycle(world: World, view: View, text: str) -> bool:
    """Whether this view would select from itself, at any distance."""
    queue = list(sql.source_names(text))
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name == view.name:
            return True
        if name in seen:
            continue
        seen.add(name)
        if other := world.view_by_name(name):
            queue.extend(sql.source_names(other.sql))
    return False


def infer_columns(world: World, text: str) -> list[list[str]]:
    """Name and type of each output column; a star takes the columns of the first source."""
    expressions, source = sql.select_list(text)
    columns: list[list[str]] = []
    for position, expression in enumerate(expressions):
        if expression == "*" or expression.endswith(".*"):
            inner = sql.first_subquery(text)
            columns.extend(infer_columns(world, inner) if inner else _columns_of(world, text, source))
        else:
            name = sql.output_name(expression, position)
            columns.append([name, sql.guess_type(name, expression)])
    return columns


def _columns_of(world: World, text: str, source: str) -> list[list[str]]:
    names = [source, *sorted(sql.source_names(text))]
    for name in names:
        if view := world.view_by_name(name):
            return [list(column) for column in view.columns]
        if table := world.table_by_name(name):
            return [list(column) for column in table.columns]
        if name in sql.BUILT_INS:
            return [list(column) for column in sql.BUILT_INS[name]]
    return [["value", "string"]]
