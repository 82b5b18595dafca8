"""Collect the runs of materialized views: from the jobs feed, or view by view where the key cannot read that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import BigIntegerField, F, Max, Q
from django.utils import timezone

from warehouse_admin.core.bulk import insert_rows, update_rows
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.sync import feeds
from warehouse_admin.mirror.sync.details import Reader
from warehouse_admin.mirror.sync.fetch import Call
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.texts import storable
from warehouse_admin.posthog import errors, reads, types

PAGE = 500
HISTORY_PAGES = 20
"""Of the runs from before we came, so many pages are taken over."""
MAX_PAGES = 400
OVERLAP = timedelta(minutes=2)
"""A run is told of a moment after it began: so far below the newest one known, others may still appear."""
OPEN = ("Running", "Queued", "Pending")
FORGOTTEN = timedelta(days=2)
"""A run still open after this is not waited for any more."""
HISTORY_LIMIT = 200


def read_runs(job: Job, reader: Reader) -> None:
    """Runs since the last ones seen."""
    if job.may("jobs"):
        try:
            _read_feed(job, reader)
            return
        except (errors.PermissionDenied, errors.NotFound) as error:
            job.do_without("runs", "jobs", error)
    if job.may("run_history"):
        _read_histories(job)


def _read_feed(job: Job, reader: Reader) -> None:
    span = feeds.Span(feeds.read_to(job, feeds.RUNS))
    until = _wanted_from(job, span.known_to)
    views = dict(SavedQuery.objects.filter(connection=job.connection).values_list("posthog_id", "pk"))
    by_id = {str(key): pk for key, pk in views.items()}
    job.watch.phase("Reading runs")
    for page, _ in _pages(job, span, until):
        job.learn("jobs", None)
        store_jobs(job, page.results, by_id)
        job.watch.step(len(page.results))
        reader.take_what_came()
    # A run of a view that came after the list was read could not be kept: it is asked for again the next time.
    if span.newest is not None and span.is_whole:
        feeds.note_read(job, feeds.RUNS, min(span.newest, job.listed_at))


def _pages(job: Job, span: feeds.Span, until: datetime | None) -> Iterator[tuple[types.Page[types.Job], datetime]]:
    """The pages of the feed down to `until`, or as many as are worth reading."""
    left = iter(range(MAX_PAGES if until else HISTORY_PAGES))
    next(left)

    def following(page: types.Page[types.Job]) -> Call[types.Page[types.Job]] | None:
        span.meet(row.created_at for row in page.results)
        more = page.has_next and page.cursor and not span.is_past(until) and next(left, None) is not None
        return partial(reads.list_jobs, cursor=page.cursor, limit=PAGE) if more else None

    return job.fetcher.pages(partial(reads.list_jobs, limit=PAGE), following)


def _wanted_from(job: Job, known_to: datetime | None) -> datetime | None:
    """The start of the oldest run worth reading again: new ones, and those that were under way. None: all of them."""
    if known_to is None:
        return None
    runs = Run.objects.filter(saved_query__connection=job.connection, status__in=OPEN).exclude(job_id="")
    still_open = runs.filter(started_at__gt=known_to - FORGOTTEN).order_by("started_at")
    oldest = still_open.values_list("started_at", flat=True).first()
    return min(known_to - OVERLAP, oldest) if oldest else known_to - OVERLAP


@transaction.atomic
def store_jobs(job: Job, jobs: list[types.Job], by_id: dict[str, int]) -> None:
    """Insert new runs and finish those that were under way."""
    told: dict[tuple[int, str], types.Job] = {}
    for row in jobs:
        view = by_id.get((row.saved_query_id or "").lower())
        if view is not None and row.created_at is not None:
            told[(view, row.id[:64])] = row
    known = Run.objects.filter(job_id__in=[key for _, key in told], saved_query__in={view for view, _ in told})
    changed = []
    for run in known:
        same = (run.saved_query_id, run.job_id)
        if same in told and _fill(run, told.pop(same)):
            changed.append(run)
    update_rows(changed, ["status", "finished_at", "rows", "error"])
    made = []
    for (view, key), row in told.items():
        run = Run(saved_query_id=view, job_id=key, started_at=row.created_at or timezone.now())
        _fill(run, row)
        made.append(run)
    insert_rows(made)
    _drop_doubles(made)
    job.watch.counts["runs"] += len(made)


def _fill(run: Run, row: types.Job) -> bool:
    """True when the row says something new about the run."""
    status = storable(row.status, 30) or "Unknown"
    finished = None if status in OPEN else row.last_run_at
    fresh = (status, finished, _countable(row.rows_materialized), storable(row.error))
    if (run.status, run.finished_at, run.rows, run.error) == fresh:
        return False
    run.status, run.finished_at, run.rows, run.error = fresh
    return True


def _countable(rows: int | None) -> int | None:
    """A number of rows that a database can hold; an absurd one counts as unknown."""
    return rows if rows is not None and 0 <= rows <= BigIntegerField.MAX_BIGINT else None


def _drop_doubles(made: list[Run]) -> None:
    """What `run_history` had told without an id is the same run once the feed tells it: its time is the run's end."""
    views = {run.saved_query_id for run in made}
    nameless = Run.objects.filter(saved_query__in=views, job_id="")
    if made and nameless.exists():
        times = {(run.saved_query_id, moment) for run in made for moment in (run.started_at, run.finished_at)}
        doubles = [
            pk for pk, view, at in nameless.values_list("pk", "saved_query_id", "started_at") if (view, at) in times
        ]
        Run.objects.filter(pk__in=doubles).delete()


def _read_histories(job: Job) -> None:
    """Ask only for views whose list row tells of a run that is not here yet."""
    views = SavedQuery.objects.present().filter(connection=job.connection).exclude(last_run_at=None)
    behind = views.annotate(newest=Max("runs__started_at"), ended=Max("runs__finished_at"))
    unknown = (
        Q(newest=None)
        | Q(newest__lt=F("last_run_at"), ended=None)
        | Q(newest__lt=F("last_run_at"), ended__lt=F("last_run_at"))
    )
    keys = {view.posthog_id: view.pk for view in behind.filter(unknown).order_by("-last_run_at")[:HISTORY_LIMIT]}
    job.watch.phase("Reading runs", len(keys))
    for found in job.fetcher.many(list(keys), reads.run_history):
        job.watch.step()
        if isinstance(found.error, errors.PermissionDenied | errors.InvalidKey):
            if isinstance(found.error, errors.InvalidKey):
                raise found.error
            job.do_without("runs", "run_history", found.error)
            return
        if found.error is None:
            job.learn("run_history", None)
            _store_history(job, keys[found.key], found.value or [])


def _store_history(job: Job, view: int, history: list[types.HistoryRun]) -> None:
    told: dict[datetime, str] = {run.timestamp: storable(run.status, 30) for run in history if run.timestamp}
    with transaction.atomic():
        for run in Run.objects.filter(saved_query=view, started_at__in=list(told)):
            status = told.pop(run.started_at)
            if run.status != status and not run.job_id:
                Run.objects.filter(pk=run.pk).update(status=status)
        made = [Run(saved_query_id=view, started_at=at, status=status or "Unknown") for at, status in told.items()]
        insert_rows(made)
    job.watch.counts["runs"] += len(made)
