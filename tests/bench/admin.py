"""Django admin's changelists of the portal's rows, set up with care: columns, search, filters, nothing row by row.

Of what the portal's lists add from other rows, the admin only has to show the runs and the readers of a view.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.schedules.models import Campaign

PER_PAGE = 50
"""As many rows as the portal's lists show."""
SHOWN_RUNS = 10


class Listed(ModelAdmin):
    list_per_page = PER_PAGE


class ViewAdmin(Listed):
    list_display = (
        "name",
        "connection",
        "is_materialized",
        "schedule_state",
        "last_runs",
        "sync_frequency",
        "last_run_at",
        "read_by",
    )
    search_fields = ("name", "description", "query")
    list_filter = ("connection", "schedule_state", "is_materialized", "sync_frequency")
    list_select_related = ("connection",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = Run.objects.order_by("-started_at")[:SHOWN_RUNS]
        readers = Edge.objects.filter(upstream_view=OuterRef("pk")).order_by().values("upstream_view")
        views = super().get_queryset(request).prefetch_related(Prefetch("runs", newest, to_attr="newest"))
        return views.annotate(readers=Subquery(readers.annotate(n=Count("pk")).values("n")))

    def last_runs(self, view: Any) -> str:
        return " ".join(run.status for run in view.newest)

    def read_by(self, view: Any) -> int:
        return view.readers or 0


class ScheduleAdmin(Listed):
    list_display = ("name", "schedule_state", "sync_frequency", "last_run_at", "latest_error")
    search_fields = ("name", "latest_error")
    list_filter = ("connection", "schedule_state", "sync_frequency")
    list_select_related = ("connection",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(is_materialized=True, deleted_at=None)


class RunAdmin(Listed):
    list_display = ("status", "started_at", "finished_at", "rows", "error")
    list_filter = ("status",)
    ordering = ("-started_at",)


class TableAdmin(Listed):
    list_display = ("name", "source_type", "source_status", "format", "schema_last_synced_at", "synced_at")
    search_fields = ("name", "source_type", "url_pattern")
    list_filter = ("connection", "source_type")
    ordering = ("name",)


class SyncAdmin(Listed):
    list_display = ("connection", "state", "kind", "started_at", "finished_at", "counts", "started_by")
    list_filter = ("connection", "state", "kind")
    list_select_related = ("connection", "started_by")
    ordering = ("-created_at",)


class ChangeAdmin(Listed):
    list_display = ("saved_query", "reason", "state", "author", "state_changed_at", "id")
    search_fields = ("saved_query__name", "reason", "author__username")
    list_filter = ("connection", "state")
    list_select_related = ("saved_query", "author")
    ordering = ("-state_changed_at",)


class ResumeAdmin(Listed):
    list_display = ("id", "state", "reason", "started_by", "created_at")
    list_select_related = ("started_by",)
    ordering = ("-created_at",)


class ActivityAdmin(Listed):
    list_display = ("object_name", "kind", "source", "author", "verdict", "occurred_at")
    search_fields = ("object_name", "author", "note")
    list_filter = ("connection", "source", "kind", "needs_review", "verdict", "occurred_at")
    ordering = ("-occurred_at",)


class AuditAdmin(Listed):
    list_display = ("sequence", "at", "actor_name", "action", "object_name", "result", "reason", "request_id")
    search_fields = ("reason",)
    list_filter = ("result", "action", "at")
    ordering = ("-sequence",)


class PersonAdmin(Listed):
    list_display = ("username", "first_name", "last_name", "email", "last_login", "is_active")
    search_fields = ("username", "email", "first_name", "last_name")
    list_filter = ("is_active", "groups")
    ordering = ("-is_active", "username")


everything = AdminSite()
everything.register(SavedQuery, ViewAdmin)
everything.register(Run, RunAdmin)
everything.register(WarehouseTable, TableAdmin)
everything.register(SyncRun, SyncAdmin)
everything.register(ChangeRequest, ChangeAdmin)
everything.register(Campaign, ResumeAdmin)
everything.register(ActivityEntry, ActivityAdmin)
everything.register(AuditEntry, AuditAdmin)
everything.register(User, PersonAdmin)

schedules = AdminSite(name="schedules-admin")
schedules.register(SavedQuery, ScheduleAdmin)
