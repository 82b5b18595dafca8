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


@dataclass(frozen=True)
class OwnActs:
    """What of that stands for one view."""

    pause: OwnPause | None = None
    start: OwnStart | None = None

    def standing_start(self, cadence_lost_at: datetime | None) -> OwnStart | None:
        """The start, unless the schedule was paused again since, here or by whoever took its cadence away."""
        paused_at = self.pause.at if self.pause is not None else None
        start = self.start
        if start is None or any(at is not None and at > start.at for at in (paused_at, cadence_lost_at)):
            return None
        return start


NONE = OwnActs()
