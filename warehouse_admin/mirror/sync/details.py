"""Re-read the views whose SQL may have changed, concurrently, within the budget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from warehouse_admin.mirror import store
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import rereads
from warehouse_admin.mirror.sync.fetch import Fetched
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.sync.watch import StopAsked
from warehouse_admin.posthog import errors, reads, types

BATCH = 50
FAILURES_IN_A_ROW = 10
"""So many refusals one after the other are no longer about single views."""


def read_details(job: Job) -> None:
    """Read what needs reading, oldest knowledge first; rows are written in batches as answers come."""
    views = SavedQuery.objects.present().filter(connection=job.connection)
    if job.sync.kind == SyncRun.Kind.FULL and not job.watch.finished("marked"):
        views.filter(detail_synced_at__lt=job.listed_at).update(needs_detail=True)
        job.watch.finish("marked")
    needed = list(
        views.filter(needs_detail=True).order_by("detail_synced_at", "pk").values_list("posthog_id", flat=True)
    )
    keys = needed + _rolling(job, needed)
    job.watch.phase("Reading views", len(keys))
    batch: list[tuple[types.SavedQuery, datetime]] = []
    try:
        for found in _answers(job, keys):
            batch.append((found.value, found.asked_at))  # type: ignore[arg-type]
            if len(batch) >= BATCH:
                store_details(job, batch)
                batch = []
    except (StopAsked, errors.PostHogError):
        store_details(job, batch)  # what was paid for is kept
        raise
    store_details(job, batch)


def _rolling(job: Job, needed: list[UUID]) -> list[UUID]:
    """A few of the views that were read longest ago, so that all have their turn."""
    views = SavedQuery.objects.present().filter(connection=job.connection, needs_detail=False)
    room = rereads.plan(views.count(), job.connection.sync_every_minutes).per_sync - len(needed)
    if room <= 0:
        return []
    due = views.filter(detail_synced_at__lt=timezone.now() - rereads.REREAD_AFTER).order_by("detail_synced_at")
    return list(due.values_list("posthog_id", flat=True)[:room])


def _answers(job: Job, keys: list[UUID]) -> Iterator[Fetched[UUID, types.SavedQuery]]:
    """Good answers; one that failed leaves its view marked for the next sync, many in a row fail this one."""
    failed = 0
    for found in job.fetcher.many(keys, reads.get_saved_query):
        job.watch.step()
        if found.error is None:
            failed = 0
            yield found
            continue
        if _is_fatal(found.error):
            raise found.error
        if isinstance(found.error, errors.NotFound) and found.error.object_missing:
            # Gone since it was listed: the next crawl decides. One that is not listed at all is asked about at once.
            SavedQuery.objects.filter(connection=job.connection, posthog_id=found.key).update(hidden_at=None)
            continue
        failed += 1
        job.watch.counts["detail_errors"] += 1
        job.watch.notes["details"] = (
            f"{job.watch.counts['detail_errors']} views could not be read; they come next time."
        )
        if failed >= FAILURES_IN_A_ROW:
            raise found.error


def _is_fatal(error: errors.PostHogError) -> bool:
    if isinstance(error, errors.NotFound):
        return not error.object_missing
    return isinstance(error, errors.InvalidKey | errors.PermissionDenied | errors.RateLimited)


@transaction.atomic
def store_details(job: Job, batch: list[tuple[types.SavedQuery, datetime]]) -> None:
    """Write a batch of answers in one transaction."""
    if not batch:
        return
    writing = job.writing()
    views = store.locked(job.connection, [row.id for row, _ in batch])
    numbers = store.next_version_numbers(views.values())
    for row, asked_at in batch:
        view = views.get(row.id)
        if view is not None:
            store.take(writing, view, row, asked_at, version=numbers[view.pk])
    writing.flush()
    job.watch.counts["details"] += len(batch)
    job.watch.counts["versions"] += len(writing.versions)
