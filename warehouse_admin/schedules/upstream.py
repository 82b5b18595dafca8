"""What stands above the views of a plan: the order in which to send them, and what is broken there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import BROKEN, SavedQuery

FARTHEST = 25  # hops; a warehouse is not deeper, and cycles end
AT_ONCE = 500
WHOLE_FROM = 200  # views; for so many one query for all edges of their connection costs less than one for each hop
NAMED = 3


@dataclass
class Above:
    """What some views read, directly or through others, by primary key."""

    sources: dict[int, set[int]] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)  # the names of those that fail or are suspended

    @classmethod
    def of(cls, keys: Collection[int]) -> Above:
        """One query a hop, and for each 500 views of it; one in all where there are many, of one connection."""
        above = cls()
        if len(keys) >= WHOLE_FROM:
            theirs = SavedQuery.objects.filter(pk__in=sorted(keys)[:1]).values("connection")
            above._learn(Edge.objects.filter(connection__in=theirs))
            return above
        frontier, walked = set(keys), set(keys)
        for _ in range(FARTHEST):
            if not frontier:
                break
            frontier = above._climb(sorted(frontier)) - walked
            walked |= frontier
        return above

    def _climb(self, keys: list[int]) -> set[int]:
        reached = set()
        for start in range(0, len(keys), AT_ONCE):
            reached |= self._learn(Edge.objects.filter(downstream__in=keys[start : start + AT_ONCE]))
        return reached

    def _learn(self, edges: QuerySet[Edge]) -> set[int]:
        """Take edges in; gives the views at their upper ends."""
        reached = set()
        edges = edges.exclude(upstream_view=None).filter(upstream_view__deleted_at=None)
        for down, up, name, state in edges.values_list(
            "downstream_id", "upstream_view_id", "upstream_view__name", "upstream_view__schedule_state"
        ):
            self.sources.setdefault(down, set()).add(up)
            reached.add(up)
            if state in BROKEN:
                self.broken[up] = name
        return reached

    def levels(self, key: int) -> Iterator[set[int]]:
        """Everything above a view, nearest first."""
        seen, level = {key}, {key}
        while level := {up for one in level for up in self.sources.get(one, ()) if up not in seen}:
            seen |= level
            yield level


def broken_sources(views: Sequence[SavedQuery], above: Above) -> dict[int, list[str]]:
    """Names of broken views that each of these reads, directly or through others, nearest first, a few of them."""
    found = {}
    for view in views:
        names: list[str] = []
        for level in above.levels(view.pk):
            names += sorted(above.broken[up] for up in level if up in above.broken)
        if names:
            found[view.pk] = names[:NAMED]
    return found


def sources_first(views: Sequence[SavedQuery], above: Above | None = None) -> list[SavedQuery]:
    """The views in an order in which none stands before one it reads, also through others that were not chosen.

    Cycles stay in order of name.
    """
    by_pk = {view.pk: view for view in sorted(views, key=lambda view: view.name)}
    above = above or Above.of(by_pk)
    waits_for = {pk: {up for level in above.levels(pk) for up in level if up in by_pk} for pk in by_pk}
    ordered: list[SavedQuery] = []
    while waits_for:
        ready = [pk for pk, upstream in waits_for.items() if not upstream & waits_for.keys()] or [next(iter(waits_for))]
        for pk in ready:
            ordered.append(by_pk[pk])
            del waits_for[pk]
    return ordered
