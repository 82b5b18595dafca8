"""What lineage does when the mirror has changed."""

from __future__ import annotations

from typing import Any

from warehouse_admin.lineage import tasks
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.signals import sync_finished


def after_sync(sender: type[SyncRun], sync: SyncRun, **_: Any) -> None:
    """Parse what changed, in the background. A sync that failed half-way has changed the mirror too."""
    tasks.refresh.delay(sync.connection_id)


def listen() -> None:
    sync_finished.connect(after_sync, dispatch_uid="lineage.after_sync")
