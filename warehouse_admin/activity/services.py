"""What can be done with activity."""

from __future__ import annotations

from warehouse_admin.activity.ingest import ingest
from warehouse_admin.activity.overdue import watch as watch_overdue
from warehouse_admin.activity.review import resolve, review, review_many
from warehouse_admin.activity.wake_ups import watch as watch_wake_ups

__all__ = ["ingest", "resolve", "review", "review_many", "watch_overdue", "watch_wake_ups"]
