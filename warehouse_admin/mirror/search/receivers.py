"""When the search has something to catch up with."""

from __future__ import annotations

from typing import Any

from warehouse_admin.mirror import tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.signals import sync_finished, view_read


def after_reading(**_: Any) -> None:
    """A sync ended, in whatever state, or a view was read outside of one."""
    tasks.keep_up_search.delay()


def listen() -> None:
    sync_finished.connect(after_reading, sender=SyncRun, dispatch_uid="mirror.search.after_sync")
    view_read.connect(after_reading, sender=SavedQuery, dispatch_uid="mirror.search.after_read")
