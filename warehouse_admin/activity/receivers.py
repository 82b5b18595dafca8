"""The mirror says that a sync ended; the inbox takes in what it found."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.signals import sync_finished


@receiver(sync_finished, sender=SyncRun, dispatch_uid="activity.ingest")
def take_in(sender: type[SyncRun], sync: SyncRun, **kwargs: Any) -> None:
    """Also after a sync that failed: what it saw before it failed has happened all the same."""
    from warehouse_admin.activity import tasks

    tasks.ingest.delay(str(sync.pk))
