"""Decide about objects that a complete list no longer has: each is asked for by its id before it counts as gone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.mirror import store
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads

ALWAYS_ASKED_ABOVE = 3
"""So few objects may vanish from a small warehouse without a person being asked."""

Mirrored = type[SavedQuery] | type[WarehouseTable]


def settle_vanished(job: Job) -> list[str]:
    """Tombstone what PostHog says is gone. Gives the ids a person has to decide about: too many at once."""
    undecided: list[str] = []
    cursor = job.watch.cursor
    if cursor.get("complete"):
        undecided += _settle(job, SavedQuery, _missing(job, SavedQuery, cursor["listed_at"]))
    if cursor.get("tables_complete"):
        undecided += _settle(job, WarehouseTable, _missing(job, WarehouseTable, cursor["tables_listed_at"]))
    return undecided


def _missing(job: Job, model: Mirrored, listed_at: str) -> list[uuid.UUID]:
    rows = model.objects.present().filter(connection=job.connection, synced_at__lt=parse_datetime(listed_at))
    return list(rows.values_list("posthog_id", flat=True))


def _settle(job: Job, model: Mirrored, missing: list[uuid.UUID]) -> list[str]:
    if not missing:
        return []
    there = model.objects.present().filter(connection=job.connection).count()
    share = 100 * len(missing) / there
    emptied = len(missing) == there and there > 1
    if emptied or (len(missing) > ALWAYS_ASKED_ABOVE and share > job.connection.vanish_limit_percent):
        return [str(key) for key in missing]
    confirm(job, model, missing)
    return []


def confirm(job: Job, model: Mirrored, keys: list[uuid.UUID]) -> None:
    """Ask for each object: a tombstone on PostHog's own 404; on an answer it is kept and refreshed, else left alone."""
    read: Callable[..., Any] = reads.get_saved_query if model is SavedQuery else reads.get_table
    job.watch.phase("Checking what is gone", len(keys))
    for found in job.fetcher.many(keys, read):
        job.watch.step()
        if isinstance(found.error, errors.NotFound) and found.error.object_missing:
            tombstone(job, model, found.key)
        elif isinstance(found.error, errors.InvalidKey):
            raise found.error
        elif found.error is None:
            job.watch.counts["still_there"] += 1
            if model is SavedQuery:
                _keep(job, found.value, found.asked_at)
            else:
                job.connection.tables.filter(posthog_id=found.key).update(synced_at=found.asked_at)
        else:
            job.watch.notes["vanished"] = "Some objects missing from the list could not be checked; they are kept."


@transaction.atomic
def _keep(job: Job, row: Any, asked_at: Any) -> None:
    writing = job.writing()
    for view in store.locked(job.connection, [row.id]).values():
        store.take(writing, view, row, asked_at, version=store.next_version_numbers([view])[view.pk])
    writing.flush()


@transaction.atomic
def tombstone(job: Job, model: Mirrored, key: uuid.UUID) -> None:
    """Mark one object as gone, with its last name and definition kept, and say so in the trail."""
    row = model.objects.select_for_update().filter(connection=job.connection, posthog_id=key, deleted_at=None).first()
    if row is None:
        return
    now = timezone.now()
    last_seen, row.deleted_at = row.synced_at, now
    row.save(update_fields=["deleted_at"])
    before: dict[str, Any] = {"name": row.name}
    if isinstance(row, SavedQuery):
        before |= {"query_hash": row.query_hash, "is_materialized": row.is_materialized}
        writing = job.writing()
        gone = {"name": row.name, "query": row.query}
        writing.observe(row, [(Observation.Kind.DELETED, gone, {"deleted": True})], last_seen, now)
        writing.flush()
    job.watch.counts["tombstoned"] += 1
    audit.record(
        actor=None,
        action="sync.tombstoned",
        target=Target("saved_query" if isinstance(row, SavedQuery) else "table", str(key), row.name),
        before=before,
        after={"deleted_at": now.isoformat(), "sync": str(job.sync.pk)},
        connection=job.connection.slug,
    )


def both_models() -> tuple[Mirrored, Mirrored]:
    """Views first: a table that is a view's storage goes with it."""
    return SavedQuery, WarehouseTable


def undecided_of(sync: SyncRun) -> dict[Mirrored, list[uuid.UUID]]:
    """What a person has to decide about, by model; what came back meanwhile is left out."""
    keys = [uuid.UUID(key) for key in sync.vanished]
    return {
        model: list(
            model.objects.present()
            .filter(connection=sync.connection, posthog_id__in=keys)
            .values_list("posthog_id", flat=True)
        )
        for model in both_models()
    }
