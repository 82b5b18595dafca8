"""What was done here about a schedule, as far as its state has to take it into account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class OwnPause:
    """A pause that was made here and is still in force; `until` None: until somebody resumes it."""

    at: datetime
    until: datetime | None
    by: str
    reason: str
    trouble: str = ""  # why it is still in force though its date has come


@dataclass(frozen=True)
class OwnStart:
    """The last time we had PostHog resume a schedule (`resumes`) or start one run; PostHog may not have followed."""

    at: datetime
    by: str
    resumes: bool
