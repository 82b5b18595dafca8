"""What PostHog answered about one table outside of a sync, and what each table is."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import rows, store
from warehouse_admin.mirror.columns import differ
from warehouse_admin.mirror.models import ColumnsChange, SavedQuery, WarehouseTable
from warehouse_admin.mirror.signals import announce_table
from warehouse_admin.posthog import reads, types

STORAGE_FORMAT = "DeltaS3Wrapper"


def kind_of(table: WarehouseTable) -> str:
    """`source`, `storage` (of a materialized view) or `bucket`."""
    if table.source_id:
        return "source"
    return "storage" if storage_view(table) else "bucket"


def storage_view(table: WarehouseTable) -> SavedQuery | None:
    """The materialized view whose rows this table holds; None for a table of its own. No query where a list knows."""
    if table.source_id or table.format != STORAGE_FORMAT or getattr(table, "is_storage", True) is False:
        return None
    if hasattr(table, "is_storage"):
        return SavedQuery(posthog_id=table.storage_id, name=table.name)  # type: ignore[attr-defined]
    views = SavedQuery.objects.present().filter(connection=table.connection_id, name=table.name, is_materialized=True)
    return views.only("posthog_id", "name").first()


def why_locked(table: WarehouseTable) -> str:
    """Why nobody changes this table here, in a sentence; empty where nothing forbids it."""
    if table.deleted_at is not None:
        return f"{table.name} was deleted in PostHog, so it cannot be changed."
    if table.source_id:
        source = table.source_type or "a source"
        return f"{table.name} belongs to {source}, which keeps it by its syncs: change the source in PostHog instead."
    if view := storage_view(table):
        return f"{table.name} holds the rows of the materialized view {view.name}: change that view instead."
    return ""


def read_live_table(table: WarehouseTable, *, timeout: float = 10) -> types.WarehouseTable:
    """Ask PostHog for one table now and keep the answer; raises `posthog.errors`."""
    client = accounts.client_for(table.connection, purpose="interactive", read_timeout=timeout)
    asked_at = timezone.now()
    try:
        row = reads.get_table(client, table.posthog_id)
    finally:
        client.close()
    store_table(connection=table.connection, row=row, read_at=asked_at)
    table.refresh_from_db()
    return row


def find_live_table(connection: Connection, name: str, *, timeout: float = 10) -> types.WarehouseTable | None:
    """Ask PostHog now for the table of exactly this name; nothing is kept. Raises `posthog.errors`."""
    client = accounts.client_for(connection, purpose="interactive", read_timeout=timeout)
    try:
        return reads.find_table(client, name)
    finally:
        client.close()


def store_table(
    *, connection: Connection, row: types.WarehouseTable, read_at: datetime, change_number: int | None = None
) -> WarehouseTable:
    """Keep an answer asked for at `read_at`, unless a newer one is known; a table that is new here is added.

    `change_number` is of the change request that this came of.
    """
    values = rows.table_values(row)
    with transaction.atomic():
        store.lock_newcomers(connection)
        known = WarehouseTable.objects.select_for_update().filter(connection=connection, posthog_id=row.id).first()
        if known is not None and known.synced_at is not None and known.synced_at > read_at:
            return known
        table = known or WarehouseTable(connection=connection, posthog_id=row.id)
        was = (table.name, table.deleted_at) if known else None
        if known is not None and row.columns is not None:
            note_columns(table, values["columns"], read_at, change_number)
        for name, value in values.items():
            setattr(table, name, value)
        table.synced_at, table.deleted_at, table.list_fingerprint = read_at, None, rows.table_fingerprint(values)
        table.save()
        if was != (table.name, None):
            announce_table(table)
    return table


def note_columns(
    table: WarehouseTable, columns: list[dict], at: datetime, change_number: int | None = None
) -> ColumnsChange | None:
    """Keep the columns that a locked table had, before it gets others; None where they are the same."""
    if not differ(table.columns, columns):
        return None
    return ColumnsChange.objects.create(
        table=table,
        before=table.columns,
        after=columns,
        since=table.synced_at,
        seen_at=at,
        change_number=change_number,
    )


def store_table_deleted(*, table: WarehouseTable, read_at: datetime) -> WarehouseTable:
    """Make a tombstone of a table that we deleted; one that answered to somebody who asked later is left as it is."""
    with transaction.atomic():
        found = WarehouseTable.objects.select_for_update().get(pk=table.pk)
        if found.deleted_at is None and (found.synced_at is None or found.synced_at <= read_at):
            found.deleted_at = found.synced_at = read_at
            found.save(update_fields=["deleted_at", "synced_at"])
            announce_table(found)
    table.refresh_from_db()
    return table
