"""How soon outside changes are dealt with: the share reviewed within one working day, and how old the oldest is.

A working day is Monday to Friday in the portal's time zone. It begins when the change came into the inbox, on a weekend
at Monday 00:00, and ends at the same time of the next working day. What waits and is not late yet is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from warehouse_admin.activity.filters import OUTSIDE
from warehouse_admin.activity.models import ActivityEntry

BACK = timedelta(days=30)
MOST = 5_000
KEY, KEPT_FOR = "activity.meter:{}", 60
SATURDAY = 5
COUNTED = (
    "Of the outside changes of the last 30 days. A working day is Monday to Friday ({zone}): it runs from the moment "
    "the change came into the inbox to the same time of the next working day; on a weekend it begins on Monday at "
    "midnight. Changes that wait and are not late yet are not counted."
)


@dataclass(frozen=True)
class Meter:
    """`share` None: nothing was due yet. `oldest` is how long the oldest has waited; None: nothing waits."""

    share: float | None
    oldest: timedelta | None
    reviewed: int
    late: int

    @property
    def percent(self) -> int | None:
        return None if self.share is None else int(self.share * 100)  # never 100 while one was late

    @property
    def oldest_hours(self) -> int | None:
        return None if self.oldest is None else int(self.oldest.total_seconds() // 3600)

    @property
    def counted(self) -> str:
        """How it is counted, for people."""
        return COUNTED.format(zone=timezone.get_default_timezone_name())


def meter(connection: str = "") -> Meter:
    """Of one connection or of all; looked up again after a minute, or after somebody dealt with something."""
    key = KEY.format(connection)
    found: Meter | None = cache.get(key)
    if found is None:
        found = _measured(connection, timezone.now())
        cache.set(key, found, KEPT_FOR)
    return found


def forget(connections: Iterable[str]) -> None:
    """Somebody has dealt with something: measure again."""
    cache.delete_many([KEY.format(one) for one in (*connections, "")])


def _measured(connection: str, now: datetime) -> Meter:
    rows = ActivityEntry.objects.filter(OUTSIDE, needs_review=True, created_at__gte=now - BACK)
    if connection:
        rows = rows.filter(connection__slug=connection)
    newest = rows.order_by("-created_at").values_list("created_at", "verdict", "reviewed_at")[:MOST]
    return of(((came, done if verdict else None) for came, verdict, done in newest), now)


def of(rows: Iterable[tuple[datetime, datetime | None]], now: datetime) -> Meter:
    """From pairs: when a change came in, and when it was reviewed."""
    reviewed = late = 0
    oldest: timedelta | None = None
    for came, done in rows:
        deadline = due(came)
        if done is None:
            oldest = max(oldest or timedelta(), now - came)
        if done is not None and done <= deadline:
            reviewed += 1
        elif done is not None or now > deadline:
            late += 1
    total = reviewed + late
    return Meter(reviewed / total if total else None, oldest, reviewed, late)


def due(came: datetime) -> datetime:
    """One working day later."""
    zone = timezone.get_default_timezone()
    begin = came.astimezone(zone)
    if begin.weekday() >= SATURDAY:
        days = 7 - begin.weekday()
        begin = (begin + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = 3 if begin.weekday() == SATURDAY - 1 else 1
    return begin + timedelta(days=days)
