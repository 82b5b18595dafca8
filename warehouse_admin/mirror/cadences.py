"""How often schedules fire, when the next run is due, and how late it may be."""

from __future__ import annotations

from datetime import datetime, timedelta

CADENCES = {
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "1hour": timedelta(hours=1),
    "6hour": timedelta(hours=6),
    "12hour": timedelta(hours=12),
    "24hour": timedelta(days=1),
    "7day": timedelta(days=7),
    "30day": timedelta(days=30),
}
LEAST_GRACE = timedelta(minutes=10)
MOST_GRACE = timedelta(hours=12)


def due_after(last: datetime | None, every: str) -> datetime | None:
    """When the run after `last` is due; None without a last run or with a cadence that nobody knows."""
    interval = CADENCES.get(every)
    return last + interval if last is not None and interval is not None else None


def grace_of(every: str) -> timedelta:
    """How long a run may be late before it is overdue: a quarter of the interval, within bounds.

    A run that starts a few minutes after its time is late, not overdue, so that the counts of both do not flap.
    """
    interval = CADENCES.get(every, timedelta())
    return min(max(LEAST_GRACE, interval / 4), MOST_GRACE)
