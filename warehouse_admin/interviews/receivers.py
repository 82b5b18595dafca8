"""The mirror says that a sync ended; interviews are read after it, so that they never hold up the views."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.signals import sync_finished

READ_AFTER = (SyncRun.State.SUCCEEDED, SyncRun.State.NEEDS_ATTENTION)


@receiver(sync_finished, sender=SyncRun, dispatch_uid="interviews.read")
def read(sender: type[SyncRun], sync: SyncRun, **kwargs: Any) -> None:
    """Not after one that failed or was stopped: PostHog is away, or somebody wanted peace."""
    from warehouse_admin.interviews import tasks

    if sync.state in READ_AFTER:
        tasks.read_all.delay(sync.connection_id, sync.kind == SyncRun.Kind.FULL)
