"""Pauses that end by themselves within a week."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse_admin.schedules.models import Hold

SOON = timedelta(days=7)


def waking_soon() -> Any:
    """Keys of the views whose pause ends within a week; one whose date has passed is no longer expected to."""
    now = timezone.now()
    return Hold.objects.filter(ended_at=None, until__gt=now, until__lte=now + SOON).values("saved_query")
