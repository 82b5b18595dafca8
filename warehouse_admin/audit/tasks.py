"""Background checks of the trail."""

from __future__ import annotations

from celery import shared_task
from django.contrib.auth import get_user_model

from warehouse_admin.audit import services


@shared_task(name="audit.verify_chain")
def verify_chain(user_id: int | None = None) -> None:
    """Check the whole chain; running twice checks twice."""
    actor = get_user_model().objects.filter(pk=user_id).first() if user_id else None
    services.verify_and_record(actor=actor)
