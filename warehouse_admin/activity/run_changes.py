"""Runs that changed how a view stands: the first that failed after one that went well, and the other way round."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, OuterRef, QuerySet, Subquery

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.facts import RUN_FAILED, RUN_RECOVERED
from warehouse_admin.activity.models import ActivityEntry, RunsTold
from warehouse_admin.mirror.models import Run
from warehouse_admin.mirror.selectors import history_ends

BATCH = 1_000
WAITED_FOR = 2_000
"""So many runs under way are remembered; older ones have been forgotten by PostHog too."""
FAILED, COMPLETED = "Failed", "Completed"
KINDS = {FAILED: RUN_FAILED, COMPLETED: RUN_RECOVERED}
ENDED = (FAILED, COMPLETED, "Cancelled")


def take_in(connection: Connection) -> int:
    """Look through the runs that are new or have ended since the last time; how many new ones that was."""
    begin = history_ends(connection)
    if begin is None:
        return 0
    told = _told(connection, begin)
    runs = Run.objects.filter(saved_query__connection=connection)
    fresh = list(runs.filter(pk__gt=told.told_to).order_by("pk").values_list("pk", "status")[:BATCH])
    waited = Run.objects.filter(pk__in=told.under_way, status__in=ENDED).values_list("pk", flat=True)
    ended = [*waited, *(pk for pk, status in fresh if status in KINDS)]
    if not fresh and not ended:
        return 0
    _tell(connection, _turning(runs.filter(pk__in=ended, status__in=list(KINDS), started_at__gte=begin)))
    under_way = (set(told.under_way) - set(ended)) | {pk for pk, status in fresh if status not in ENDED}
    told.under_way = sorted(under_way)[-WAITED_FOR:]
    told.told_to = fresh[-1][0] if fresh else told.told_to
    told.save(update_fields=["told_to", "under_way"])
    return len(fresh)


def _told(connection: Connection, begin: datetime) -> RunsTold:
    """What began before the first sync is history; so is, at the first look, all that an older portal has passed by."""
    told = RunsTold.objects.filter(connection=connection).first()
    if told is None:
        history = Run.objects.filter(saved_query__connection=connection, started_at__lt=begin)
        newest = history.aggregate(newest=Max("pk"))["newest"] or 0
        told = RunsTold.objects.create(connection=connection, told_to=newest)
    return told


def _turning(runs: QuerySet[Run]) -> list[Run]:
    """Those that ended otherwise than the run before."""
    earlier = Run.objects.filter(
        saved_query=OuterRef("saved_query"), started_at__lt=OuterRef("started_at"), status__in=list(KINDS)
    )
    previous = Subquery(earlier.order_by("-started_at", "-pk").values("status")[:1])
    related = runs.annotate(previous=previous).select_related("saved_query").order_by("started_at")
    found = related.defer("saved_query__query", "saved_query__columns")
    return [run for run in found if run.previous is not None and run.previous != run.status]


def _tell(connection: Connection, runs: list[Run]) -> None:
    about = {run.saved_query_id for run in runs}
    known = ActivityEntry.objects.filter(saved_query__in=about, kind__in=list(KINDS.values()))
    have = set(known.values_list("run", flat=True))
    at = set(known.filter(run=None).values_list("saved_query", "occurred_at"))
    ActivityEntry.objects.bulk_create(
        _entry(connection, run)
        for run in runs
        # The same run under another key, once PostHog has told it with its id, is not told twice.
        if run.pk not in have and not {(run.saved_query_id, moment) for moment in (run.started_at, _end(run))} & at
    )


def _end(run: Run) -> datetime:
    return run.finished_at or run.started_at


def _entry(connection: Connection, run: Run) -> ActivityEntry:
    failed = run.status == FAILED
    return ActivityEntry(
        connection=connection,
        saved_query=run.saved_query,
        source=ActivityEntry.Source.SYSTEM,
        kind=KINDS[run.status],
        object_name=run.saved_query.name,
        before={"run": COMPLETED if failed else FAILED},
        after={"run": run.status, **({"error": run.error[:2_000]} if failed and run.error else {})},
        occurred_at=_end(run),
        run=run,
    )
