"""Read the whole list of views, page by page, and note what is new or changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.mirror import recreation, rows, store
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun
from warehouse_admin.mirror.store import Writing
from warehouse_admin.mirror.sync import feeds
from warehouse_admin.mirror.sync.details import Reader
from warehouse_admin.mirror.sync.fetch import Call
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

MAX_PAGES = 1_000


def crawl(job: Job, reader: Reader) -> None:
    """List every view. A list that moved meanwhile is read once more; if it moves again, nothing may be called gone."""
    for attempt in (1, 2):
        if _crawl_once(job, reader, resume=attempt == 1):
            job.watch.cursor["complete"] = True
            break
        job.watch.cursor["complete"] = False
        job.watch.cursor.pop("page", None)
    else:
        job.watch.notes["views"] = "The list changed while it was read, twice: nothing was marked as deleted."
    job.watch.finish("list")


def _crawl_once(job: Job, reader: Reader, *, resume: bool) -> bool:
    """True when the pages fit together. The views of a first sync are read in full from when they are listed."""
    watch, cursor = job.watch, job.watch.cursor
    if not (resume and cursor.get("page")):
        cursor.update(page=1, listed_at=timezone.now().isoformat(), first_count=None)
    watch.phase("Reading the list of views")
    try:
        for page, asked_at in _pages(job, cursor["page"]):
            if cursor["page"] == 1:
                cursor["first_count"] = page.count
                job.learn("list", None)
                _notice_generation(job, page.results)
            fresh = store_page(job, [row for row in page.results if not row.deleted], asked_at)
            if page.has_next and page.results:
                cursor["page"] += 1
            watch.step(len(page.results), total=page.count, kept=True)  # what is stored is not asked for again
            if job.is_history:
                reader.add(fresh)
                reader.take_what_came()
            if not page.has_next:
                return _fits(job, page.count)
            if not page.results:
                raise errors.BadAnswer("PostHog sent an empty page that claims to have a successor.")
    except errors.NotFound as error:
        if cursor["page"] > 1 and not error.object_missing and "page" in error.detail.lower():
            return False  # the list shrank below this page while we read
        raise
    return False


def _pages(job: Job, first: int) -> Iterator[tuple[types.Page[types.SavedQuery], datetime]]:
    """The pages from the one with this number on, as long as they are believable."""
    numbers = iter(range(first + 1, MAX_PAGES + 1))

    def following(page: types.Page[types.SavedQuery]) -> Call[types.Page[types.SavedQuery]] | None:
        number = next(numbers, None) if page.has_next and page.results else None
        return None if number is None else partial(reads.list_saved_queries, page=number)

    return job.fetcher.pages(partial(reads.list_saved_queries, page=first), following)


def _notice_generation(job: Job, listed: list[types.SavedQuery]) -> None:
    """A server that was upgraded may offer other actions: the connection is checked again."""
    found = types.detect_generation(listed[0]) if listed else None
    if found and found != job.connection.generation:
        accounts.check_connection(job.connection)
        job.connection.refresh_from_db()


def _fits(job: Job, last_count: int | None) -> bool:
    """Same count on the first and the last page, and as many views seen."""
    seen = SavedQuery.objects.present().filter(connection=job.connection, synced_at__gte=job.listed_at).count()
    return last_count is not None and job.watch.cursor["first_count"] == last_count and seen >= last_count


@transaction.atomic
def store_page(job: Job, listed: list[types.SavedQuery], asked_at: datetime) -> list[UUID]:
    """Write one page: unchanged rows by one update, the others by their differences. Gives the new ones without SQL."""
    prints = {row.id: rows.view_fingerprint(row) for row in listed}
    by_id = {row.id: row for row in listed}
    told_whole = any(row.has("query") for row in listed)
    thorough = told_whole and job.sync.kind == SyncRun.Kind.FULL  # elsewhere a full sync reads each view by itself
    known = SavedQuery.objects.filter(connection=job.connection, posthog_id__among=list(by_id))
    known_rows = known.values_list("pk", "posthog_id", "list_fingerprint", "deleted_at", "hidden_at")
    if len(known_rows) < len(by_id):
        store.lock_newcomers(job.connection)  # before any view is locked, as everybody does
        known_rows = known_rows.all()  # read again: some may have been made meanwhile
    same: list[tuple[int, str]] = []
    other: list[tuple[int, str]] = []
    for pk, key, fingerprint, *absent in known_rows:
        unchanged = fingerprint == prints[str(key)] and absent == [None, None] and not thorough
        (same if unchanged else other).append((pk, str(key)))
    _keep_as_is([pk for pk, _ in same], asked_at, with_query=told_whole)
    job.watch.counts["unchanged"] += len(same)
    writing = job.writing()
    _update(job, writing, [by_id[key] for _, key in other], prints, asked_at)
    seen = {key for _, key in same + other}
    made = _create(job, writing, [row for key, row in by_id.items() if key not in seen], prints, asked_at)
    writing.flush()
    return [] if told_whole else [view.posthog_id for view in made]


def _keep_as_is(keys: list[int], asked_at: datetime, *, with_query: bool) -> None:
    """Rows that say what they said: only the time moves, of the SQL too where the list has it."""
    SavedQuery.objects.filter(pk__among=keys, synced_at__lt=asked_at).update(synced_at=asked_at)
    if with_query:
        older = SavedQuery.objects.filter(pk__among=keys, detail_synced_at__lt=asked_at)
        older.update(detail_synced_at=asked_at, needs_detail=False)


def _update(
    job: Job, writing: Writing, changed: list[types.SavedQuery], prints: dict[str, str], asked_at: datetime
) -> None:
    views = store.locked(job.connection, [row.id for row in changed])
    numbers = store.next_version_numbers(views.values())
    log_tells_edits = job.may("activity_log")
    for row in changed:
        view = views[row.id]
        if view.synced_at is not None and view.synced_at > asked_at:
            continue  # something newer is known
        was_modified = view.status == "Modified"
        touched = store.take(writing, view, row, asked_at, version=numbers[view.pk])
        view.list_fingerprint, view.hidden_at = prints[row.id], None
        writing.fields |= {"list_fingerprint", "hidden_at"}
        doubtful = touched & rows.CONTENT or "deleted_at" in touched
        doubtful = doubtful or (view.status == "Modified" and not was_modified)
        doubtful = doubtful or (not log_tells_edits and touched & {"status", "last_run_at", "latest_error"})
        older = view.detail_synced_at is None or view.detail_synced_at < asked_at
        if doubtful and older and not row.has("query"):
            view.needs_detail = True
            writing.fields.add("needs_detail")
        job.watch.counts["updated"] += 1


def _create(
    job: Job, writing: Writing, fresh: list[types.SavedQuery], prints: dict[str, str], asked_at: datetime
) -> list[SavedQuery]:
    if not fresh:
        return []
    views = [store.new_view(job.connection, row, prints[row.id], asked_at) for row in fresh]
    recreation.link_to_tombstones(job.connection, views)
    store.insert_views(job.connection, views)
    writing.touched.update(view.pk for view in views)
    for view, row in zip(views, fresh, strict=True):
        if row.has("query"):
            store.take(writing, view, row, asked_at, version=1)
        writing.observe(view, [(Observation.Kind.CREATED, {}, {"name": view.name})], None, asked_at)
    job.watch.counts["created"] += len(views)
    _look_back_for_runs(job, fresh)
    return views


def _look_back_for_runs(job: Job, fresh: list[types.SavedQuery]) -> None:
    """A view that is only new to us has runs older than where the feed of runs was read to."""
    known_to = feeds.read_to(job, feeds.RUNS)
    if known_to and any(row.last_run_at and row.created_at and row.created_at < known_to for row in fresh):
        feeds.read_anew(job, feeds.RUNS)
