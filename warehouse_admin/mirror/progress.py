"""What the row of a sync tells about how far it is; `sync.watch` writes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror.models import SyncRun

ENOUGH_SECONDS, ENOUGH_DONE = 2.0, 10
"""From less than this in a phase nobody can tell how long the rest takes."""


def numbers(sync: SyncRun) -> dict[str, int]:
    """What was counted, by name."""
    return {name: count for name, count in sync.counts.items() if isinstance(count, int)}


def notes(sync: SyncRun) -> list[str]:
    """What was left out and why, in sentences."""
    return list((sync.counts.get("notes") or {}).values())


def phases(sync: SyncRun) -> list[tuple[str, float]]:
    """Each phase with its seconds in the order they were carried out; the same phase twice in a row is one."""
    told: list[tuple[str, float]] = []
    for name, seconds in sync.counts.get("phases") or []:
        if told and told[-1][0] == name:
            told[-1] = (name, told[-1][1] + seconds)
        else:
            told.append((name, seconds))
    return told


def waiting_until(sync: SyncRun) -> datetime | None:
    """When a running sync that has used up the rate goes on; None: it does not wait."""
    told = parse_datetime(sync.counts.get("waiting_until") or "")
    return told if told and sync.state == SyncRun.State.RUNNING and told > timezone.now() else None


def taken(sync: SyncRun) -> timedelta | None:
    """How long it took, or has been running; None when it never began."""
    if sync.state == SyncRun.State.RUNNING and sync.started_at:
        return timezone.now() - sync.started_at
    return sync.duration


def time_left(sync: SyncRun) -> timedelta | None:
    """How long the present phase will probably still take; None when it cannot be told."""
    seconds = (sync.counts.get("phases") or [["", 0.0]])[-1][1]
    if sync.state != SyncRun.State.RUNNING or not sync.total or sync.done < ENOUGH_DONE or seconds < ENOUGH_SECONDS:
        return None
    rest = max(sync.total - sync.done, 0)
    at_this_pace = seconds * rest / sync.done
    return timedelta(seconds=round(max(at_this_pace, _within_budget(sync, rest))))


def _within_budget(sync: SyncRun, rest: int) -> float:
    """Seconds that so many requests take at the allowed rate; the first minute's and hour's worth may go at once."""
    least = 0.0
    for limit, window in ((sync.connection.budget_per_minute, 60), (sync.connection.budget_per_hour, 3600)):
        if limit and rest > limit:
            least = max(least, (rest - limit) / limit * window)
    return least
