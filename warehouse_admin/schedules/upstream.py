"""What stands broken above the views of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, ScheduleState

BROKEN = (ScheduleState.SUSPENDED, ScheduleState.FAILING)
FARTHEST = 25  # hops; a warehouse is not deeper, and cycles end
NAMED = 3


def broken_sources(views: Sequence[SavedQuery]) -> dict[int, list[str]]:
    """Names of broken views that each of these reads, directly or through others, nearest first; one query a hop."""
    keys = {view.pk for view in views}
    above: dict[int, set[int]] = {}
    frontier = set(keys)
    names: dict[int, str] = {}
    for _ in range(FARTHEST):
        if not frontier:
            break
        edges = Edge.objects.filter(downstream__in=frontier, upstream_view__deleted_at=None)
        found = edges.exclude(upstream_view=None).values_list(
            "downstream_id", "upstream_view_id", "upstream_view__name", "upstream_view__schedule_state"
        )
        reached = set()
        for down, up, name, state in found:
            above.setdefault(down, set()).add(up)
            reached.add(up)
            if state in BROKEN:
                names[up] = name
        frontier = reached - above.keys()
    return {key: told for key in keys if (told := _nearest(key, above, names))}


def _nearest(key: int, above: dict[int, set[int]], names: dict[int, str]) -> list[str]:
    seen, level = {key}, {key}
    told: list[str] = []
    while level and len(told) < NAMED:
        level = {up for one in level for up in above.get(one, ()) if up not in seen}
        seen |= level
        told += sorted(names[up] for up in level if up in names)
    return told[:NAMED]
