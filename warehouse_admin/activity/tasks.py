"""Load an id, call a service."""

from __future__ import annotations

from celery import shared_task

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SyncRun


@shared_task(name="activity.ingest")
def ingest(connection_id: int, sync_id: str | None = None) -> None:
    from warehouse_admin.activity import services

    sync = SyncRun.objects.get(pk=sync_id) if sync_id else None
    services.ingest(Connection.objects.get(pk=connection_id), sync)


@shared_task(name="activity.watch_overdue")
def watch_overdue() -> None:
    from warehouse_admin.activity import services

    services.watch_overdue()
    services.watch_wake_ups()
    services.watch_certifications()


@shared_task(name="activity.watch_certifications")
def watch_certifications() -> None:
    from warehouse_admin.activity import services

    services.watch_certifications()
