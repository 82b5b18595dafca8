"""Which part of the warehouse a selector such as `2+name+1` means.

`+name` is a name and all that it reads, `name+` it and all that reads it, a number how many steps that goes. Spaces
stand between selectors that are put together, a comma between those of which only what they share is wanted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.errors import BadSelector
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

MOST_CHARACTERS, MOST_TERMS = 500, 20
MOST_COMPARED = 5_000
ALL = 1_000_000
"""More steps than any warehouse has."""
_TERM = re.compile(r"(?:(?P<up>\d{0,3})\+)?(?P<name>[^\s,+\0\ud800-\udfff]+)(?:\+(?P<down>\d{0,3}))?")
HOW = (
    "Write a name, +name for all that it reads, name+ for all that reads it, or 2+name+1 for so many steps; "
    "several with a space between them."
)

Node = TypeVar("Node")
Key = tuple[str, int | str]
"""A view or a table by its primary key, ("view", 7); anything else by its name, ("name", "events")."""


@dataclass(frozen=True)
class Term:
    """A name, and how many steps before and behind it."""

    name: str
    up: int
    down: int


@dataclass(frozen=True)
class Web:
    """Everything a connection's views read, both ways round."""

    sources: Mapping[Key, list[Key]]
    readers: Mapping[Key, list[Key]]


def parsed(text: str) -> list[list[Term]]:
    """Terms to be put together, each a list of those that have to hold at once."""
    if len(text) > MOST_CHARACTERS:
        raise BadSelector(f"A selector has at most {MOST_CHARACTERS} characters.")
    groups = [group.split(",") for group in re.sub(r"\s*,\s*", ",", text).split()]
    if not groups:
        raise BadSelector(HOW)
    if sum(len(group) for group in groups) > MOST_TERMS:
        raise BadSelector(f"Put at most {MOST_TERMS} selectors together.")
    return [[_term(word) for word in group] for group in groups]


def _term(word: str) -> Term:
    found = _TERM.fullmatch(word)
    if found is None:
        raise BadSelector(f"“{word}” is no selector. {HOW}" if word else f"A name is missing beside a comma. {HOW}")
    return Term(found["name"], _steps(found["up"]), _steps(found["down"]))


def _steps(digits: str | None) -> int:
    """No plus sign is no step, and one without a number is all of them."""
    if digits is None:
        return 0
    return int(digits) if digits else ALL


def web(connection: Connection) -> Web:
    """In one query, for a walk has as many hops as the warehouse is deep."""
    sources: dict[Key, list[Key]] = defaultdict(list)
    readers: dict[Key, list[Key]] = defaultdict(list)
    edges = Edge.objects.filter(connection=connection, downstream__deleted_at=None).order_by("name", "pk")
    for reader, view, table, name in edges.values_list("downstream", "upstream_view", "upstream_table", "name"):
        source: Key = ("view", view) if view else ("table", table) if table else ("name", name)
        sources["view", reader].append(source)
        readers[source].append(("view", reader))
    return Web(sources, readers)


def chosen(view: SavedQuery, text: str, around: Web) -> dict[Key, int]:
    """What a selector means in the warehouse of this view, with the steps to the nearest name: below 0 what it reads.

    Raises BadSelector for nonsense, and for a name that nothing has.
    """
    groups = parsed(text)
    starts = _keys(view, {term.name for group in groups for term in group}, around)
    found: dict[Key, int] = {}
    for group in groups:
        reached = [_reached(starts[term.name], term, around) for term in group]
        shared = set.intersection(*(set(one) for one in reached))
        for one in reached:
            _keep_nearest(found, ((key, step) for key, step in one.items() if key in shared))
    return found


def _reached(start: Key, term: Term, around: Web) -> dict[Key, int]:
    found = {start: 0}
    _keep_nearest(found, ((key, -step) for key, step in reach(start, term.up, around.sources).items()))
    _keep_nearest(found, reach(start, term.down, around.readers).items())
    return found


def _keep_nearest(found: dict[Key, int], more: Iterable[tuple[Key, int]]) -> None:
    for key, step in more:
        if key not in found or abs(step) < abs(found[key]):
            found[key] = step


def reach(start: Node, steps: int, neighbours: Mapping[Node, Iterable[Node]]) -> dict[Node, int]:
    """All within so many steps one way, with how many it takes; a circle comes to an end."""
    found, frontier = {start: 0}, [start]
    for step in range(1, steps + 1):
        frontier = list(dict.fromkeys(far for near in frontier for far in neighbours.get(near, ()) if far not in found))
        if not frontier:
            break
        found.update(dict.fromkeys(frontier, step))
    return found


def _keys(view: SavedQuery, names: set[str], around: Web) -> dict[str, Key]:
    """What each name stands for: a view before a table, as when a query reads it."""
    known: dict[str, Key] = {name: ("name", name) for name in names if ("name", name) in around.readers}
    tables = WarehouseTable.objects.present().filter(connection=view.connection, name__in=names)
    known |= {name: ("table", pk) for name, pk in tables.values_list("name", "pk")}
    if view.name in names:  # one that is gone has no other page than its own
        known[view.name] = ("view", view.pk)
    views = SavedQuery.objects.present().filter(connection=view.connection, name__in=names)
    known |= {name: ("view", pk) for name, pk in views.values_list("name", "pk")}
    for name in sorted(names - known.keys()):
        raise BadSelector(f"Nothing here is called “{name}”.{_similar(view.connection, name)}")
    return known


def _similar(connection: Connection, name: str) -> str:
    """Names that a mistyped one may mean, in a sentence."""
    views = SavedQuery.objects.present().filter(connection=connection).order_by("name").values_list("name", flat=True)
    near = list(views.filter(name__icontains=name)[:3]) or get_close_matches(name, views[:MOST_COMPARED], 3)
    return f" Did you mean {' or '.join(near)}?" if near else " Write the whole name, as it stands in a query."
