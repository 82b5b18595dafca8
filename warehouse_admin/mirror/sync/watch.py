"""The row of a running sync as the code that runs it sees it: progress, heartbeat, stop button."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror.models import SyncRun

WRITE_EVERY = 0.5
"""Seconds between two writes of progress."""
LOOK_EVERY = 10.0
"""Seconds between two looks at the limits that people have set."""


class StopAsked(Exception):
    """A person pressed stop; what was read so far is kept."""


class Superseded(Exception):
    """The row is no longer ours: somebody closed this sync because it seemed dead. Write nothing more."""


class Watch:
    """Progress of one claimed sync. Used by the one thread that writes."""

    def __init__(self, sync: SyncRun) -> None:
        self.sync = sync
        self.counts: Counter[str] = Counter()
        self.notes: dict[str, str] = {}
        self.cursor: dict[str, Any] = dict(sync.cursor)
        self.waiting_until: datetime | None = None
        self._waited = 0.0
        self._phases: list[list[Any]] = [list(pair) for pair in sync.counts.get("phases", [])]
        self._phase_began = time.monotonic()
        self._phase, self._done = sync.phase, 0
        self._total: int | None = None
        self._written = 0.0
        self._looked = time.monotonic()

    def phase(self, name: str, total: int | None = None) -> None:
        """Begin a phase; its words are for people."""
        self._phases = self._timed_phases()
        self._phase_began = time.monotonic()
        self._phase, self._done, self._total = name, 0, total
        self.beat(force=True)

    def step(self, done: int = 1, *, total: int | None = None, kept: bool = False) -> None:
        """Go on by so many objects; `kept`: the cursor has to be on the row at once."""
        self._done += done
        self._total = total if total is not None else self._total
        self.beat(force=kept)

    def beat(self, *, force: bool = False) -> None:
        """Tell that we live and how far we are. Raises StopAsked or Superseded."""
        if not force and time.monotonic() - self._written < WRITE_EVERY:
            return
        self._written = time.monotonic()
        ours = SyncRun.objects.filter(pk=self.sync.pk, state=SyncRun.State.RUNNING)
        written = ours.update(
            phase=self._phase,
            done=self._done,
            total=self._total,
            counts=self.tally(),
            cursor=self.cursor,
            heartbeat_at=Now(),
        )
        if not written:
            raise Superseded
        if ours.filter(stop_requested=True).exists():
            raise StopAsked
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = time.monotonic()
            self.sync.connection.refresh_from_db(fields=["budget_per_minute", "budget_per_hour"])

    def waiting(self, until: datetime | None, seconds: float) -> None:
        """Tell that for `seconds` nothing came because the rate is used up, and when it goes on; None: it does."""
        self.waiting_until = until
        self._waited += seconds if until else 0

    def tally(self) -> dict[str, Any]:
        """Counts for the row, with the words for what was left out and what `progress` reads."""
        told: dict[str, Any] = {"notes": self.notes, "phases": self._timed_phases()}
        if self.waiting_until is not None:
            told["waiting_until"] = self.waiting_until.isoformat()
        if self._waited >= 1:
            told["waited_seconds"] = round(self._waited)
        return {**self.counts, **{name: value for name, value in told.items() if value}}

    def _timed_phases(self) -> list[list[Any]]:
        """Each phase so far with its seconds, the present one last."""
        if not self._phase:
            return self._phases
        present = [self._phase, round(time.monotonic() - self._phase_began, 2)]
        return [*self._phases, present]

    def finished(self, step: str) -> bool:
        return step in self.cursor.get("finished", [])

    def finish(self, step: str) -> None:
        """Remember that a step is done, for the sync that may have to go on after a crash."""
        self.cursor.setdefault("finished", []).append(step)
        self.beat(force=True)

    @property
    def listed_at(self) -> datetime | None:
        """When the crawl of the list began."""
        return parse_datetime(self.cursor.get("listed_at") or "")
