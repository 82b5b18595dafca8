"""Reading the mirror for pages and the API: filters from the URL, constant numbers of queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber
from django.http import QueryDict
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.counts import Each
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.searching import every_word
from warehouse_admin.mirror.cadences import CADENCES
from warehouse_admin.mirror.models import (
    ColumnsChange,
    Folder,
    Observation,
    Run,
    SavedQuery,
    SavedQueryVersion,
    ScheduleState,
    SyncRun,
    WarehouseTable,
)
from warehouse_admin.mirror.own_tables import STORAGE_FORMAT
from warehouse_admin.mirror.search import conditions
from warehouse_admin.mirror.search.conditions import Found as SearchFound
from warehouse_admin.mirror.search.operators import Asked
from warehouse_admin.mirror.search.vocabulary import MANAGED, operators

State = ScheduleState
Params = Mapping[str, str]

NEEDS_ATTENTION = (State.SUSPENDED, State.FAILING, State.OVERDUE)
BY_URGENCY = (
    State.SUSPENDED,
    State.FAILING,
    State.OVERDUE,
    State.UNKNOWN,
    State.LATE,
    State.PAUSED,
    State.NEVER_RAN,
    State.RUNNING,
    State.ON_TIME,
    State.MANAGED,
    State.NOT_SCHEDULED,
)
ROOT_UNREAD = tuple(
    f"root_upstream__{field.attname}"
    for field in SavedQuery._meta.concrete_fields
    if field.name not in ("id", "posthog_id", "name", "schedule_state")
)
"""Of the view that another waits for only these few fields are shown."""
RECENT = timedelta(days=62)
"""Older runs are in no strip."""
OUTSIDE_WITHIN = timedelta(days=30)
STRIP = 10
"""Runs that a list shows of each view."""
CHANGES_SHOWN = 10
"""Of each kind of change that a sync found, on its page."""

KINDS = {
    "view": ~Q(is_materialized=True) & ~MANAGED,
    "materialized": Q(is_materialized=True) & ~MANAGED,
    "managed": MANAGED,
}


def in_scope(params: Params) -> Q:
    """The connection that the page is limited to; everything for none or `all`."""
    slug = params.get("connection", "")
    return Q(connection__slug=slug) if slug and slug != "all" else Q()


def _changed_outside() -> Q:
    """A set of keys, not `Exists`: the tab counts all views, and would ask once for each of them."""
    recent = timezone.now() - OUTSIDE_WITHIN
    versions = SavedQueryVersion.objects.filter(origin=SavedQueryVersion.Origin.OUTSIDE, seen_at__gt=recent)
    return Q(pk__in=versions.order_by().values("saved_query"))


def tabs() -> dict[str, Q]:
    """The ready-made filters of the list of views, by the value of `?tab=`."""
    present = Q(deleted_at=None)
    return {
        "": present,
        "attention": present & Q(schedule_state__in=NEEDS_ATTENTION),
        "materialized": present & KINDS["materialized"],
        "outside": present & _changed_outside(),
        "archived": Q(deleted_at__isnull=False),
    }


def search_of(text: str, user: Any = None, connection: str = "") -> SearchFound:
    """What a person searches views for; they matter where something is said of them, as by `owner:me`."""
    return conditions.read(text, operators(), Asked(user, "" if connection == "all" else connection))


def _narrowed(params: Params) -> Q:
    """Everything the URL says about which views to show but the search; a value nobody knows finds nothing."""
    known = tabs()
    wanted = known.get(params.get("tab", ""), known[""])
    if params.get("deleted") == "only":
        wanted = known["archived"]
    elif params.get("deleted") == "any":
        wanted = Q()
    wanted &= in_scope(params)
    if state := params.get("state", ""):
        wanted &= Q(schedule_state=state)
    if kind := params.get("kind", ""):
        wanted &= KINDS.get(kind, Q(pk=None))
    if folder := params.get("folder", ""):
        wanted &= Q(folder_name="" if folder == "none" else folder)
    if viewset := params.get("viewset", ""):
        wanted &= Q(managed_viewset_kind=viewset)
    if cadence := params.get("cadence", ""):
        wanted &= Q(sync_frequency="" if cadence == "none" else cadence)
    return wanted


def _rank(field: str, values: tuple[str, ...]) -> Case:
    cases = [When(**{field: value}, then=Value(position)) for position, value in enumerate(values)]
    return Case(*cases, default=Value(len(values)), output_field=IntegerField())


def sorted_views(views: QuerySet[SavedQuery], sort: str) -> QuerySet[SavedQuery]:
    """By `name`, `state` (most urgent first), `last_run` or `cadence`; a leading minus turns it round."""
    field, falling = sort.removeprefix("-"), sort.startswith("-")
    expressions = {
        "state": _rank("schedule_state", tuple(BY_URGENCY)),
        "cadence": _rank("sync_frequency", tuple(CADENCES)),
        "last_run": F("last_run_at"),
    }
    if field not in expressions:
        return views.order_by("-name" if falling else "name", "pk")
    order = F("rank").desc(nulls_last=True) if falling else F("rank").asc(nulls_last=True)
    return views.annotate(rank=expressions[field]).order_by(order, "name", "pk")


def view_list(params: Params, search: SearchFound) -> QuerySet[SavedQuery]:
    """Filtered and sorted, without big columns. Reads tab, state, kind, cadence, connection, deleted and sort.

    Unless something else is asked for, what a search found by name comes first.

    Each has `strip_from`, the start of its strip of runs, for `strips`.
    """
    runs = Run.objects.filter(saved_query=OuterRef("pk")).order_by("-started_at").values("started_at")
    views = SavedQuery.objects.filter(_narrowed(params) & search.condition)
    views = views.annotate(strip_from=Subquery(runs[STRIP - 1 : STRIP]))
    views = views.select_related("connection").defer("query", "columns", *CONNECTION_UNREAD)
    sort = params.get("sort", "")
    if search.words and not sort:
        return by_relevance(views, search)
    if params.get("kind") == "managed" and not sort:
        return views.order_by("managed_viewset_kind", "name", "pk")  # in groups: see `views/_table.html`
    return sorted_views(views, sort)


def ticked_ids(user: Any, sent: QueryDict) -> list[str]:
    """Remote ids of what was ticked in the list of views, or of everything that its frozen filter matches."""
    if sent.get("all_matching") != "1":
        return sent.getlist("saved_queries")
    params = QueryDict(sent.get("filter", ""))
    search = search_of(params.get("q", ""), user, params.get("connection", ""))
    if search.problems:
        # The list shows what the rest finds; whoever meant fewer must not act on more.
        raise InvalidInput(f"The search cannot be used as it is, so nothing was taken: {search.problems[0]}")
    matching = SavedQuery.objects.filter(_narrowed(params) & search.condition)
    return [str(key) for key in matching.values_list("posthog_id", flat=True)]


def by_relevance(views: QuerySet[SavedQuery], search: SearchFound) -> QuerySet[SavedQuery]:
    """Those found by their name first: the very name, what begins with it, what holds it."""
    if not search.words:
        return views.order_by("name", "pk")
    return conditions.ranked(views, search.words).order_by(F("found_in"), "name", "pk")


def strips(views: Iterable[Any]) -> dict[int, list[Any]]:
    """The last runs of each view of a `view_list`, oldest first, in one query that reads hardly any others."""
    recent = timezone.now() - RECENT
    by_hour: dict[datetime, list[int]] = {}  # views that start in the same hour share a condition
    for view in views:
        start = max(view.strip_from or recent, recent).replace(minute=0, second=0, microsecond=0)
        by_hour.setdefault(start, []).append(view.pk)
    wanted = [Q(saved_query__in=keys, started_at__gte=start) for start, keys in by_hour.items()]
    if not wanted:
        return {}
    runs = Run.objects.filter(reduce(or_, wanted)).order_by("started_at", "pk")
    found: dict[int, list[Any]] = {}
    for run in runs.values("saved_query", "status", "started_at", "finished_at"):
        found.setdefault(run["saved_query"], []).append(run)
    return {key: shown[-STRIP:] for key, shown in found.items()}


def view_counts(params: Params) -> dict[str, int]:
    """How many each tab holds, and how many the filters of the URL let through (`matching`), in one query.

    The search is left out: it has to read the SQL, which a search for one page does anyway.
    """
    return SavedQuery.objects.filter(in_scope(params)).aggregate(**_counts(params))


def counts_and_groups(params: Params) -> tuple[dict[str, int], list[str], list[str]]:
    """The same, with the folders that views are in and the kinds of those that PostHog manages; still one query."""
    present = Q(deleted_at=None)
    found = SavedQuery.objects.filter(in_scope(params)).aggregate(
        in_folders=Each("folder_name", filter=present & ~Q(folder_name="")),
        viewsets=Each("managed_viewset_kind", filter=present & ~Q(managed_viewset_kind="")),
        **_counts(params),
    )
    folders, viewsets = found.pop("in_folders"), found.pop("viewsets")
    return found, sorted(folders or []), sorted(viewsets or [])


def _counts(params: Params) -> dict[str, Count]:
    counts = {key or "all": Count("pk", filter=rule) for key, rule in tabs().items()}
    return {"matching": Count("pk", filter=_narrowed(params)), **counts}


def view_by_id(posthog_id: uuid.UUID, connection: str = "") -> SavedQuery:
    """The view of this remote id; where two connections know it, the one present and read last."""
    views = SavedQuery.objects.of(connection).filter(posthog_id=posthog_id)
    views = views.select_related("connection", "root_upstream").defer("connection__api_key", *ROOT_UNREAD)
    view = views.order_by(F("deleted_at").desc(nulls_first=True), "-synced_at").first()
    if view is None:
        raise Missing("There is no such view in the mirror. It may be newer than the last sync.")
    return view


def with_storage(tables: QuerySet[WarehouseTable]) -> QuerySet[WarehouseTable]:
    """Say of each table whether it holds the rows of a materialized view, and of which; no query for each row."""
    view = SavedQuery.objects.present().filter(
        connection=OuterRef("connection"), name=OuterRef("name"), is_materialized=True
    )
    own = Q(source_id="", format=STORAGE_FORMAT)
    return tables.annotate(is_storage=own & Exists(view), storage_id=Subquery(view.values("posthog_id")[:1]))


def columns_history(table: WarehouseTable, limit: int = 50) -> list[ColumnsChange]:
    """What became of the columns of a table, newest first."""
    return list(ColumnsChange.objects.filter(table=table)[:limit])


def table_list(params: Params) -> QuerySet[WarehouseTable]:
    """Parameters: q, source (a type, `bucket` or `storage`), connection, deleted, sort (name, source, synced)."""
    gone = {"only": Q(deleted_at__isnull=False), "any": Q()}.get(params.get("deleted", ""), Q(deleted_at=None))
    wanted = gone & in_scope(params) & every_word(params.get("q", ""), "name", "source_type", "url_pattern")
    tables = with_storage(WarehouseTable.objects.all())
    if source := params.get("source", ""):
        of_none = {"bucket": Q(source_id="", is_storage=False), "storage": Q(is_storage=True)}
        wanted &= of_none.get(source) or Q(source_type=source)
    tables = tables.filter(wanted).select_related("connection").defer("columns", *CONNECTION_UNREAD)
    fields = {"name": "name", "source": "source_type", "synced": "schema_last_synced_at"}
    sort = params.get("sort", "")
    field = fields.get(sort.removeprefix("-"), "name")
    order = F(field).desc(nulls_last=True) if sort.startswith("-") else F(field).asc(nulls_last=True)
    return tables.order_by(order, "name", "pk")


def table_by_id(posthog_id: uuid.UUID, connection: str = "") -> WarehouseTable:
    tables = WarehouseTable.objects.of(connection).filter(posthog_id=posthog_id).select_related("connection")
    table = tables.order_by(F("deleted_at").desc(nulls_first=True), "-synced_at").first()
    if table is None:
        raise Missing("There is no such table in the mirror. It may be newer than the last sync.")
    return table


def folders_of(connection: Connection) -> list[Folder]:
    """The folders of views there, by name; none where the server has none."""
    return list(Folder.objects.filter(connection=connection))


def source_types(params: Params) -> list[str]:
    """The kinds of source that tables come from."""
    tables = WarehouseTable.objects.present().filter(in_scope(params)).exclude(source_type="")
    return list(tables.order_by("source_type").values_list("source_type", flat=True).distinct())


def sync_list(params: Params) -> QuerySet[SyncRun]:
    """Newest first. Parameters: state, kind, connection."""
    syncs = SyncRun.objects.filter(in_scope(params)).select_related("connection", "started_by")
    for name in ("state", "kind"):
        if value := params.get(name, ""):
            syncs = syncs.filter(**{name: value})
    return syncs.defer("cursor", "vanished", *CONNECTION_UNREAD).order_by("-created_at")


@dataclass(frozen=True)
class Found:
    """What a sync found changed in one way: the first views, how many more, and since when it may have been so."""

    kind: str
    label: str
    shown: Sequence[Observation]
    more: int
    since: datetime | None


def found_by(sync: SyncRun) -> list[Found]:
    """The changes that a sync found, by kind, two queries; what a first sync saw is history and left out."""
    seen = Observation.objects.filter(sync_run=sync, is_history=False).order_by()
    kinds = list(seen.values("kind").annotate(count=Count("pk"), earliest=Min("since")))
    if not kinds:
        return []
    place = Window(RowNumber(), partition_by="kind", order_by="pk")
    first = seen.annotate(place=place).filter(place__lte=CHANGES_SHOWN).select_related("saved_query")
    shown = list(first.defer("before", "after", "saved_query__query", "saved_query__columns").order_by("kind", "pk"))
    found = []
    for row in sorted(kinds, key=lambda row: Observation.Kind.values.index(row["kind"])):
        kind = Observation.Kind(row["kind"])
        same = [change for change in shown if change.kind == kind]
        found.append(Found(kind, kind.label.capitalize(), same, row["count"] - len(same), row["earliest"]))
    return found


def taken_over_by(sync: SyncRun) -> int:
    """How many views a first sync saw that were there already."""
    return Observation.objects.filter(sync_run=sync, is_history=True, kind=Observation.Kind.CREATED).count()


def history_ends(connection: Connection) -> datetime | None:
    """When the first sync that succeeded began; None: there is none, so all we know is history."""
    good = SyncRun.objects.filter(connection=connection, state=SyncRun.State.SUCCEEDED)
    return good.order_by("created_at").values_list("started_at", flat=True).first()


def views_by_id(connection: Connection, ids: Sequence[str]) -> dict[str, SavedQuery]:
    """The views of these remote ids with their SQL, as far as the mirror has them; one query."""
    views = SavedQuery.objects.filter(connection=connection, posthog_id__in=ids)
    return {str(view.posthog_id): view for view in views.only("posthog_id", "name", "query")}


def tables_were_read(connection: Connection) -> bool:
    """Whether any sync has read the whole list of warehouse tables."""
    return SyncRun.objects.filter(connection=connection, cursor__tables_complete=True).exists()


def log_read_at(connection: Connection) -> datetime | None:
    """When the last sync began that read PostHog's own log down to what was known of it; None: no sync could."""
    read = SyncRun.objects.filter(connection=connection, cursor__has_key="activity_read_to")
    return read.order_by("-created_at").values_list("started_at", flat=True).first()


