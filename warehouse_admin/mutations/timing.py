"""How long the gate waits; all in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

CLAIM_SECONDS = 60.0  # a claim that has not sent within this time may be taken away: sending needs it to be held still
LOCK_WAIT = 5.0
RATE_WAIT = 30.0  # when PostHog says "slow down" and not for how long
LONGEST_WAIT = 3600.0
BACKOFFS = (5.0, 20.0, 60.0)  # between attempts that certainly did not leave; then it is given up
LOOK_EVERY = 15.0
SLOW_ANSWER_SECONDS = 360.0  # PostHog transcribes an upload before it answers; the client waits five minutes for it
SLOW_LANDING_SECONDS = 900.0  # and PostHog may still be at it when nobody waits any more
CLOCKS = timedelta(minutes=2)  # PostHog's clock and ours may differ by this much
LOG_PATIENCE = 900.0  # so long after sending, a log that fails to answer no longer holds up a decision


def write_seconds() -> float:
    """From sending on, how long a request may still land: the client's write time-out and a margin."""
    return float(getattr(settings, "MUTATION_WRITE_SECONDS", 70.0))


def answer_seconds(*, is_slow: bool) -> float:
    """From sending on, how long its worker may still be waiting for the answer."""
    return SLOW_ANSWER_SECONDS if is_slow else write_seconds()


def landing_seconds(*, is_slow: bool) -> float:
    """From sending on, how long what was sent may still take effect."""
    return SLOW_LANDING_SECONDS if is_slow else write_seconds()


def in_seconds(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def age(since: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 when it never was."""
    return (now - since).total_seconds() if since else 0.0


def look_is_due(sent_at: datetime | None, looked_at: datetime | None, now: datetime) -> bool:
    """Look often at first and ever more rarely, down to once an hour."""
    pause = min(max(LOOK_EVERY, age(sent_at, now) / 8), LONGEST_WAIT)
    return looked_at is None or age(looked_at, now) >= pause
