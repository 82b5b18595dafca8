"""Lineage's background work."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="lineage.refresh")
def refresh(connection_id: int) -> None:
    from warehouse_admin.accounts.models import Connection
    from warehouse_admin.lineage import services
    from warehouse_admin.mirror.roots import refresh_roots

    connection = Connection.objects.get(pk=connection_id)
    services.refresh(connection)
    refresh_roots(connection)  # who waits for whom follows from who reads whom
