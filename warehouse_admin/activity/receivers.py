"""The mirror says that a sync ended, or that a view was read; the inbox takes in what was found. So with trust."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.signals import sync_finished, trust_changed, view_read


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


@receiver(trust_changed, sender=Connection, dispatch_uid="activity.watch_certifications")
def take_in_trust(sender: type[Connection], connection: Connection, **kwargs: Any) -> None:
    """A certification that fell is told at once, and one that somebody renewed waits for nobody any more."""
    from warehouse_admin.activity import tasks

    tasks.watch_certifications.delay()
