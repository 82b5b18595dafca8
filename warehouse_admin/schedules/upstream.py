"""What stands above the views of a plan: the order in which to send them, and what is broken there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.roots import broken_above

FARTHEST = 25  # hops; a warehouse is not deeper, and cycles end
AT_ONCE = 500
WHOLE_FROM = 200  # views; for so many one query for all edges of their connection costs less than one for each hop
NAMED = 3


@dataclass
class Above:
    """What some views read, directly or through others, by primary key."""

    sources: dict[int, set[int]] = field(default_factory=dict)

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
        for down, up in edges.values_list("downstream_id", "upstream_view_id"):
            self.sources.setdefault(down, set()).add(up)
            reached.add(up)
        return reached

    def levels(self, key: int) -> Iterator[set[int]]:
        """Everything above a view, nearest first."""
        seen, level = {key}, {key}
        while level := {up for one in level for up in self.sources.get(one, ()) if up not in seen}:
            seen |= level
            yield level


def broken_sources(views: Sequence[SavedQuery]) -> dict[int, list[str]]:
    """Names of the broken views that each of these waits for, nearest first, a few of them."""
    above = broken_above(views)
    names = {view.pk: view.name for view in views}
    others = {key for levels in above.values() for level in levels for key in level} - names.keys()
    names |= dict(SavedQuery.objects.filter(pk__among=others).values_list("pk", "name")) if others else {}
    return {
        view: [name for level in levels for name in sorted(names[key] for key in level)][:NAMED]
        for view, levels in above.items()
    }


def sources_first(views: Sequence[SavedQuery]) -> list[SavedQuery]:
    """The views in an order in which none stands before one it reads, also through others that were not chosen.

    Cycles stay in order of name.
    """
    by_pk = {view.pk: view for view in sorted(views, key=lambda view: view.name)}
    above = Above.of(by_pk)
    waits_for = {pk: {up for level in above.levels(pk) for up in level if up in by_pk} for pk in by_pk}
    ordered: list[SavedQuery] = []
    while waits_for:
        ready = [pk for pk, upstream in waits_for.items() if not upstream & waits_for.keys()] or [next(iter(waits_for))]
        for pk in ready:
            ordered.append(by_pk[pk])
            del waits_for[pk]
    return ordered
