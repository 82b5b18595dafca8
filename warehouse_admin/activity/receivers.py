"""The mirror says that a sync ended, or that a view was read; the inbox takes in what was found."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.signals import sync_finished, view_read


@receiver(sync_finished, sender=SyncRun, dispatch_uid="activity.ingest")
def take_in(sender: type[SyncRun], sync: SyncRun, **kwargs: Any) -> None:
    """Also after a sync that failed: what it saw before it failed has happened all the same."""
    from warehouse_admin.activity import tasks

    tasks.ingest.delay(sync.connection_id, str(sync.pk))


@receiver(view_read, sender=SavedQuery, dispatch_uid="activity.ingest_read")
def take_in_read(sender: type[SavedQuery], saved_query: SavedQuery, **kwargs: Any) -> None:
    """What a person's refresh or an applied change brought to light does not wait for the next sync."""
    from warehouse_admin.activity import tasks

    tasks.ingest.delay(saved_query.connection_id)
