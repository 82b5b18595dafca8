"""Read in full the views whose SQL may have changed, concurrently, within the budget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from warehouse_admin.mirror import store
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import rereads
from warehouse_admin.mirror.sync.fetch import Fetched, Stream
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

CONSUMER = "sync views"
BATCH = 50
FAILURES_IN_A_ROW = 10
"""So many refusals one after the other are no longer about single views."""


def needed(job: Job) -> list[UUID]:
    """What has to be read in full, oldest knowledge first, and a few more in turn."""
    views = SavedQuery.objects.present().filter(connection=job.connection)
    if job.sync.kind == SyncRun.Kind.FULL and not job.watch.finished("marked"):
        views.filter(detail_synced_at__lt=job.listed_at).update(needs_detail=True)
        job.watch.finish("marked")
    marked = list(
        views.filter(needs_detail=True).order_by("detail_synced_at", "pk").values_list("posthog_id", flat=True)
    )
    return marked + _rolling(job, marked)


def _rolling(job: Job, marked: list[UUID]) -> list[UUID]:
    """A few of the views that were read longest ago, so that all have their turn."""
    views = SavedQuery.objects.present().filter(connection=job.connection, needs_detail=False)
    room = rereads.plan(views.count(), job.connection.sync_every_minutes).per_sync - len(marked)
    if room <= 0:
        return []
    due = views.filter(detail_synced_at__lt=timezone.now() - rereads.REREAD_AFTER).order_by("detail_synced_at")
    return list(due.values_list("posthog_id", flat=True)[:room])


class Reader:
    """Reads views in full, while the lists are read where the rate is not scarce: answers are taken when it is told to.

    One that failed leaves its view marked for the next sync; many in a row fail this one.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._watch = job, job.watch
        self._stream: Stream[UUID, types.SavedQuery] = Stream(job.fetcher, reads.get_saved_query, CONSUMER)
        self._later: list[UUID] = []
        self._batch: list[tuple[types.SavedQuery, datetime]] = []
        self._failed_in_a_row = 0

    def add(self, keys: Iterable[UUID]) -> None:
        """More views to read, at once or when the lists are done."""
        if self._job.is_limited:
            self._later.extend(keys)
        else:
            self._stream.add(keys)

    def take_what_came(self) -> None:
        """Take the answers that are there."""
        while self._stream.has_answer:
            self._take()

    def take_what_was_sent(self) -> None:
        """Ask for nothing more, take what is under way, and write it."""
        self._later.clear()
        self._stream.forget_the_rest()
        self._take_all()

    def finish(self) -> None:
        """Read the rest, as a phase of its own."""
        self._stream.add(self._later)
        self._watch.phase("Reading views", self._stream.left)
        self._take_all(step=1)

    def _take_all(self, step: int = 0) -> None:
        while self._stream.left:
            self._take()
            self._watch.step(step)
        self.write()

    def _take(self) -> None:
        self._judge(self._stream.next())
        # Where the rate is scarce the next answer may be a minute away, and what is not written a kill would lose.
        if len(self._batch) >= BATCH or (self._job.is_limited and not self._stream.has_answer):
            self.write()

    def write(self) -> None:
        """Write what was taken and not written yet."""
        batch, self._batch = self._batch, []
        store_details(self._job, batch)

    def _judge(self, found: Fetched[UUID, types.SavedQuery]) -> None:
        if found.error is None:
            self._failed_in_a_row = 0
            self._batch.append((found.value, found.asked_at))  # type: ignore[arg-type]
            return
        if _is_fatal(found.error):
            raise found.error
        if isinstance(found.error, errors.NotFound) and found.error.object_missing:
            # Gone since it was listed: the next crawl decides. One that is not listed at all is asked about at once.
            SavedQuery.objects.filter(connection=self._job.connection, posthog_id=found.key).update(hidden_at=None)
            return
        self._failed_in_a_row += 1
        self._watch.counts["detail_errors"] += 1
        failed = self._watch.counts["detail_errors"]
        self._watch.notes["details"] = f"{failed} views could not be read; they come next time."
        if self._failed_in_a_row >= FAILURES_IN_A_ROW:
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
