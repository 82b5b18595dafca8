"""PostHog's own log of the project, where the key may read it: who did what, and which views to read again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.mirror.models import RemoteActivity, SavedQuery
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.texts import storable, storable_json
from warehouse_admin.posthog import errors, reads, types

OVERLAP = timedelta(minutes=5)
"""Entries are written after the commit they tell of, so one may appear below another that we have already seen."""
MAX_PAGES = 10
NOT_EDITS = frozenset({"sync_triggered", "sync_cancelled"})


def read_log(job: Job) -> None:
    """Take over entries until one is met that is known and older than the overlap."""
    if not job.may("activity_log"):
        return
    known = RemoteActivity.objects.filter(connection=job.connection)
    newest = known.order_by("-created_at").values_list("created_at", flat=True).first()
    job.watch.phase("Reading PostHog's activity log")
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        try:
            page, _ = job.fetcher.one(reads.list_activity_log, cursor=cursor)
        except (errors.PermissionDenied, errors.NotFound, errors.Refused) as error:
            job.do_without("activity", "activity_log", error)
            return
        job.learn("activity_log", None)
        store_entries(job, page.results)
        job.watch.step(len(page.results))
        cursor = page.cursor
        oldest = min((entry.created_at for entry in page.results if entry.created_at), default=None)
        caught_up = newest is not None and oldest is not None and oldest < newest - OVERLAP
        if caught_up or not page.has_next or not cursor:
            return


@transaction.atomic
def store_entries(job: Job, entries: list[types.ActivityEntry]) -> None:
    """Keep the entries that are new and mark the views they are about."""
    fresh = {entry.id or entry.fingerprint(): entry for entry in entries if entry.created_at is not None}
    known = RemoteActivity.objects.filter(connection=job.connection, entry_key__in=list(fresh))
    for key in known.values_list("entry_key", flat=True):
        del fresh[key]
    made = [_row(job, key, entry) for key, entry in fresh.items()]
    RemoteActivity.objects.bulk_create(made, ignore_conflicts=True)
    job.watch.counts["activity"] += len(made)
    _mark(job, made)


def _row(job: Job, key: str, entry: types.ActivityEntry) -> RemoteActivity:
    user = entry.user
    name = " ".join(part for part in (user.first_name, user.last_name) if part) if user else ""
    detail = entry.raw.get("detail")
    return RemoteActivity(
        connection=job.connection,
        entry_key=storable(key, 64),
        posthog_id=_uuid(entry.item_id),
        activity=storable(entry.activity, 60),
        user_email=storable(user.email if user else "", 254),
        user_name=storable(name, 200),
        is_system=entry.is_system,
        detail=storable_json(detail) if isinstance(detail, dict) else {},
        created_at=entry.created_at or timezone.now(),
    )


def _mark(job: Job, made: list[RemoteActivity]) -> None:
    """Views that were touched after we last read them are read again."""
    last: dict[uuid.UUID, RemoteActivity] = {}
    for row in made:
        if row.posthog_id is not None and row.activity not in NOT_EDITS:
            held = last.get(row.posthog_id)
            last[row.posthog_id] = row if held is None or row.created_at > held.created_at else held
    views = SavedQuery.objects.present().filter(connection=job.connection, needs_detail=False)
    recent = timezone.now() - timedelta(days=1)
    for key, row in last.items():
        # PostHog's clock and ours may differ a little; reading once too often costs one request.
        unread = Q(detail_synced_at=None) | Q(detail_synced_at__lt=row.created_at + OVERLAP)
        if row.created_at > recent or not job.is_history:
            views.filter(unread, posthog_id=key).update(needs_detail=True)


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
