"""How all runs have gone lately: by day, the slowest and the most failing; worked out now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.functions import TruncDay
from django.utils import timezone

from warehouse_admin.mirror.models import Run, SavedQuery, ScheduleState

PERIODS = (7, 30)
LISTED = 20
KEPT_FOR = 300  # seconds: a large warehouse has millions of runs to count
VIEW = ("saved_query", "saved_query__posthog_id", "saved_query__name")
TOOK = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
VERDICTS = ("Completed", "Failed")
GOOD = Q(status="Completed")


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
class Statistics:
    """Of `days` days up to `as_of`; runs that were cancelled or skipped are left out."""

    days: int
    as_of: datetime
    by_day: list[Day]
    most_failing: list[ViewRuns]
    slowest: list[ViewRuns]

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

    One query; four when the runs are worked out.
    """
    key = f"run-counts:{days}:{connection}:{timezone.get_current_timezone_name()}"
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
    runs = Run.objects.filter(started_at__gte=starts[0], saved_query__deleted_at=None, status__in=VERDICTS)
    if connection:
        runs = runs.filter(saved_query__connection__slug=connection)
    views = _by_view(runs)
    return Statistics(
        days,
        now,
        _by_day(runs, starts),
        _listed(views.filter(failed__gt=0).order_by("-failed", "saved_query__name", "saved_query")),
        _listed(views.filter(average__isnull=False).order_by("-average", "saved_query__name", "saved_query")),
    )


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
