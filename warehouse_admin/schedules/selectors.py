"""Reads for the pages and the API; the number of queries never depends on the number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.paging import CountedPaginator
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import MirroredQuerySet, Run, SavedQuery, SavedQueryVersion, ScheduleState
from warehouse_admin.schedules.filters import Filters, schedules
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.pauses import suspension_reason

PAGE_SIZE = 50
ERROR_LENGTH = 160
SHOWN = (
    "posthog_id",
    "name",
    "sync_frequency",
    "is_materialized",
    "last_run_at",
    "latest_error",
    "managed_viewset_kind",
    "origin",
    "suspended",
    "schedule_state",
    "schedule_evidence",
)
"""What the table, and the warnings before a resume, tell of a view itself."""


def schedules_of(connection: Connection) -> MirroredQuerySet:
    """The schedules of one connection."""
    return schedules().filter(connection=connection)


@dataclass(frozen=True)
class Tile:
    """How many schedules are in one state."""

    state: str
    count: int
    active: bool


@dataclass(frozen=True)
class Listing:
    """A tile for each state, worst first, counted under every other filter, and one page of rows."""

    tiles: list[Tile]
    page: Page


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


@dataclass(frozen=True)
class Row:
    """One schedule as the table shows it."""

    view: SavedQuery
    last_resume: BulkResumeItem | None
    """Its part in the newest campaign it was in."""

    @property
    def last_good(self) -> datetime | None:
        return self.view.last_good  # type: ignore[attr-defined]

    @property
    def edited_at(self) -> datetime | None:
        """When a sync or a change of ours last saw its SQL change."""
        return self.view.edited_at  # type: ignore[attr-defined]

    @property
    def downstream(self) -> int:
        return self.view.downstream  # type: ignore[attr-defined]

    @cached_property
    def error(self) -> str:
        """The first line of what went wrong, bounded: PostHog's text, not markup."""
        text = suspension_reason(self.view) or self.view.latest_error
        return text.strip().split("\n", 1)[0][:ERROR_LENGTH]

    @property
    def unchanged_since_failure(self) -> bool:
        """Whether it failed and nobody edited it since: it will most likely fail again."""
        view: Any = self.view
        failed = view.schedule_state in (ScheduleState.SUSPENDED, ScheduleState.FAILING)
        return failed and (
            view.edited_at is None or (view.last_run_at is not None and view.edited_at < view.last_run_at)
        )


def listing(filters: Filters, number: str | int) -> Listing:
    """What the page shows, in few queries: counts by state, keys in order, then all about the rows of the page."""
    counts, keys = _searched(filters) if filters.search else _counted(filters)
    tiles = [Tile(state, counts.get(state, 0), state in filters.states) for state in TILE_ORDER]
    total = sum(tile.count for tile in tiles if not filters.states or tile.active)
    page = CountedPaginator(keys, PAGE_SIZE, total).get_page(number)
    page.object_list = rows_of(list(page.object_list))
    return Listing(tiles, page)


def _counted(filters: Filters) -> tuple[dict[str, int], Any]:
    """How many schedules are in each state, and the keys of those to show, not read yet."""
    rows = filters.apply(schedules(), with_states=False).order_by()
    counts = dict(rows.values_list("schedule_state").annotate(Count("pk")))
    return counts, filters.apply(schedules()).order_by(*filters.order()).values_list("pk", flat=True)


def _searched(filters: Filters) -> tuple[dict[str, int], Any]:
    """The same by reading every match once: to look for words is what takes the time."""
    rows = filters.apply(schedules(), with_states=False).order_by(*filters.order())
    found = list(rows.values_list("pk", "schedule_state"))
    shown = [key for key, state in found if not filters.states or state in filters.states]
    return Counter(state for _, state in found), shown


def rows_of(keys: Sequence[int]) -> list[Row]:
    """Everything the table shows about these views, in this order; one query, and one for their campaigns if any."""
    if not keys:
        return []
    found: dict[int, Any] = {view.pk: view for view in _decorated(SavedQuery.objects.filter(pk__in=keys))}
    resumed = [view.resumed_as for view in found.values() if view.resumed_as]
    items = BulkResumeItem.objects.select_related("resume").only("outcome", "resume__created_at").in_bulk(resumed)
    return [Row(found[key], items.get(found[key].resumed_as)) for key in keys if key in found]


def _decorated(views: MirroredQuerySet) -> MirroredQuerySet:
    me = OuterRef("pk")
    good = Run.objects.filter(saved_query=me, status="Completed").order_by("-started_at")
    edits = SavedQueryVersion.objects.filter(saved_query=me).exclude(origin=SavedQueryVersion.Origin.FIRST_SEEN)
    readers = Edge.objects.filter(upstream_view=me).order_by().values("upstream_view").annotate(n=Count("pk"))
    items = BulkResumeItem.objects.filter(saved_query=me).order_by("-pk")
    return views.only(*SHOWN).annotate(
        last_good=Subquery(good.values("started_at")[:1]),
        edited_at=Subquery(edits.order_by().values("saved_query").annotate(at=Max("seen_at")).values("at")[:1]),
        downstream=Coalesce(Subquery(readers.values("n")[:1]), 0),
        resumed_as=Subquery(items.values("pk")[:1]),
    )


def matching_keys(filters: Filters) -> list[int]:
    """Primary keys of every schedule that the filters let through, in their order."""
    return list(filters.apply(schedules()).order_by(*filters.order()).values_list("pk", flat=True))


def scoped_connections(slug: str) -> list[Connection]:
    rows = Connection.objects.filter(is_active=True).defer("api_key")
    return list(rows.filter(slug=slug) if slug else rows)


def campaigns(connection: str = "") -> QuerySet[BulkResume]:
    """Campaigns, newest first."""
    rows = BulkResume.objects.select_related("started_by", "connection").defer(*CONNECTION_UNREAD)
    rows = rows.order_by("-created_at")
    return rows.filter(connection__slug=connection) if connection else rows


def add_counts(resumes: Sequence[BulkResume]) -> None:
    """Give each campaign its `counts`, in one query for all."""
    by_resume: dict[Any, dict[str, int]] = {resume.pk: {} for resume in resumes}
    rows = BulkResumeItem.objects.filter(resume__in=list(by_resume)).order_by()
    for key, outcome, count in rows.values_list("resume", "outcome").annotate(Count("pk")):
        by_resume[key][outcome] = count
    for resume in resumes:
        resume.counts = by_resume[resume.pk]  # type: ignore[attr-defined]


def counts_of(resume: BulkResume) -> dict[str, int]:
    """How many views of a campaign have each outcome; outcomes that none has are left out."""
    return dict(resume.items.order_by().values_list("outcome").annotate(Count("pk")))


def items_of(resume: BulkResume, outcome: str = "") -> QuerySet[BulkResumeItem]:
    """The items of a campaign in the order in which they are sent."""
    rows = resume.items.select_related("saved_query", "mutation").order_by("position")
    rows = rows.defer("saved_query__query", "saved_query__columns")
    return rows.filter(outcome=outcome) if outcome in BulkResumeItem.Outcome.values else rows
