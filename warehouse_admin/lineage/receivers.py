"""What lineage does when the mirror has changed."""

from __future__ import annotations

from typing import Any

from warehouse_admin.lineage import tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.signals import sync_finished, table_read, view_read


def after_sync(sender: type[SyncRun], sync: SyncRun, **_: Any) -> None:
    """Parse what changed, in the background. A sync that failed half-way has changed the mirror too."""
    tasks.refresh.delay(sync.connection_id)


def after_read(sender: type[SavedQuery], saved_query: SavedQuery, **_: Any) -> None:
    """A view read outside a sync, right after it was changed here for instance, may hold another text."""
    tasks.refresh.delay(saved_query.connection_id)


def after_table(sender: type[WarehouseTable], table: WarehouseTable, **_: Any) -> None:
    """A table that came, went or was renamed outside a sync: names mean something else by now."""
    tasks.refresh.delay(table.connection_id)


def listen() -> None:
    sync_finished.connect(after_sync, dispatch_uid="lineage.after_sync")
    view_read.connect(after_read, dispatch_uid="lineage.after_read")
    table_read.connect(after_table, dispatch_uid="lineage.after_table")
