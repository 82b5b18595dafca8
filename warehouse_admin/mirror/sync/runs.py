"""Collect the runs of materialized views: from the jobs feed, or view by view where the key cannot read that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db.models import F, Max, Q

from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import AT_WORK
from warehouse_admin.mirror.sync import feeds
from warehouse_admin.mirror.sync.details import Reader
from warehouse_admin.mirror.sync.fetch import Call
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.told_runs import Kept, keep_history, keep_jobs, views_by_id
from warehouse_admin.posthog import errors, reads, types

PAGE = 500
HISTORY_PAGES = 20
"""Of the runs from before we came, so many pages are taken over."""
MAX_PAGES = 400
OVERLAP = timedelta(minutes=2)
"""A run is told of a moment after it began: so far below the newest one known, others may still appear."""
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
    by_id = views_by_id(job.connection)
    job.watch.phase("Reading runs")
    for page, _ in _pages(job, span, until):
        job.learn("jobs", None)
        _count(job, keep_jobs(page.results, by_id))
        job.watch.step(len(page.results))
        reader.take_what_came()
    # A run of a view that came after the list was read could not be kept: it is asked for again the next time.
    if span.newest is not None and span.is_whole:
        feeds.note_read(job, feeds.RUNS, min(span.newest, job.listed_at))


def _count(job: Job, kept: Kept) -> None:
    job.watch.counts["runs"] += len(kept.new)
    job.touched |= kept.views


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
    runs = Run.objects.filter(saved_query__connection=job.connection, status__in=AT_WORK).exclude(job_id="")
    still_open = runs.filter(started_at__gt=known_to - FORGOTTEN).order_by("started_at")
    oldest = still_open.values_list("started_at", flat=True).first()
    return min(known_to - OVERLAP, oldest) if oldest else known_to - OVERLAP


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
            _count(job, keep_history(keys[found.key], found.value or []))
