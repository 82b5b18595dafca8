"""What PostHog's own graph says of the neighbours of a view, beside what was parsed, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from warehouse_admin.lineage import selectors
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.lineage.models import Reading
from warehouse_admin.mirror.models import RemoteLineage, SavedQuery, WarehouseTable

HERE, THERE = "here", "there"
UPSTREAM, DOWNSTREAM = "upstream", "downstream"


@dataclass(frozen=True)
class Node:
    """A neighbour; `view` or `table` where the mirror has it. Two are the same by id, or by name."""

    key: str
    name: str
    kind: str
    view: SavedQuery | None = None
    table: WarehouseTable | None = None


@dataclass(frozen=True)
class Difference:
    """A neighbour that only one of both knows, and the likely reason."""

    known: str  # here or there
    direction: str
    node: Node
    reason: str


@dataclass(frozen=True)
class Side:
    """One direction: how many each knows. `told` False: PostHog did not say."""

    direction: str
    told: bool
    here: int
    there: int
    agreed: int
    counted: int | None  # by `dependencies`, which PostHog works out by itself
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        return self.told and not self.differences


@dataclass(frozen=True)
class Comparison:
    asked_at: datetime
    asked_by: str
    error: str
    sides: list[Side]

    @property
    def differences(self) -> list[Difference]:
        return [one for side in self.sides for one in side.differences]


def of(view: SavedQuery) -> Comparison | None:
    """The last comparison that somebody asked for; None where nobody did. A few queries, none of them to PostHog."""
    told = RemoteLineage.objects.select_related("asked_by").filter(saved_query=view).first()
    if told is None:
        return None
    parsed = {
        UPSTREAM: [_of_source(source) for source in selectors.upstream(view)],
        DOWNSTREAM: [_of_view(reader) for reader in selectors.downstream(view)],
    }
    remote = {UPSTREAM: told.upstream, DOWNSTREAM: told.downstream}
    known = _known(view, [key for keys in remote.values() for key in keys or []])
    why = _Reasons(view, told, known)
    counted = {UPSTREAM: told.upstream_count, DOWNSTREAM: told.downstream_count}
    sides = [_side(way, parsed[way], remote[way], known, counted[way], why) for way in (UPSTREAM, DOWNSTREAM)]
    return Comparison(told.asked_at, told.asked_by.display_name if told.asked_by else "", told.error, sides)


def _side(
    direction: str,
    here: list[Node],
    keys: list[str] | None,
    known: dict[str, Node],
    counted: int | None,
    why: _Reasons,
) -> Side:
    if keys is None:
        return Side(direction, False, len(here), 0, 0, counted)
    there = [known.get(key) or Node(key, key, "unknown") for key in keys]
    only_here, only_there = _lacking(here, there), _lacking(there, here)
    differences = [Difference(HERE, direction, node, why.only_here(direction, node, bool(keys))) for node in only_here]
    differences += [Difference(THERE, direction, node, why.only_there(direction, node)) for node in only_there]
    return Side(direction, True, len(here), len(there), len(there) - len(only_there), counted, differences)


def _lacking(nodes: Iterable[Node], others: Iterable[Node]) -> list[Node]:
    """Those that are not among the others. By name too: a materialized view and its storage share one."""
    found = {mark for other in others for mark in (other.key, other.name)}
    return [node for node in nodes if not {node.key, node.name} & found]


def _of_source(source: selectors.Upstream) -> Node:
    known = source.view or source.table
    key = str(known.posthog_id) if known else source.name
    return Node(key, known.name if known else source.name, source.kind, source.view, source.table)


def _of_view(view: SavedQuery) -> Node:
    return Node(str(view.posthog_id), view.name, selectors.kind_of(view.name, view, None), view)


def _known(view: SavedQuery, keys: list[str]) -> dict[str, Node]:
    """What the mirror has of these, tombstones included; two queries."""
    ids = [key for key in keys if _is_id(key)]
    tables = WarehouseTable.objects.filter(connection=view.connection_id, posthog_id__in=ids).defer("columns")
    views = SavedQuery.objects.filter(connection=view.connection_id, posthog_id__in=ids).defer("query", "columns")
    found = {key: Node(key, key, "builtin") for key in keys if key in BUILTIN_TABLES}
    found |= {str(table.posthog_id): Node(str(table.posthog_id), table.name, "table", None, table) for table in tables}
    return found | {str(one.posthog_id): _of_view(one) for one in views}


def _is_id(key: str) -> bool:
    try:
        UUID(key)
    except ValueError:
        return False
    return True


class _Reasons:
    """The likely reason of a difference, in a sentence; nobody can be certain of another's graph."""

    def __init__(self, view: SavedQuery, told: RemoteLineage, known: dict[str, Node]) -> None:
        self._view, self._told = view, told
        readers = [node.view.pk for node in known.values() if node.view is not None]
        rows = Reading.objects.filter(saved_query__in=[view.pk, *readers], complete=False)
        self._partly = set(rows.values_list("saved_query", flat=True))

    def only_here(self, direction: str, node: Node, says_any: bool) -> str:
        reader = self._view if direction == UPSTREAM else node.view
        if direction == UPSTREAM and node.kind == "unknown":
            return "The SQL names it, but the mirror has no view or table of this name, and PostHog links none either."
        if reader is not None and self._was_edited(reader):
            return "The SQL was edited after PostHog was asked: compare again."
        if direction == UPSTREAM and not says_any and not self._view.is_materialized and self._drops_graphs():
            return (
                "PostHog says nothing at all of what this view reads: it forgets that when a materialization is "
                "undone, until somebody saves the view again."
            )
        if reader is not None and reader.is_managed:
            return "PostHog manages the reader itself, and may keep it out of its graph."
        if node.table is not None and node.table.deleted_at is not None:
            return "The table was deleted in PostHog; the SQL still names it."
        return "The SQL that is live reads it; PostHog's graph is only renewed when a view is saved, and may be older."

    def only_there(self, direction: str, node: Node) -> str:
        reader = self._view if direction == UPSTREAM else node.view
        if node.view is None and node.table is None and node.kind != "builtin":
            return (
                "The mirror knows no view or table of it: it is newer than the last sync, or PostHog does not list it."
            )
        gone = (node.view or node.table) if node.kind != "builtin" else None
        if gone is not None and gone.deleted_at is not None:
            return "It was deleted in PostHog, whose graph still has it."
        if reader is not None and self._was_edited(reader):
            return "The SQL was edited after PostHog was asked: compare again."
        if reader is not None and reader.pk in self._partly:
            return "The SQL could not be read completely here, so PostHog is probably right."
        return "The SQL that is live does not name it: PostHog's graph is probably of an earlier text."

    def _was_edited(self, view: SavedQuery) -> bool:
        return view.edited_at is not None and view.edited_at > self._told.asked_at

    def _drops_graphs(self) -> bool:
        return self._view.connection.generation in ("", "A", "B", "C")
