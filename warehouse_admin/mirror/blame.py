"""Which failed run of another view stands behind a failed or skipped one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import NO_VERDICT

HOPS = 20
BACK = timedelta(days=8)
"""A source that runs once a week has its last run before this within it."""
TROUBLE = ("Failed", "Skipped")
Ended = tuple[datetime, str]


def roots_of_runs(view: SavedQuery, runs: Sequence[Run]) -> dict[int, SavedQuery]:
    """For each run in trouble, by its key, the furthest view upstream whose last run before it had failed."""
    troubled = [run for run in runs if run.status in TROUBLE]
    sources = _sources(view.pk) if troubled else {}
    above = {source for found in sources.values() for source in found}
    if not above:
        return {}
    views = {one.pk: one for one in SavedQuery.objects.filter(pk__in=above).only("posthog_id", "name")}
    ended = _ended(above, troubled)
    found: dict[int, SavedQuery] = {}
    for run in troubled:
        root = _named(run, views) or _furthest(view.pk, run.started_at, sources, ended)
        if root is not None and root in views:
            found[run.pk] = views[root]
    return found


def _sources(view: int) -> dict[int, list[int]]:
    """Everything upstream, by who reads it."""
    found: dict[int, list[int]] = defaultdict(list)
    frontier, seen = {view}, {view}
    for _ in range(HOPS):
        if not frontier:
            break
        pairs = [pair for hook in hooks.view_sources for pair in hook(frontier)]
        for reader, source in pairs:
            found[reader].append(source)
        frontier = {source for _, source in pairs} - seen
        seen |= frontier
    return found


def _ended(views: set[int], troubled: Sequence[Run]) -> dict[int, list[Ended]]:
    """The runs of these views that came before the troubled ones, newest first."""
    first, last = min(run.started_at for run in troubled), max(run.started_at for run in troubled)
    runs = Run.objects.filter(saved_query__in=views, started_at__gt=first - BACK, started_at__lte=last)
    rows = runs.exclude(status__in=NO_VERDICT).order_by("-started_at")
    found: dict[int, list[Ended]] = defaultdict(list)
    for key, at, status in rows.values_list("saved_query", "started_at", "status"):
        found[key].append((at, status))
    return found


def _named(run: Run, views: dict[int, SavedQuery]) -> int | None:
    """Newer servers name in a skipped run the view that it was skipped for."""
    if run.status != "Skipped":
        return None
    words = set(run.error.replace("'", " ").replace('"', " ").replace("`", " ").replace(",", " ").split())
    return next((key for key, view in views.items() if view.name in words), None)


def _furthest(view: int, at: datetime, sources: dict[int, list[int]], ended: dict[int, list[Ended]]) -> int | None:
    """Through views that had failed by then, or that never run because they are not materialized."""
    root, frontier, seen = None, {view}, {view}
    while frontier:
        reached = {source for one in frontier for source in sources.get(one, ())} - seen
        seen |= reached
        last = {one: next((status for began, status in ended.get(one, ()) if began < at), "") for one in reached}
        failed = {one for one in reached if last[one] == "Failed"}
        root = min(failed) if failed else root
        frontier = failed | {one for one in reached if not last[one]}
    return root
