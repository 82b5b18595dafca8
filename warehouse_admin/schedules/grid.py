"""Schedules against time: a row for each view, a cell for each hour or day, so that a bad evening stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from warehouse_admin.core.charts import CellChart, CellRuns, cell_chart
from warehouse_admin.mirror.models import Run, SavedQuery

COLUMNS = 30
SPANS: dict[str, tuple[str, timedelta, Any]] = {
    "days": ("30 days", timedelta(days=1), TruncDay),
    "hours": ("30 hours", timedelta(hours=1), TruncHour),
}
"""What the columns can be."""
EVERY = 6  # so many columns apart they are dated


@dataclass(frozen=True)
class Line:
    """One view's cells, with a sentence for those who cannot see them."""

    view: SavedQuery
    chart: CellChart


@dataclass(frozen=True)
class Grid:
    """The lines of a page over the same columns, oldest left; `marks` date some of them by their place."""

    span: str
    lines: list[Line]
    marks: list[tuple[int, datetime]]
    bad: list[int]
    """How many of these views failed in each column."""


def span_of(name: str) -> str:
    return name if name in SPANS else "days"


def grid_of(views: Sequence[SavedQuery], span: str, now: datetime) -> Grid:
    """The runs of these views by hour or day; one query that reads no more rows than there are cells to draw."""
    starts = _starts(span, now)
    cells = _cells(views, span, starts)
    lines = [Line(view, cell_chart(starts, cells.get(view.pk, {}), is_day=span == "days")) for view in views]
    bad = [sum("Failed" in cells.get(view.pk, {}).get(start, {}) for view in views) for start in starts]
    marks = [(place, start) for place, start in enumerate(starts) if place % EVERY == 0]
    return Grid(span, lines, marks, bad)


def _starts(span: str, now: datetime) -> list[datetime]:
    """The starts of the columns, in the person's zone: a day may have 23 hours there."""
    local = timezone.localtime(now)
    if span == "hours":
        hour = now.replace(minute=0, second=0, microsecond=0)
        return [timezone.localtime(hour - timedelta(hours=back)) for back in range(COLUMNS - 1, -1, -1)]
    zone = timezone.get_current_timezone()
    days = [local.date() - timedelta(days=back) for back in range(COLUMNS - 1, -1, -1)]
    return [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]


def _cells(
    views: Sequence[SavedQuery], span: str, starts: list[datetime]
) -> dict[int, dict[datetime, dict[str, CellRuns]]]:
    _, _, truncate = SPANS[span]
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    rows = (
        Run.objects.filter(saved_query__in=[view.pk for view in views], started_at__gte=starts[0])
        .order_by()
        .annotate(cell=truncate("started_at"))
        .values("saved_query", "cell", "status")
        .annotate(count=Count("pk"), longest=Max(took))
        .values_list("saved_query", "cell", "status", "count", "longest")
    )
    found: dict[int, dict[datetime, dict[str, CellRuns]]] = {}
    for view, start, status, count, longest in rows:
        found.setdefault(view, {}).setdefault(start, {})[status] = CellRuns(count, longest)
    return found
