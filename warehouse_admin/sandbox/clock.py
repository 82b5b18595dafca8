"""The world's time: real time plus an offset that a person can push forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch as the sandbox sees them."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move time forward; it never goes back."""
        self.offset += max(0.0, seconds)


def iso(seconds: float | None) -> str | None:
    """ISO-8601 UTC with `Z`; microseconds vanish when they are exactly zero, as PostHog's do."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
