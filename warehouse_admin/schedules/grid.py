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
NAMED = 4  # so many that failed are named
Cells = dict[int, dict[datetime, dict[str, CellRuns]]]
"""The runs of each view by its key, in each column, by status."""


@dataclass(frozen=True)
class Line:
    """One view's cells, with a sentence for those who cannot see them."""

    view: SavedQuery
    chart: CellChart


@dataclass(frozen=True)
class Column:
    """One hour or day, dated above the grid or not, and what happened in it among the views of the page."""

    at: datetime
    dated: bool
    failed: int
    words: str


@dataclass(frozen=True)
class Grid:
    """The lines of a page over the same columns, oldest left."""

    span: str
    lines: list[Line]
    columns: list[Column]


def span_of(name: str) -> str:
    return name if name in SPANS else "days"


def grid_of(views: Sequence[SavedQuery], span: str, now: datetime) -> Grid:
    """The runs of these views by hour or day; one query that reads no more rows than there are cells to draw."""
    starts = _starts(span, now)
    cells = _cells(views, span, starts)
    lines = [Line(view, cell_chart(starts, cells.get(view.pk, {}), is_day=span == "days")) for view in views]
    columns = [_column(place, start, views, cells, span) for place, start in enumerate(starts)]
    return Grid(span, lines, columns)


def _column(place: int, start: datetime, views: Sequence[SavedQuery], cells: Cells, span: str) -> Column:
    ran = {view.name: statuses for view in views if (statuses := cells.get(view.pk, {}).get(start))}
    failed = [name for name, statuses in ran.items() if "Failed" in statuses]
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    said = f"{len(failed)} of {len(ran)} that ran failed" if ran else "nothing ran"
    names = f": {', '.join(failed[:NAMED])}{more}" if failed else ""
    when = f"{start:%a %d %b}" if span == "days" else f"{start:%a %d %b, %H:%M}"
    return Column(start, place % EVERY == 0, len(failed), f"{when} · {said}{names}")


def _starts(span: str, now: datetime) -> list[datetime]:
    """The starts of the columns, in the person's zone: a day may have 23 hours there."""
    local = timezone.localtime(now)
    if span == "hours":
        hour = now.replace(minute=0, second=0, microsecond=0)
        return [timezone.localtime(hour - timedelta(hours=back)) for back in range(COLUMNS - 1, -1, -1)]
    zone = timezone.get_current_timezone()
    days = [local.date() - timedelta(days=back) for back in range(COLUMNS - 1, -1, -1)]
    return [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]


def _cells(views: Sequence[SavedQuery], span: str, starts: list[datetime]) -> Cells:
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
    found: Cells = {}
    for view, start, status, count, longest in rows:
        found.setdefault(view, {}).setdefault(start, {})[status] = CellRuns(count, longest)
    return found