def objects_of(connection: Connection, ids: Sequence[str]) -> list[SavedQuery | WarehouseTable]:
    """The views and tables of these remote ids, in that order; two queries."""
    views = SavedQuery.objects.filter(connection=connection, posthog_id__in=ids).defer("query", "columns")
    tables = WarehouseTable.objects.filter(connection=connection, posthog_id__in=ids).defer("columns")
    found: dict[str, SavedQuery | WarehouseTable] = {str(table.posthog_id): table for table in tables}
    found |= {str(view.posthog_id): view for view in views}
    return [found[key] for key in ids if key in found]


@dataclass(frozen=True)
class LastSyncs:
    """The last syncs of one connection, newest first, and the last that succeeded."""

    recent: list[SyncRun]
    good: SyncRun | None

    @property
    def newest(self) -> SyncRun | None:
        return self.recent[0] if self.recent else None


def last_syncs(limit: int) -> dict[int, LastSyncs]:
    """So many of each connection, by its primary key; two queries that read these rows alone."""
    own = SyncRun.objects.filter(connection=OuterRef("pk")).order_by("-created_at").values("pk")
    places = {f"newest_{place}": Subquery(own[place : place + 1]) for place in range(limit)}
    good = Subquery(own.filter(state=SyncRun.State.SUCCEEDED)[:1])
    rows = list(Connection.objects.annotate(good=good, **places).values_list("pk", "good", *places))
    syncs = SyncRun.objects.defer("cursor").in_bulk({key for _, *keys in rows for key in keys if key})
    return {
        connection: LastSyncs([syncs[key] for key in newest if key in syncs], syncs.get(good))
        for connection, good, *newest in rows
    }


def newest_and_good(params: Params) -> tuple[SyncRun | None, SyncRun | None]:
    """The newest sync in scope and the newest that succeeded, in one query."""
    syncs = SyncRun.objects.filter(in_scope(params)).order_by("-created_at")
    good = syncs.filter(state=SyncRun.State.SUCCEEDED)
    ends_of = [Q(pk=Subquery(rows.values("pk")[:1])) for rows in (syncs, good)]
    found = SyncRun.objects.filter(ends_of[0] | ends_of[1])
    ends = list(found.defer("cursor").order_by("-created_at"))
    succeeded = [sync for sync in ends if sync.state == SyncRun.State.SUCCEEDED]
    return (ends[0] if ends else None), (succeeded[0] if succeeded else None)


def posthog_url(view: SavedQuery) -> str:
    """The page of the view in PostHog itself."""
    connection = view.connection
    return f"{connection.host.rstrip('/')}/project/{connection.project_id}/sql?open_view={view.posthog_id}"
