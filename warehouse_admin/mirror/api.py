"""REST: views, tables and syncs."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.errors import InvalidInput, Missing, UserError
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.mirror import attention, authorship, hooks, selectors, services
from warehouse_admin.mirror.models import (
    ColumnsChange,
    Confidence,
    Folder,
    SavedQuery,
    SavedQueryVersion,
    ScheduleState,
    SyncRun,
    WarehouseTable,
)
from warehouse_admin.mirror.run_summary import summary_of
from warehouse_admin.mirror.search.conditions import Found as SearchFound
from warehouse_admin.mirror.serializers import (
    BlameRow,
    ColumnsChangeRow,
    ReaderRow,
    RunRow,
    RunSummaryRow,
    SavedQueryDetail,
    SavedQueryRow,
    StartSync,
    SyncDetail,
    SyncRow,
    TableRow,
    VersionRow,
    ViewFolderRow,
    described,
)

IN_CONNECTION = OpenApiParameter("connection", description="A connection's slug, should two know the id.")
DELETED = filters.conditions(
    {"only": Q(deleted_at__isnull=False), "any": Q()},
    "Tombstones: objects that PostHog no longer has. Left out unless asked for.",
    absent=Q(deleted_at=None),
)


class OfView(Endpoint):
    """An address below one view."""

    def view(self) -> SavedQuery:
        """The view that the address names, a tombstone too; Missing when the mirror has none."""
        return selectors.view_by_id(self.kwargs["posthog_id"], self.request.query_params.get("connection", ""))


class SavedQueryList(ListEndpoint):
    serializer_class = SavedQueryRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "deleted": DELETED,
        "name": filters.text("name", "The exact name."),
        "status": filters.text("status"),
        "schedule_state": filters.choice("schedule_state", ScheduleState.values),
        "schedule_confidence": filters.choice("schedule_confidence", Confidence.values),
        "sync_frequency": filters.text("sync_frequency"),
        "is_materialized": filters.flag("is_materialized"),
        "managed_viewset_kind": filters.text("managed_viewset_kind"),
        "folder": filters.text("folder_name", "The exact name of a folder."),
        "folder_id": filters.text("folder_id"),
    }
    searched = ("name", "description", "columns", "query")
    search_help = (
        'Words and "quoted phrases" anywhere in name, description, columns and SQL, whatever the case. '
        "`operator:value` narrows: name, sql, column, description, uses, owner, tag, state, is, cadence. "
        "A leading minus excludes. Without `ordering`, those found by their name come first."
    )
    orderings: ClassVar = {
        "name": "name",
        "last_run_at": "last_run_at",
        "synced_at": "synced_at",
        "schedule_state": "schedule_state",
        "next_due_at": "next_due_at",
        "sync_frequency": "sync_frequency",
        "deleted_at": "deleted_at",
    }
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[SavedQuery]:
        unread = (*CONNECTION_UNREAD, *selectors.ROOT_UNREAD)
        return SavedQuery.objects.select_related("connection", "root_upstream").defer("query", *unread)

    def search(self, rows: QuerySet[SavedQuery], text: str) -> QuerySet[SavedQuery]:
        found = self._read(text)
        if found.problems:
            raise filters.Unusable(" ".join(found.problems))
        return rows.filter(found.condition)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filter_queryset(queryset)
        text = self.request.query_params.get("search", "")
        if not text or self.request.query_params.get("ordering"):
            return rows
        return selectors.by_relevance(rows, self._read(text))

    def _read(self, text: str) -> SearchFound:
        return selectors.search_of(text, self.request.user, self.request.query_params.get("connection", ""))

    def prepare(self, rows: list[SavedQuery]) -> list[SavedQuery]:
        return described(rows)


class FolderList(ListEndpoint):
    """The folders of views, on servers that have them."""

    serializer_class = ViewFolderRow
    filters: ClassVar = {"connection": connection_filter(), "name": filters.text("name", "The exact name.")}
    searched = ("name",)
    orderings: ClassVar = {"name": "name"}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[Folder]:
        return Folder.objects.select_related("connection").defer(*CONNECTION_UNREAD)


@extend_schema(parameters=[IN_CONNECTION])
class SavedQueryOne(OfView):
    serializer_class = SavedQueryDetail

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.answer(self.view())


class VersionList(ListEndpoint, OfView):
    serializer_class = VersionRow
    filters: ClassVar = {
        "connection": connection_filter("saved_query__connection__slug"),
        "origin": filters.choice("origin", SavedQueryVersion.Origin.values),
    }
    orderings: ClassVar = {"number": "number", "seen_at": "seen_at"}
    default_ordering = "-number"

    def get_queryset(self) -> QuerySet:
        return self.view().versions.all()


@extend_schema(
    parameters=[
        IN_CONNECTION,
        OpenApiParameter("ignore_layout", bool, description="Whether a changed indentation is no touch of a line."),
    ]
)
class BlameOne(OfView):
    """Who last touched each line of the present SQL, when, and through which change."""

    serializer_class = BlameRow

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        filters.refuse_unknown(request, ("connection", "ignore_layout"))
        asked = request.query_params.get("ignore_layout", "false").lower()
        if asked not in ("true", "1", "false", "0"):
            told = "Use true or false."
            raise InvalidInput(f"ignore_layout: {told}", errors={"ignore_layout": [told]})
        return self.answer(authorship.of(self.view(), ignore_layout=asked in ("true", "1")))


class RunList(ListEndpoint, OfView):
    serializer_class = RunRow
    filters: ClassVar = {
        "connection": connection_filter("saved_query__connection__slug"),
        "status": filters.text("status"),
        "since": filters.moment("started_at__gte"),
        "until": filters.moment("started_at__lt"),
    }
    orderings: ClassVar = {"started_at": "started_at", "finished_at": "finished_at"}
    default_ordering = "-started_at"

    def get_queryset(self) -> QuerySet:
        return self.view().runs.all()


@extend_schema(parameters=[IN_CONNECTION])
class RunSummaryOne(OfView):
    """How the runs of one view have gone in the last 30 days."""

    serializer_class = RunSummaryRow

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.answer(summary_of(self.view()))


class Refresh(Idempotent, OfView):
    """Re-read one view from PostHog now."""

    serializer_class = SavedQueryDetail

    @extend_schema(request=None, parameters=[IN_CONNECTION])
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.answer(services.refresh(saved_query=self.view(), user=request.user))


class TableList(ListEndpoint):
    serializer_class = TableRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "deleted": DELETED,
        "name": filters.text("name", "The exact name."),
        "source_type": filters.text("source_type"),
        "format": filters.text("format"),
        "kind": filters.conditions(
            {
                "source": ~Q(source_id=""),
                "storage": Q(is_storage=True),
                "bucket": Q(source_id="", is_storage=False),
            }
        ),
    }
    searched = ("name", "source_type", "url_pattern")
    orderings: ClassVar = {"name": "name", "synced_at": "synced_at", "source_type": "source_type"}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[WarehouseTable]:
        tables = WarehouseTable.objects.select_related("connection").defer(*CONNECTION_UNREAD)
        return selectors.with_storage(tables)

    def prepare(self, rows: list[WarehouseTable]) -> list[WarehouseTable]:
        return described(rows)


class OfTable(Endpoint):
    """An address below one table."""

    def table(self) -> WarehouseTable:
        """The table that the address names, a tombstone too; Missing when the mirror has none."""
        return selectors.table_by_id(self.kwargs["posthog_id"], self.request.query_params.get("connection", ""))


@extend_schema(parameters=[IN_CONNECTION])
class TableOne(OfTable):
    serializer_class = TableRow

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.answer(self.table())


class ColumnHistory(ListEndpoint, OfTable):
    """What became of the columns of a table since the mirror knows it."""

    serializer_class = ColumnsChangeRow
    filters: ClassVar = {"connection": connection_filter("table__connection__slug")}
    orderings: ClassVar = {"seen_at": "seen_at"}
    default_ordering = "-seen_at"

    def get_queryset(self) -> QuerySet[ColumnsChange]:
        return ColumnsChange.objects.filter(table=self.table())


class TableReaders(ListEndpoint, OfTable):
    """The views that read a table, as far as their SQL was parsed."""

    serializer_class = ReaderRow
    filters: ClassVar = {"connection": connection_filter()}
    orderings: ClassVar = {"name": "name"}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[SavedQuery]:
        readers = [view.pk for view in hooks.listed(hooks.table_readers, self.table())]
        return SavedQuery.objects.filter(pk__in=readers).only("posthog_id", "name")


class SyncList(Idempotent, ListEndpoint):
    serializer_class = SyncRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "state": filters.choice("state", SyncRun.State.values),
        "kind": filters.choice("kind", SyncRun.Kind.values),
    }
    orderings: ClassVar = {"created_at": "created_at", "finished_at": "finished_at"}
    default_ordering = "-created_at"

    def get_queryset(self) -> QuerySet[SyncRun]:
        return selectors.sync_list({})

    @extend_schema(request=StartSync, responses={202: SyncRow})
    def post(self, request: SignedInRequest) -> Response:
        """Start a sync. 409 carries the `id` of the one under way."""
        wanted = self.clean(StartSync)
        connection = _connection(wanted.get("connection"))
        sync = services.start_sync(connection=connection, kind=wanted["kind"], started_by=request.user)
        return self.answer(sync, status=202)


class OneSync(Endpoint):
    """An address of one sync."""

    serializer_class = SyncRow

    def sync(self) -> SyncRun:
        found = SyncRun.objects.select_related("connection", "started_by").filter(pk=self.kwargs["sync_id"]).first()
        if found is None:
            raise Missing("There is no such sync.")
        return found


class SyncOne(OneSync):
    serializer_class = SyncDetail

    def get(self, request: SignedInRequest, sync_id: UUID) -> Response:
        return self.answer(self.sync())


class SyncDecision(Idempotent, OneSync):
    """Calls that move a sync; `decide` is the service, given by the router."""

    decide: Any = None

    @extend_schema(request=None)
    def post(self, request: SignedInRequest, sync_id: UUID) -> Response:
        return self.answer(type(self).decide(sync=self.sync(), user=request.user))


class SyncStop(SyncDecision):
    """End a sync after the request it is at."""

    decide = staticmethod(services.request_stop)


class SyncConfirm(SyncDecision):
    """The objects that vanished are really gone: make tombstones of those that PostHog does not know any more."""

    decide = staticmethod(attention.confirm_vanished)


class SyncDismiss(SyncDecision):
    """The objects that vanished are not gone: keep them."""

    decide = staticmethod(attention.dismiss_vanished)


def _connection(slug: str | None) -> Connection:
    """The connection of this slug, by default the first one in use."""
    if slug:
        if found := Connection.objects.filter(slug=slug).first():
            return found
        known = ", ".join(Connection.objects.values_list("slug", flat=True)) or "none"
        told = f"There is no such connection. There are: {known}."
        raise InvalidInput(told, errors={"connection": [told]})
    found = Connection.objects.filter(is_active=True).order_by("pk").first()
    if found is None:
        raise UserError("There is no connection in use. Add one, then start a sync.")
    return found
