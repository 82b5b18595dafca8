"""How the runs of one view have gone: success, duration and its trend, and when the next one is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.utils import timezone

from warehouse_admin.mirror.cadences import due_after
from warehouse_admin.mirror.models import SavedQuery, ScheduleState
from warehouse_admin.mirror.states import AT_WORK

PERIOD = timedelta(days=30)
MOST = 5_000
"""Newest runs looked at: two months of one every quarter of an hour."""
ENOUGH = 3
"""With fewer durations on either side nothing is said of a trend."""
Told = tuple[str, datetime, datetime | None]
"""What is read of a run: its status, when it began and ended."""


@dataclass(frozen=True)
class RunSummary:
    """The last 30 days; runs that were cancelled or skipped say nothing of success."""

    completed: int
    failed: int
    median_duration: timedelta | None
    earlier_duration: timedelta | None
    """The median of the 30 days before, where enough is known."""
    next_due_at: datetime | None
    is_running: bool = False
    running_since: datetime | None = None
    """When the run that is under way began; None also where only the view's status tells of one."""

    @property
    def is_next_overdue(self) -> bool:
        return self.next_due_at is not None and self.next_due_at < timezone.now()

    @property
    def runs(self) -> int:
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1; None without a run."""
        return self.completed / self.runs if self.runs else None

    @property
    def duration_change(self) -> float | None:
        """How much longer runs take than in the 30 days before: 0.5 is half as long again; None: not enough known."""
        if not self.median_duration or not self.earlier_duration:
            return None
        return self.median_duration / self.earlier_duration - 1


def summary_of(view: SavedQuery) -> RunSummary:
    """Worked out from the runs that are kept here; one query."""
    now = timezone.now()
    recent = view.runs.filter(started_at__gt=now - 2 * PERIOD).order_by("-started_at")
    lately: list[Told] = []
    before: list[Told] = []
    for told in recent.values_list("status", "started_at", "finished_at")[:MOST]:  # no rows: there may be thousands
        (lately if told[1] > now - PERIOD else before).append(told)
    statuses = Counter(status for status, *_ in lately)
    since = _under_way(lately)
    return RunSummary(
        statuses["Completed"],
        statuses["Failed"],
        _median(lately, least=1),
        _median(before),
        view.next_due_at or _due_meanwhile(view, since),
        since is not None or view.schedule_state == ScheduleState.RUNNING,
        since,
    )


def _due_meanwhile(view: SavedQuery, since: datetime | None) -> datetime | None:
    """While a run is under way the state names no due date: the next one counts from its beginning."""
    return due_after(since, view.sync_frequency) if view.schedule_state == ScheduleState.RUNNING else None


def _under_way(newest_first: list[Told]) -> datetime | None:
    """When the newest run began, while it is not over."""
    if not newest_first or newest_first[0][0] not in AT_WORK:
        return None
    return newest_first[0][1]


def _median(runs: list[Told], least: int = ENOUGH) -> timedelta | None:
    """Of the runs that completed: one that failed tells how long it took to fail."""
    ended = [(began, end) for status, began, end in runs if status == "Completed" and end and end > began]
    lengths = [(end - began).total_seconds() for began, end in ended]
    return timedelta(seconds=median(lengths)) if len(lengths) >= least else None
