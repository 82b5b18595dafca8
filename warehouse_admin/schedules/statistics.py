"""How all runs have gone lately: by day, the slowest and the most failing; worked out now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import (
    Avg,
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    Q,
    QuerySet,
    When,
    Window,
)
from django.db.models.functions import RowNumber, TruncDay
from django.utils import timezone

from warehouse_admin.mirror.models import Run, SavedQuery, ScheduleState

PERIODS = (7, 30)
LISTED = 20
KEPT_FOR = 300  # seconds: a large warehouse has millions of runs to count
VIEW = ("saved_query", "saved_query__posthog_id", "saved_query__name")
TOOK = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
VERDICTS = ("Completed", "Failed")
GOOD = Q(status="Completed")
MONTH = timedelta(days=30)
ENOUGH = 10
"""With fewer runs in either month nothing is said of a trend."""
RATE_BAND, DURATION_BAND = 0.02, 0.1
"""A rate is steady within two points, a duration within a tenth."""


@dataclass(frozen=True)
class Day:
    """One day of the person's calendar."""

    at: datetime
    completed: int
    failed: int

    @property
    def success_rate(self) -> float | None:
        total = self.completed + self.failed
        return self.completed / total if total else None


@dataclass(frozen=True)
class ViewRuns:
    """What one view's runs came to in the period."""

    key: int
    saved_query: Any
    name: str
    runs: int
    failed: int
    average_duration: timedelta | None
    longest_duration: timedelta | None
    schedule_state: str = ScheduleState.UNKNOWN
    """As it is now; what is kept of the runs does not have it."""

    @property
    def success_rate(self) -> float:
        return (self.runs - self.failed) / self.runs


@dataclass(frozen=True)
class Month:
    """What the runs of 30 days came to."""

    completed: int
    failed: int
    timed: int
    """How many of them have a duration: those that completed."""
    median_duration: timedelta | None

    @property
    def success_rate(self) -> float | None:
        total = self.completed + self.failed
        return self.completed / total if total else None


@dataclass(frozen=True)
class Trend:
    """The last 30 days against the 30 before, whatever period is shown."""

    lately: Month
    before: Month

    @property
    def success_rate_trend(self) -> str:
        """better, worse or steady; empty where too few runs are known of either month."""
        months = (self.lately, self.before)
        if any(month.completed + month.failed < ENOUGH for month in months):
            return ""
        change = round((self.lately.success_rate or 0) - (self.before.success_rate or 0), 4)
        if abs(change) <= RATE_BAND:
            return "steady"
        return "better" if change > 0 else "worse"

    @property
    def duration_trend(self) -> str:
        """longer, shorter or steady; empty where too few durations are known of either month."""
        change = self.duration_change
        if change is None:
            return ""
        if abs(change) <= DURATION_BAND:
            return "steady"
        return "longer" if change > 0 else "shorter"

    @property
    def duration_change(self) -> float | None:
        """How much longer runs take: 0.5 is half as long again; None where too few are known."""
        now, then = self.lately.median_duration, self.before.median_duration
        if not now or not then or min(self.lately.timed, self.before.timed) < ENOUGH:
            return None
        return now / then - 1


@dataclass(frozen=True)
class Statistics:
    """Of `days` days up to `as_of`; runs that were cancelled or skipped are left out."""

    days: int
    as_of: datetime
    by_day: list[Day]
    most_failing: list[ViewRuns]
    slowest: list[ViewRuns]
    trend: Trend

    @property
    def completed(self) -> int:
        return sum(day.completed for day in self.by_day)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.by_day)

    @property
    def success_rate(self) -> float | None:
        total = self.completed + self.failed
        return self.completed / total if total else None


def period_of(text: str) -> int:
    """7 or 30 days; a week for anything else."""
    return int(text) if text in {str(days) for days in PERIODS} else PERIODS[0]


