"""What lineage does when the mirror has changed."""

from __future__ import annotations

from typing import Any

from warehouse_admin.lineage import tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.signals import sync_finished, view_read


def after_sync(sender: type[SyncRun], sync: SyncRun, **_: Any) -> None:
    """Parse what changed, in the background. A sync that failed half-way has changed the mirror too."""
    tasks.refresh.delay(sync.connection_id)


def after_read(sender: type[SavedQuery], saved_query: SavedQuery, **_: Any) -> None:
    """A view read outside a sync, right after it was changed here for instance, may hold another text."""
    tasks.refresh.delay(saved_query.connection_id)


def listen() -> None:
    sync_finished.connect(after_sync, dispatch_uid="lineage.after_sync")
    view_read.connect(after_read, dispatch_uid="lineage.after_read")
