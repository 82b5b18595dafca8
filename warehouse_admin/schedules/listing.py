"""One page of schedules: tiles, rows in groups or not, and how sure all of it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from warehouse_admin.core.paging import CountedPaginator
from warehouse_admin.mirror.models import ScheduleState
from warehouse_admin.schedules.filters import GRID, GROUPS, Filters, schedules
from warehouse_admin.schedules.rows import Row, plain_rows_of, rows_of
from warehouse_admin.schedules.waking_week import waking_soon

PAGE_SIZE = 50
TILE_ORDER = [
    ScheduleState.SUSPENDED,
    ScheduleState.FAILING,
    ScheduleState.OVERDUE,
    ScheduleState.PAUSED,
    ScheduleState.LATE,
    ScheduleState.RUNNING,
    ScheduleState.ON_TIME,
    ScheduleState.NEVER_RAN,
    ScheduleState.MANAGED,
    ScheduleState.UNKNOWN,
    ScheduleState.NOT_SCHEDULED,
]
Counted = dict[tuple[str, str, bool], int]
"""How many schedules are in each state with each confidence, and wake up within a week or not."""


@dataclass(frozen=True)
class Tile:
    """How many schedules are in one state."""

    state: str
    count: int
    active: bool


@dataclass(frozen=True)
class Group:
    """Rows of the page that have one thing in common; `total` counts those on other pages too."""

    kind: str
    key: Any
    total: int
    rows: list[Row]

    @property
    def sample(self) -> Row:
        return self.rows[0]

    @property
    def root(self) -> Any:
        """The view that all of them wait for, itself among them perhaps; None in other groups."""
        if self.kind != "root" or not self.key:
            return None
        view = self.sample.view
        return view if view.pk == self.key else view.root_upstream

    @property
    def others(self) -> int:
        """How many of them are on other pages."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Listing:
    """A tile for each state, worst first, counted under every other filter, and one page of rows."""

    tiles: list[Tile]
    page: Page
    groups: list[Group]
    """The rows of the page, in one group without a key unless groups were asked for."""
    sure: dict[str, int]
    """How many of all that match are known with which confidence."""
    waking: int
    """How many of the paused ones wake up within a week."""


def listing(filters: Filters, number: str | int) -> Listing:
    """What the page shows, in few queries: counts by state, keys in order, then all about the rows of the page."""
    counts, keys = _searched(filters) if filters.search and not filters.group else _counted(filters)
    by_state = Counter[str]()
    sure = Counter[str]()
    waking = 0
    for (state, confidence, wakes), count in counts.items():
        waking += count if wakes and state == ScheduleState.PAUSED else 0
        by_state[state] += count
        if not filters.states or state in filters.states:
            sure[confidence] += count
    tiles = [Tile(state, by_state[state], state in filters.states) for state in TILE_ORDER]
    page = CountedPaginator(keys, PAGE_SIZE, sum(sure.values())).get_page(number)
    groups = _groups(filters, list(page.object_list))
    page.object_list = [row for group in groups for row in group.rows]
    return Listing(tiles, page, groups, dict(sure), waking)


def _counted(filters: Filters) -> tuple[Counted, Any]:
    """How many schedules are in each state, and the keys of those to show, not read yet."""
    rows = filters.apply(schedules(), with_states=False).order_by().annotate(wakes=_wakes())
    counted = rows.values_list("schedule_state", "schedule_confidence", "wakes").annotate(Count("pk"))
    return {(state, sure, wakes): count for state, sure, wakes, count in counted}, _ordered(filters)


def _ordered(filters: Filters) -> Any:
    """Primary key, group and size of the group of all that match, the largest groups first and those of none last."""
    rows = filters.apply(schedules()).order_by(*filters.order())
    if not filters.group:
        return rows.values_list("pk")
    by = GROUPS[filters.group]
    found = list(rows.values_list("pk", by.key()))
    sizes = Counter(key for _, key in found)
    # The order within a group stays: sorting keeps what is equal in its place.
    found.sort(key=lambda row: (row[1] == by.none, -sizes[row[1]], "" if row[1] is None else row[1]))
    return [(pk, key, sizes[key]) for pk, key in found]


def _wakes() -> ExpressionWrapper:
    return ExpressionWrapper(Q(pk__in=waking_soon()), output_field=BooleanField())


def _searched(filters: Filters) -> tuple[Counted, Any]:
    """The same by reading every match once: to look for words is what takes the time."""
    rows = filters.apply(schedules(), with_states=False).order_by(*filters.order()).annotate(wakes=_wakes())
    found = list(rows.values_list("pk", "schedule_state", "schedule_confidence", "wakes"))
    shown = [(key,) for key, state, *_ in found if not filters.states or state in filters.states]
    return Counter((state, sure, bool(wakes)) for _, state, sure, wakes in found), shown


def _groups(filters: Filters, found: list[tuple[Any, ...]]) -> list[Group]:
    read = plain_rows_of if filters.layout == GRID else rows_of
    rows = {row.view.pk: row for row in read([key for key, *_ in found])}
    kind = filters.group
    if not kind:
        return [Group("", None, len(rows), list(rows.values()))] if rows else []
    groups: dict[Any, Group] = {}
    for pk, key, total in found:
        if pk in rows:
            groups.setdefault(key, Group(kind, key, total, [])).rows.append(rows[pk])
    return list(groups.values())
