"""The vendor's rate limits: sliding windows, in which refused requests do not count."""

from __future__ import annotations

import math
from collections import deque

from .errors import throttled


class Window:
    """At most `limit` requests in any `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._times: deque[float] = deque()

    def wait(self, limit: int, now: float) -> float:
        """Seconds until another request is allowed; 0 if it is now."""
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        if len(self._times) < limit:
            return 0.0
        return self._times[len(self._times) - limit] + self.seconds - now

    def count(self, now: float) -> None:
        self._times.append(now)


class Throttle:
    """Windows per name (a key, or a view and an action)."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], Window] = {}

    def spend(self, name: str, limits: list[tuple[int, int]], now: float) -> None:
        """Count one request against each (limit, seconds), or raise the 429 that says how long to wait."""
        windows = [(self._windows.setdefault((name, seconds), Window(seconds)), limit) for limit, seconds in limits]
        wait = max((window.wait(limit, now) for window, limit in windows), default=0.0)
        if wait > 0:
            raise throttled(math.ceil(wait))
        for window, _ in windows:
            window.count(now)
