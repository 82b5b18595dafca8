"""What is broken above a view, and the root of it: the furthest one upstream that explains why it is broken itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
    rows = list(marked.only("schedule_state", "is_materialized", "root_upstream_id", "holds_up"))
    above = broken_above([row for row in rows if row.schedule_state in IN_TROUBLE])
    roots = {view: min(levels[-1]) for view, levels in above.items()}  # of several equally far always the same one
    waiting = Counter(roots.values())
    changed = []
    for row in rows:
        found = (roots.get(row.pk), waiting[row.pk])
        if (row.root_upstream_id, row.holds_up) != found:
            row.root_upstream_id, row.holds_up = found
            changed.append(row)
    update_rows(changed, ["root_upstream", "holds_up"])
    return len(changed)


@dataclass
class _Above:
    """What some views read, as far up as trouble can come from."""

    sources: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    troubled: set[int] = field(default_factory=set)
    passing: set[int] = field(default_factory=set)
    """Those through which trouble comes: in trouble themselves, or never run because they are not materialized."""

    def note(self, states: Iterable[tuple[int, str, bool | None]]) -> set[int]:
        """Take in views with their state and whether they are materialized; gives those to look further through."""
        through = set()
        for view, state, materialized in states:
            if state in IN_TROUBLE:
                self.troubled.add(view)
            if state in IN_TROUBLE or materialized is not True:
                through.add(view)
        self.passing |= through
        return through

    def levels(self, view: int) -> list[set[int]]:
        """The views in trouble above one, nearest first; a cycle ends by itself."""
        seen, frontier, found = {view}, {view}, []
        while frontier:
            reached = {source for one in frontier for source in self.sources.get(one, ())} - seen
            seen |= reached
            if met := reached & self.troubled:
                found.append(met)
            frontier = reached & self.passing
        return found


def broken_above(views: Sequence[SavedQuery]) -> dict[int, list[set[int]]]:
    """Keys of what is in trouble above each of these views and can be why it is too, hop by hop, nearest first.

    A view that is not materialized hands trouble on; a materialized one that runs well keeps it off. Views above which
    all is well are left out. Two queries a hop, however many views there are.
    """
    above, frontier = _Above(), {view.pk for view in views}
    above.note((view.pk, view.schedule_state, view.is_materialized) for view in views)
    seen = set(frontier)
    while frontier:
        pairs = [pair for hook in hooks.view_sources for pair in hook(frontier)]
        for view, source in pairs:
            above.sources[view].append(source)
        fresh = {source for _, source in pairs} - seen
        seen |= fresh
        rows = SavedQuery.objects.present().filter(pk__among=fresh) if fresh else SavedQuery.objects.none()
        frontier = above.note(rows.values_list("pk", "schedule_state", "is_materialized"))
    return {view.pk: levels for view in views if (levels := above.levels(view.pk))}
