"""PostHog's own log of the project, where the key may read it: who did what, and which views to read again."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.mirror import remote_log
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery
from warehouse_admin.mirror.sync import feeds
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

OVERLAP = timedelta(minutes=5)
"""Entries are written after the commit they tell of, so one may appear below another that we have already seen."""
HISTORY_PAGES = 10
"""Of what was logged before we came, so much is taken over."""
MAX_PAGES = 200


def read_log(job: Job) -> bool:
    """Take over entries down to where the log was last read whole, and a little further. False: we may not read it."""
    if not job.may("activity_log"):
        return False
    known_to = feeds.read_to(job, feeds.ACTIVITY)
    job.watch.phase("Reading PostHog's activity log")
    cursor: str | None = None
    span = feeds.Span(known_to)
    for _ in range(MAX_PAGES if known_to else HISTORY_PAGES):
        try:
            page, _ = job.fetcher.one(reads.list_activity_log, cursor=cursor)
        except (errors.PermissionDenied, errors.NotFound, errors.Refused) as error:
            job.do_without("activity", "activity_log", error)
            return False
        job.learn("activity_log", None)
        store_entries(job, page.results, known_to)
        job.watch.step(len(page.results))
        cursor = page.cursor
        span.meet(entry.created_at for entry in page.results)
        if (known_to and span.is_past(known_to - OVERLAP)) or not page.has_next or not cursor:
            break
    else:
        if known_to is not None:
            _mark_all(job)
            span.known_to = None
    if span.newest is not None and span.is_whole:
        feeds.note_read(job, feeds.ACTIVITY, span.newest)
    # What was found before now is told in what was just read, if anywhere.
    SavedQuery.objects.filter(connection=job.connection, needs_log=True).update(needs_log=False)
    return True


def _mark_all(job: Job) -> None:
    """So much happened that the log could not be read to where we knew it: any view may have been edited."""
    SavedQuery.objects.present().filter(connection=job.connection).update(needs_detail=True)
    job.watch.notes["activity"] = "PostHog's log was too long to read whole: every view is read again instead."


@transaction.atomic
def store_entries(job: Job, entries: list[types.ActivityEntry], known_to: datetime | None) -> None:
    """Keep the entries that are new and mark the views they are about; `known_to` None: the log was never read."""
    _mark(job, keep_entries(job, entries), known_to)


def keep_entries(job: Job, entries: list[types.ActivityEntry]) -> list[RemoteActivity]:
    """Add those that are new, whichever log told them. Gives the rows; called inside a transaction."""
    made = remote_log.keep(job.connection, entries, is_history=job.is_history)
    job.watch.counts["activity"] += len(made)
    return made


def _mark(job: Job, made: list[RemoteActivity], known_to: datetime | None) -> None:
    """Views that were touched since we read them are read again.

    PostHog's clock may be off from ours: once the log is known, an entry that was not there before is new, whatever
    its time.
    """
    last: dict[uuid.UUID, RemoteActivity] = {}
    for row in made:
        if row.posthog_id is not None and row.activity not in remote_log.NOT_EDITS:
            held = last.get(row.posthog_id)
            last[row.posthog_id] = row if held is None or row.created_at > held.created_at else held
    views = SavedQuery.objects.present().filter(connection=job.connection, needs_detail=False)
    recent = timezone.now() - timedelta(days=1)
    for key, row in last.items():
        # Reading once too often costs one request.
        unread = Q(detail_synced_at=None) | Q(detail_synced_at__lt=row.created_at + OVERLAP)
        if known_to is not None:
            unread |= Q(detail_synced_at__lt=job.sync.started_at)
        if row.created_at > recent or known_to is not None:
            views.filter(unread, posthog_id=key).update(needs_detail=True)
