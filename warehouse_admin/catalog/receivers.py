"""What the catalog does when the mirror has changed: see whether what was certified is still what it was."""

from __future__ import annotations

from typing import Any

from warehouse_admin.catalog import tasks
from warehouse_admin.catalog.models import Trust
from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.signals import sync_finished, table_read, view_read


def after_sync(sender: type[SyncRun], sync: SyncRun, **_: Any) -> None:
    _review(sync.connection_id)


def after_read(sender: type[SavedQuery], saved_query: SavedQuery, **_: Any) -> None:
    _review(saved_query.connection_id)


def after_table(sender: type[WarehouseTable], table: WarehouseTable, **_: Any) -> None:
    _review(table.connection_id)


def _review(connection_id: int) -> None:
    if Trust.objects.filter(Trust.holding(), entry__connection_id=connection_id).exists():
        tasks.review_trust.delay(connection_id)


def listen() -> None:
    sync_finished.connect(after_sync, dispatch_uid="catalog.after_sync")
    view_read.connect(after_read, dispatch_uid="catalog.after_read")
    table_read.connect(after_table, dispatch_uid="catalog.after_table")
