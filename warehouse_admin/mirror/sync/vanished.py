"""Decide about objects that a complete list no longer has: each is asked for by its id before it counts as gone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.mirror import recreation, store
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

ALWAYS_ASKED_ABOVE = 3
"""So few objects may vanish from a small warehouse without a person being asked."""
RECHECK_HIDDEN_AFTER = timedelta(days=1)

ENDPOINT = "endpoint"
"""The origin of views that newer servers never list."""

Mirrored = type[SavedQuery] | type[WarehouseTable]


def settle_vanished(job: Job) -> list[str]:
    """Tombstone what PostHog says is gone. Gives the ids a person has to decide about: too many at once."""
    undecided: list[str] = []
    cursor = job.watch.cursor
    if cursor.get("complete") and (begun := parse_datetime(cursor["listed_at"])):
        confirm(job, SavedQuery, _hidden_and_due(job, begun))
        listed = SavedQuery.objects.filter(connection=job.connection, hidden_at=None)
        undecided += _settle(job, SavedQuery, listed.present(), begun)
    if cursor.get("tables_complete") and (begun := parse_datetime(cursor["tables_listed_at"])):
        tables = WarehouseTable.objects.filter(connection=job.connection)
        undecided += _settle(job, WarehouseTable, tables.present(), begun)
    return undecided


def _hidden_and_due(job: Job, begun: datetime) -> list[uuid.UUID]:
    """Views that PostHog never lists but answers for: endpoints once a day, others ever more rarely down to that."""
    hidden = SavedQuery.objects.present().filter(connection=job.connection, synced_at__lt=begun)
    rows = hidden.exclude(hidden_at=None).values_list("posthog_id", "origin", "hidden_at", "synced_at")
    due = []
    for key, origin, since, answered in rows:
        known_for = RECHECK_HIDDEN_AFTER if origin == ENDPOINT else answered - since
        if begun - answered >= min(known_for, RECHECK_HIDDEN_AFTER):
            due.append(key)
    return due


def _settle(job: Job, model: Mirrored, present: QuerySet[Any], begun: datetime) -> list[str]:
    missing = list(present.filter(synced_at__lt=begun).order_by("name").values_list("posthog_id", flat=True))
    if not missing:
        return []
    there = present.count()
    if len(missing) == there and (there > 1 or model is SavedQuery):
        job.watch.notes["emptied"] = (
            f"PostHog lists none of the {there} {model._meta.verbose_name_plural} that were there. Most likely the key "
            "lost its access. Nothing was marked as deleted: check the connection, or confirm that all are gone."
        )
        return [str(key) for key in missing]
    if len(missing) > ALWAYS_ASKED_ABOVE and 100 * len(missing) / there > job.connection.vanish_limit_percent:
        return [str(key) for key in missing]
    confirm(job, model, missing)
    return []


def confirm(job: Job, model: Mirrored, keys: list[uuid.UUID]) -> None:
    """Ask for each object: a tombstone on PostHog's own 404; on an answer it is kept and refreshed, else left alone."""
    read: Callable[..., Any] = reads.get_saved_query if model is SavedQuery else reads.get_table
    if keys:
        job.watch.phase("Checking what is gone", len(keys))
    for found in job.fetcher.many(keys, read):
        job.watch.step()
        gone = isinstance(found.error, errors.NotFound) and found.error.object_missing
        if gone or (found.value is not None and found.value.deleted):
            tombstone(job, model, found.key)
        elif isinstance(found.error, errors.InvalidKey):
            raise found.error
        elif found.error is None:
            job.watch.counts["still_there"] += 1
            if model is SavedQuery and found.value is not None:
                _keep(job, found.value, found.asked_at)
            else:
                job.connection.tables.filter(posthog_id=found.key).update(synced_at=found.asked_at)
        else:
            job.watch.notes["vanished"] = "Some objects missing from the list could not be checked; they are kept."


@transaction.atomic
def _keep(job: Job, row: types.SavedQuery, asked_at: datetime) -> None:
    """It answers though the list lacks it: remember that, so as not to ask at every sync."""
    writing = job.writing()
    for view in store.locked(job.connection, [row.id]).values():
        store.take(writing, view, row, asked_at, version=store.next_version_numbers([view])[view.pk])
        if view.hidden_at is None:
            view.hidden_at = asked_at
            writing.fields.add("hidden_at")
            writing.changed = [view]
    writing.flush()


@transaction.atomic
def tombstone(job: Job, model: Mirrored, key: uuid.UUID) -> None:
    """Mark one object as gone, with its last name and definition kept, and say so in the trail."""
    row = model.objects.select_for_update().filter(connection=job.connection, posthog_id=key, deleted_at=None).first()
    if row is None:
        return
    now = timezone.now()
    if isinstance(row, SavedQuery):
        store.former(row, now).save()
    last_seen, row.deleted_at = row.synced_at, now
    row.save(update_fields=["deleted_at"])
    before: dict[str, Any] = {"name": row.name}
    if isinstance(row, SavedQuery):
        before |= {"query_hash": row.query_hash, "is_materialized": row.is_materialized}
        writing = job.writing()
        gone = {"name": row.name, "query": row.query}
        writing.observe(row, [(Observation.Kind.DELETED, gone, {"deleted": True})], last_seen, now)
        writing.flush()
        recreation.link_successor(row)
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
