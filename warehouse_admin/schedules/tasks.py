"""Load an id, call a service. Every task may run twice: the claims in the database make that safe."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="schedules.run_campaign")
def run_campaign(campaign_id: str) -> None:
    from warehouse_admin.schedules import services

    services.run_campaign(campaign_id)


@shared_task(name="schedules.follow_campaigns")
def follow_campaigns() -> None:
    from warehouse_admin.schedules import services

    services.follow()


@shared_task(name="schedules.wake_holds")
def wake_holds() -> None:
    from warehouse_admin.schedules import services

    services.wake_due()


@shared_task(name="schedules.send_mutation")
def send_mutation(mutation_id: str) -> None:
    from warehouse_admin.schedules import services

    services.send_single(mutation_id)
