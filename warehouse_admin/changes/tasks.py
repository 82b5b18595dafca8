"""Celery's way into the changes. Each may run twice: the claim decides, not the queue."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="changes.apply_change")
def apply_change(change_id: int) -> None:
    """Carry a claimed change to PostHog."""
    from warehouse_admin.changes import services

    services.advance(change_id)


@shared_task(name="changes.settle_open_changes")
def settle_open_changes() -> None:
    """Take every open change one step further: after crashes, waits and answers that never came."""
    from warehouse_admin.changes import services

    services.settle_open()


@shared_task(name="changes.remove_old_drafts")
def remove_old_drafts() -> None:
    """Remove drafts that nobody has touched for long."""
    from warehouse_admin.changes import drafts

    drafts.sweep()


@shared_task(name="changes.expire_idle_changes")
def expire_idle_changes() -> None:
    """Close what nobody has touched for its whole life."""
    from warehouse_admin.changes import services

    services.expire_idle()
