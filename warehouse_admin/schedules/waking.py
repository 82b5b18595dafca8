"""Pauses that end by themselves within a week."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.schedules.models import Hold

SOON = timedelta(days=7)


def waking_soon() -> QuerySet[Hold]:
    """Keys of the views whose pause ends within a week; one that was to be woken already waits for a person."""
    due = Hold.objects.filter(ended_at=None, wake=None, until__lte=timezone.now() + SOON)
    return due.values("saved_query")
