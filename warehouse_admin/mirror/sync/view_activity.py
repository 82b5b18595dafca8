"""The log of each view that changed, where PostHog does not let the project's log be read: who did what was found."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import remote_log
from warehouse_admin.mirror.logged import told_sql
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.selectors import history_ends
from warehouse_admin.mirror.sync import remote_activity
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

VIEWS_AT_ONCE = 1_000
"""Where more views changed at once, the next syncs ask about the others."""
MAX_PAGES = 10
FAILURES_IN_A_ROW = 10
"""So many failures one after the other are no longer about single views."""

Told = dict[UUID, list[types.ActivityEntry]]


def read_view_logs(job: Job) -> None:
    """Ask about the views of which something was found that no log was asked about yet: one request for each.

    Further pages are read while a page has nothing but news of our time.
    """
    if not job.may("activity"):
        return
    asked_at = timezone.now()
    due = SavedQuery.objects.filter(connection=job.connection, needs_log=True).order_by("pk")
    told: Told = {key: [] for key in due.values_list("posthog_id", flat=True)[:VIEWS_AT_ONCE]}
    if told:
        job.watch.phase("Reading the activity of changed views", len(told))
    for page in range(1, MAX_PAGES + 1):
        told = _read_page(job, told, page, asked_at)
    for key, entries in told.items():
        store_log(job, key, entries, asked_at)


def _read_page(job: Job, told: Told, number: int, asked_at: datetime) -> Told:
    """One page of each of these logs on top of what they told. Gives those that go on; the others are stored."""
    further: Told = {}
    failed = 0
    ask = partial(reads.list_saved_query_activity, page=number)
    for found in job.fetcher.many(list(told), ask):
        job.watch.step()
        if found.value is not None:
            failed = 0
            job.learn("activity", None)
            entries = told[found.key] + found.value.results
            if found.value.has_next and _all_news(job, found.value.results):
                further[found.key] = entries
            else:
                store_log(job, found.key, entries, asked_at)
        elif isinstance(found.error, errors.PermissionDenied | errors.NotFound | errors.Refused):
            job.learn("activity", found.error)
            if not job.may("activity"):
                job.do_without("view_activity", "activity", found.error)
                return {}
            _settle(job, found.key, asked_at)  # said of this view alone: there is nothing to be had
        else:
            failed += 1
            if not _can_go_on(job, found.error, failed):
                return {}
    return further


def _can_go_on(job: Job, error: errors.PostHogError | None, failed: int) -> bool:
    """A view whose log failed stays marked for the next sync; what the mirror holds does not hang on it."""
    if isinstance(error, errors.InvalidKey):
        raise error
    job.watch.counts["log_errors"] += 1
    job.watch.notes["view_activity"] = (
        f"The activity of {job.watch.counts['log_errors']} changed views could not be read; it comes next time."
    )
    return failed < FAILURES_IN_A_ROW and not isinstance(error, errors.RateLimited)


def _all_news(job: Job, entries: list[types.ActivityEntry]) -> bool:
    """Whether there may be more news below: none of these is known, nor from before the first sync."""
    begin = history_ends(job.connection)
    if begin is None or any(entry.created_at is None or entry.created_at < begin for entry in entries):
        return False
    return len(remote_log.new_entries(job.connection, entries)) == len(entries)


@transaction.atomic
def store_log(job: Job, key: UUID, entries: list[types.ActivityEntry], asked_at: datetime) -> None:
    """Keep what one view's log tells. Where it ends with other SQL than the view has, both are read again next time."""
    made = remote_activity.keep_entries(job, entries)
    edits = [(row.created_at, sql[1]) for row in made if (sql := told_sql(row.detail))]
    view = SavedQuery.objects.filter(connection=job.connection, posthog_id=key)
    if edits and view.present().exclude(query_hash=text_digest(max(edits)[1])).update(needs_detail=True):
        return
    _settle(job, key, asked_at)


def _settle(job: Job, key: UUID, asked_at: datetime) -> None:
    """Nothing is left to ask about, unless somebody looked meanwhile and found something new."""
    view = SavedQuery.objects.filter(connection=job.connection, posthog_id=key, synced_at__lte=asked_at)
    view.update(needs_log=False)
