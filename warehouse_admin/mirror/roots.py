"""Which broken view others wait for: the furthest one upstream that explains why they are broken themselves."""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import update_rows
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import BROKEN, SavedQuery, ScheduleState

IN_TROUBLE = (*BROKEN, ScheduleState.OVERDUE)


def refresh_roots(connection: Connection | None = None) -> int:
    """Find the root of every broken view anew, and how many wait for each root; gives how many views changed."""
    views = SavedQuery.objects.present()
    if connection is not None:
        views = views.filter(connection=connection)
    marked = views.filter(Q(schedule_state__in=IN_TROUBLE) | Q(root_upstream__isnull=False) | Q(holds_up__gt=0))
    rows = list(marked.only("schedule_state", "root_upstream_id", "holds_up"))
    roots = _roots({row.pk for row in rows if row.schedule_state in IN_TROUBLE})
    waiting = Counter(roots.values())
    changed = []
    for row in rows:
        found = (roots.get(row.pk), waiting[row.pk])
        if (row.root_upstream_id, row.holds_up) != found:
            row.root_upstream_id, row.holds_up = found
            changed.append(row)
    update_rows(changed, ["root_upstream", "holds_up"])
    return len(changed)


def _roots(broken: set[int]) -> dict[int, int]:
    """The root of each broken view that has one.

    A view that is not materialized hands trouble on; a materialized one that runs well keeps it off.
    """
    sources = _sources(broken)
    reached: dict[int, int] = {}
    for view in broken:
        if root := _furthest(view, broken, sources):
            reached[view] = root
    return reached


def _sources(broken: set[int]) -> dict[int, list[int]]:
    """What the broken views read, hop by hop, as far up as trouble can come from."""
    found: dict[int, list[int]] = defaultdict(list)
    seen, frontier = set(broken), set(broken)
    while frontier:
        pairs = [pair for hook in hooks.view_sources for pair in hook(frontier)]
        fresh = {source for _, source in pairs} - seen
        plain = set(
            SavedQuery.objects.present().filter(pk__in=fresh).exclude(is_materialized=True).values_list("pk", flat=True)
        )
        for view, source in pairs:
            found[view].append(source)
        seen |= fresh
        frontier = plain
    return found


def _furthest(view: int, broken: set[int], sources: dict[int, list[int]]) -> int | None:
    """Breadth first, so that a cycle ends by itself; of several equally far the one with the lowest key."""
    seen, frontier, root = {view}, {view}, None
    while frontier:
        frontier = {source for one in frontier for source in sources.get(one, ()) if source not in seen}
        seen |= frontier
        if met := frontier & broken:
            root = min(met)
    return root
