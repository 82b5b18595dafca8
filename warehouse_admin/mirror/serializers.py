"""The mirror as the API shows it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from warehouse_admin.core.rest.fields import Column, NullableText, columns_of
from warehouse_admin.mirror import hooks, own_tables, progress
from warehouse_admin.mirror.models import (
    Folder,
    Run,
    SavedQuery,
    SavedQueryVersion,
    ScheduleState,
    SyncRun,
    WarehouseTable,
)


class Described(serializers.Serializer):
    """What people here say of an object. Whoever answers with several has them `described` at once."""

    owner = serializers.SerializerMethodField(help_text="The user name of who answers for it.")
    tags = serializers.SerializerMethodField()
    trust = serializers.SerializerMethodField(
        help_text="certified, suspended (certified once, and changed or expired since), deprecated, or null."
    )

    def get_trust(self, row: SavedQuery | WarehouseTable) -> str | None:
        return _said_of(row).trust or None

    def get_owner(self, row: SavedQuery | WarehouseTable) -> str | None:
        return _said_of(row).owner or None

    def get_tags(self, row: SavedQuery | WarehouseTable) -> list[str]:
        return list(_said_of(row).tags)


def described(rows: list[Any]) -> list[Any]:
    """The same rows, each with what is said of it."""
    said = hooks.described(rows)
    for row in rows:
        row.said = said.get(row.pk, hooks.NOTHING_SAID)
    return rows


def _said_of(row: Any) -> hooks.Description:
    if not hasattr(row, "said"):
        described([row])
    return row.said


class SavedQueryRow(Described, serializers.ModelSerializer):
    """A view without its SQL. Null stands where PostHog says nothing."""

    id = serializers.UUIDField(source="posthog_id")
    connection = serializers.CharField(source="connection.slug")
    columns = serializers.SerializerMethodField()
    status = NullableText(help_text="PostHog's own word for the state of the materialization.")
    schedule_state = serializers.ChoiceField(choices=ScheduleState.choices)
    schedule_evidence = NullableText(help_text="How we know the schedule state, in a sentence.")
    schedule_confidence = NullableText(help_text="How sure that is: certain, likely or guess.")
    schedule_confidence_reason = NullableText(help_text="Why it is no surer, or what makes it so, in a sentence.")
    schedule_since = serializers.DateTimeField(allow_null=True, help_text="Null: so since we know the view.")
    next_due_at = serializers.DateTimeField(allow_null=True, help_text="When a run is, or was, due.")
    root_upstream = serializers.SerializerMethodField()
    sync_frequency = NullableText()
    latest_error = NullableText()
    latest_history_id = NullableText()
    managed_viewset_kind = NullableText()
    description = NullableText()
    folder_id = NullableText(help_text="Null for none, and where the server has no folders.")
    folder_name = NullableText()
    cause = NullableText(help_text="The first line of what went wrong.")
    holds_up = serializers.IntegerField(help_text="How many broken views have this one as their root.")
    edited_by = NullableText()

    class Meta:
        model = SavedQuery
        fields = [
            "id",
            "connection",
            "name",
            "columns",
            "status",
            "schedule_state",
            "schedule_evidence",
            "schedule_confidence",
            "schedule_confidence_reason",
            "schedule_since",
            "next_due_at",
            "cause",
            "root_upstream",
            "holds_up",
            "edited_at",
            "edited_by",
            "sync_frequency",
            "is_materialized",
            "last_run_at",
            "latest_error",
            "latest_history_id",
            "managed_viewset_kind",
            "description",
            "folder_id",
            "folder_name",
            "owner",
            "tags",
            "trust",
            "synced_at",
            "deleted_at",
        ]
        read_only_fields = fields

    def get_root_upstream(self, view: SavedQuery) -> UUID | None:
        """The furthest broken view that this one reads and that explains why it is broken too."""
        return view.root_upstream.posthog_id if view.root_upstream else None

    @extend_schema_field(Column(many=True))
    def get_columns(self, view: SavedQuery) -> list[dict[str, Any]]:
        return columns_of(view.columns)


class ViewFolderRow(serializers.ModelSerializer):
    id = serializers.CharField(source="posthog_id")
    connection = serializers.CharField(source="connection.slug")

    class Meta:
        model = Folder
        fields = ["id", "connection", "name", "synced_at"]
        read_only_fields = fields


class SavedQueryDetail(SavedQueryRow):
    """A view with its SQL; null: PostHog has none, or it was not read yet."""

    query = serializers.CharField(allow_null=True)

    class Meta(SavedQueryRow.Meta):
        fields = [*SavedQueryRow.Meta.fields, "query"]
        read_only_fields = fields


class VersionRow(serializers.ModelSerializer):
    author = NullableText(source="author_name")
    change = serializers.IntegerField(source="change_number", allow_null=True, help_text="The change that made it.")

    class Meta:
        model = SavedQueryVersion
        fields = ["number", "query", "origin", "seen_at", "author", "change"]
        read_only_fields = fields


class BlamedLine(serializers.Serializer):
    """A line of the present SQL and the version that last touched it; nulls where that is not known."""

    number = serializers.IntegerField()
    text = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(source="version.number", default=None, allow_null=True)
    origin = serializers.ChoiceField(
        source="version.origin", default=None, allow_null=True, choices=SavedQueryVersion.Origin.choices
    )
    at = serializers.DateTimeField(source="version.seen_at", default=None, allow_null=True)
    author = NullableText(source="version.author_name", default=None, help_text="Null: nobody knows.")
    change = serializers.IntegerField(
        source="version.change_number", default=None, allow_null=True, help_text="The change that made it."
    )


class BlameRow(serializers.Serializer):
    lines = BlamedLine(many=True)
    caveat = serializers.CharField(allow_blank=True, help_text="Why some lines name no version; else empty.")


class RunRow(serializers.ModelSerializer):
    id = serializers.SerializerMethodField()
    error = NullableText()

    class Meta:
        model = Run
        fields = ["id", "status", "started_at", "finished_at", "rows", "error"]
        read_only_fields = fields

    def get_id(self, run: Run) -> str:
        """PostHog's id of the job; ours where it gives none."""
        return run.job_id or str(run.pk)


