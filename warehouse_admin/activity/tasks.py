"""Load an id, call a service."""

from __future__ import annotations

from celery import shared_task

from warehouse_admin.mirror.models import SyncRun


@shared_task(name="activity.ingest")
def ingest(sync_id: str) -> None:
    from warehouse_admin.activity import services

    sync = SyncRun.objects.select_related("connection").get(pk=sync_id)
    services.ingest(sync.connection, sync)
