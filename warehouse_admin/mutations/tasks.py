"""Celery's way into the gate."""

from __future__ import annotations

from celery import shared_task

from warehouse_admin.mutations import services


@shared_task(name="mutations.settle_unconfirmed")
def settle_unconfirmed() -> None:
    """Decide about every mutation without an answer that is due to be looked at."""
    services.settle_due()
