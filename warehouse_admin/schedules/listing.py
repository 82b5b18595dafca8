"""One page of schedules: tiles, rows in groups or not, and how sure all of it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, Q, Value, When

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
    def tells_own_errors(self) -> bool:
        """Whether each row tells its error; of those with one cause the head of the group does."""
        return self.kind != "cause"

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


@dataclass(frozen=True)
class InGroups:
    """All that match, in the order of their groups, of which a slice reads only what is in it."""

    filters: Filters
    groups: list[tuple[Any, int]]
    """The key and the size of each."""

    def __getitem__(self, part: slice) -> list[tuple[Any, ...]]:
        """Primary key, group and size of the group."""
        wanted, sizes, skipped, begins = [], dict(self.groups), 0, 0
        for key, size in self.groups:
            if begins + size <= part.start:
                skipped += size
            elif begins < part.stop:
                wanted.append(key)
            begins += size
        by = GROUPS[self.filters.group]
        rows = by.keyed(self.filters.apply(schedules())).filter(_of_group(wanted))
        place = Case(*(When(_of_group([key]), then=Value(at)) for at, key in enumerate(wanted)), default=Value(0))
        rows = rows.annotate(place=place).order_by("place", *self.filters.order()) if wanted else rows.none()
        found = rows.values_list("pk", "group_key")[part.start - skipped : part.stop - skipped]
        return [(pk, key, sizes[key]) for pk, key in found]


def _of_group(keys: Sequence[Any]) -> Q:
    """In one of these groups, which may be that of None."""
    found = Q(group_key__in=[key for key in keys if key is not None])
    return found | Q(group_key=None) if None in keys else found


def listing(filters: Filters, number: str | int) -> Listing:
    """What the page shows, in few queries: counts by state, keys in order, then all about the rows of the page."""
    counts, keys = _read(filters)
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


def _read(filters: Filters) -> tuple[Counted, Any]:
    if filters.group:
        return _grouped(filters)
    return _searched(filters) if filters.search else _counted(filters)


def _counted(filters: Filters) -> tuple[Counted, Any]:
    """How many schedules are in each state, and the keys of those to show, not read yet."""
    rows = filters.apply(schedules(), with_states=False).order_by().annotate(wakes=_wakes())
    counted = rows.values_list("schedule_state", "schedule_confidence", "wakes").annotate(Count("pk"))
    keys = filters.apply(schedules()).order_by(*filters.order()).values_list("pk")
    return {(state, sure, wakes): count for state, sure, wakes, count in counted}, keys


def _grouped(filters: Filters) -> tuple[Counted, InGroups]:
    """The same in groups, the largest first and those of none last."""
    by = GROUPS[filters.group]
    rows = by.keyed(filters.apply(schedules(), with_states=False)).order_by().annotate(wakes=_wakes())
    counts, sizes = Counter[tuple[str, str, bool]](), Counter[Any]()
    told = rows.values_list("schedule_state", "schedule_confidence", "wakes", "group_key").annotate(Count("pk"))
    for state, sure, wakes, key, count in told:
        counts[state, sure, wakes] += count
        if not filters.states or state in filters.states:
            sizes[key] += count
    order = sorted(sizes, key=lambda key: (key == by.none, -sizes[key], "" if key is None else key))
    return counts, InGroups(filters, [(key, sizes[key]) for key in order])


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