class RunSummaryRow(serializers.Serializer):
    """Runs of the last 30 days; cancelled and skipped ones are left out."""

    runs = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null without a run.")
    median_duration = serializers.DurationField(allow_null=True, help_text="Of the runs that completed.")
    duration_change = serializers.FloatField(
        allow_null=True, help_text="Against the 30 days before: 0.5 is half as long again. Null: too little is known."
    )
    next_due_at = serializers.DateTimeField(allow_null=True)
    is_running = serializers.BooleanField()
    running_since = serializers.DateTimeField(
        allow_null=True, help_text="When the run that is under way began; null also where only the view's status tells."
    )


class TableRow(Described, serializers.ModelSerializer):
    """A warehouse table; of its credential only whether there is one."""

    id = serializers.UUIDField(source="posthog_id")
    connection = serializers.CharField(source="connection.slug")
    columns = serializers.SerializerMethodField()
    format = NullableText()
    url_pattern = NullableText()
    source_type = NullableText()
    source_status = NullableText()
    schema_name = NullableText()
    kind = serializers.SerializerMethodField()
    storage_of = serializers.SerializerMethodField()
    locked = serializers.SerializerMethodField()
    created_by = NullableText(source="created_by_email")
    created_at = serializers.DateTimeField(source="remote_created_at", allow_null=True, read_only=True)

    class Meta:
        model = WarehouseTable
        fields = [
            "id",
            "connection",
            "name",
            "columns",
            "format",
            "url_pattern",
            "has_credential",
            "source_type",
            "source_status",
            "schema_name",
            "schema_last_synced_at",
            "kind",
            "storage_of",
            "locked",
            "created_by",
            "created_at",
            "owner",
            "tags",
            "trust",
            "synced_at",
            "deleted_at",
        ]
        read_only_fields = fields

    @extend_schema_field(Column(many=True))
    def get_columns(self, table: WarehouseTable) -> list[dict[str, Any]]:
        return columns_of(table.columns)

    def get_kind(self, table: WarehouseTable) -> str:
        """`source`: a source syncs it; `storage`: the rows of a materialized view; `bucket`: files that were linked."""
        return own_tables.kind_of(table)

    def get_storage_of(self, table: WarehouseTable) -> UUID | None:
        """The materialized view whose rows it holds."""
        view = own_tables.storage_view(table)
        return view.posthog_id if view else None

    def get_locked(self, table: WarehouseTable) -> str | None:
        """Why nobody changes it here; null where nothing forbids it."""
        return own_tables.why_locked(table) or None


class ColumnsChangeRow(serializers.Serializer):
    """One time that the columns were found to be others than before."""

    seen_at = serializers.DateTimeField()
    since = serializers.DateTimeField(allow_null=True, help_text="When the former ones were read last.")
    change = serializers.IntegerField(
        source="change_number", allow_null=True, help_text="The change request that did it, where one did."
    )
    before = Column(many=True)
    after = Column(many=True)


class ReaderRow(serializers.Serializer):
    """A view that reads a table."""

    id = serializers.UUIDField(source="posthog_id")
    name = serializers.CharField()


class SyncProgress(serializers.Serializer):
    phase = serializers.CharField(allow_null=True)
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    waiting_until = serializers.DateTimeField(allow_null=True, help_text="The rate is used up; it goes on then.")


class SyncRow(serializers.ModelSerializer):
    connection = serializers.CharField(source="connection.slug")
    progress = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    error = NullableText(help_text="What went wrong, in words.")
    started_by = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = SyncRun
        fields = [
            "id",
            "connection",
            "kind",
            "state",
            "progress",
            "counts",
            "notes",
            "error",
            "started_by",
            "created_at",
            "started_at",
            "finished_at",
            "url",
        ]
        read_only_fields = fields

    @extend_schema_field(SyncProgress)
    def get_progress(self, sync: SyncRun) -> dict[str, Any]:
        return {
            "phase": sync.phase or None,
            "done": sync.done,
            "total": sync.total,
            "waiting_until": progress.waiting_until(sync),
        }

    def get_counts(self, sync: SyncRun) -> dict[str, int]:
        return progress.numbers(sync)

    def get_notes(self, sync: SyncRun) -> list[str]:
        """What was left out and why, in sentences."""
        return progress.notes(sync)

    def get_started_by(self, sync: SyncRun) -> str | None:
        """The user name; null: the schedule did."""
        return sync.started_by.username if sync.started_by else None

    def get_url(self, sync: SyncRun) -> str:
        return reverse("api:sync-detail", args=[sync.pk])


class SyncDetail(SyncRow):
    vanished = serializers.ListField(
        child=serializers.UUIDField(), help_text="Ids of the objects that a person has to decide about."
    )

    class Meta(SyncRow.Meta):
        fields = [*SyncRow.Meta.fields, "vanished"]
        read_only_fields = fields


class StartSync(serializers.Serializer):
    kind = serializers.ChoiceField(choices=SyncRun.Kind.choices, required=False, default=SyncRun.Kind.INCREMENTAL)
    connection = serializers.CharField(required=False, max_length=50, help_text="A slug; by default the first.")