def statistics(days: int, connection: str = "") -> Statistics:
    """Of one connection (its slug) or of all: runs at most five minutes old, states as they are now.

    One query; six when the runs are worked out.
    """
    key = f"run-trends:{days}:{connection}:{timezone.get_current_timezone_name()}"
    found = cache.get(key)
    if not isinstance(found, Statistics):
        found = _worked_out(days, connection)
        cache.set(key, found, KEPT_FOR)
    return _with_states(found)


def _with_states(found: Statistics) -> Statistics:
    listed = {row.key for row in (*found.most_failing, *found.slowest)}
    states = dict(SavedQuery.objects.filter(pk__in=listed).values_list("pk", "schedule_state"))

    def as_now(rows: list[ViewRuns]) -> list[ViewRuns]:
        return [replace(row, schedule_state=states.get(row.key, ScheduleState.UNKNOWN)) for row in rows]

    return replace(found, most_failing=as_now(found.most_failing), slowest=as_now(found.slowest))


def _worked_out(days: int, connection: str) -> Statistics:
    now = timezone.now()
    today = timezone.localtime(now).date()
    zone = timezone.get_current_timezone()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    starts = [datetime(date.year, date.month, date.day, tzinfo=zone) for date in dates]
    told = Run.objects.filter(saved_query__deleted_at=None, status__in=VERDICTS)
    if connection:
        told = told.filter(saved_query__connection__slug=connection)
    runs = told.filter(started_at__gte=starts[0])
    views = _by_view(runs)
    return Statistics(
        days,
        now,
        _by_day(runs, starts),
        _listed(views.filter(failed__gt=0).order_by("-failed", "saved_query__name", "saved_query")),
        _listed(views.filter(average__isnull=False).order_by("-average", "saved_query__name", "saved_query")),
        _trend(told, now),
    )


def _trend(told: QuerySet[Run], now: datetime) -> Trend:
    """Both months, in two queries."""
    middle = now - MONTH
    recent = told.filter(started_at__gt=middle - MONTH).order_by()
    recent = recent.annotate(is_late=Case(When(started_at__gt=middle, then=True), default=False))
    counted = recent.values("is_late").annotate(good=Count("pk", filter=GOOD), bad=Count("pk", filter=~GOOD))
    counts = {is_late: (good, bad) for is_late, good, bad in counted.values_list("is_late", "good", "bad")}
    medians = _medians(recent.filter(GOOD, finished_at__isnull=False))
    return Trend(*(Month(*counts.get(late, (0, 0)), *medians.get(late, (0, None))) for late in (True, False)))


def _medians(recent: QuerySet[Run]) -> dict[bool, tuple[int, timedelta]]:
    """How many runs of each month have a duration, and the one in the middle; no two databases name a median alike."""
    ordered = recent.annotate(
        took=TOOK,
        place=Window(RowNumber(), partition_by="is_late", order_by="took"),
        timed=Window(Count("pk"), partition_by="is_late"),
    )
    rows = ordered.filter(place=F("timed") / 2 + 1).values_list("is_late", "timed", "took")
    return {is_late: (timed, took) for is_late, timed, took in rows}


def _by_day(runs: QuerySet[Run], starts: list[datetime]) -> list[Day]:
    rows = runs.order_by().annotate(day=TruncDay("started_at")).values("day")
    counted = rows.annotate(completed=Count("pk", filter=GOOD), failed=Count("pk", filter=~GOOD))
    found = {day: (completed, failed) for day, completed, failed in counted.values_list("day", "completed", "failed")}
    return [Day(start, *found.get(start, (0, 0))) for start in starts]


def _by_view(runs: QuerySet[Run]) -> Any:
    return (
        runs.order_by()
        .values(*VIEW)
        .annotate(
            all=Count("pk"),
            failed=Count("pk", filter=~GOOD),
            average=Avg(TOOK, filter=GOOD),
            longest=Max(TOOK, filter=GOOD),
        )
    )


def _listed(rows: Any) -> list[ViewRuns]:
    return [ViewRuns(*row) for row in rows.values_list(*VIEW, "all", "failed", "average", "longest")[:LISTED]]
