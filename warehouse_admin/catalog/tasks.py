"""The catalog's background work."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="catalog.review_trust")
def review_trust(connection_id: int) -> None:
    from warehouse_admin.accounts.models import Connection
    from warehouse_admin.catalog import trusting

    trusting.review(Connection.objects.get(pk=connection_id))
