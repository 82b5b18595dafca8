"""The local copy of what PostHog holds, and the syncs that keep it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from warehouse_admin.accounts.models import Connection


class ScheduleState(models.TextChoices):
    ON_TIME = "on_time", "On time"
    RUNNING = "running", "Running"
    LATE = "late", "Late"
    OVERDUE = "overdue", "Overdue"
    FAILING = "failing", "Failing"
    SUSPENDED = "suspended", "Suspended"
    PAUSED = "paused", "Paused"
    NEVER_RAN = "never_ran", "Never ran"
    NOT_SCHEDULED = "not_scheduled", "Not scheduled"
    MANAGED = "managed", "Managed"
    UNKNOWN = "unknown", "Unknown"


BROKEN = (ScheduleState.SUSPENDED, ScheduleState.FAILING)
BEHIND = (ScheduleState.OVERDUE, ScheduleState.LATE)


class Confidence(models.TextChoices):
    """How sure we are of a schedule state."""

    CERTAIN = "certain", "Certain"
    LIKELY = "likely", "Likely"
    GUESS = "guess", "Guess"


class MirroredQuerySet(models.QuerySet):
    """Conditions shared by everything that is mirrored and may be a tombstone."""

    def present(self) -> MirroredQuerySet:
        return self.filter(deleted_at=None)

    def tombstones(self) -> MirroredQuerySet:
        return self.exclude(deleted_at=None)

    def of(self, connection_slug: str) -> MirroredQuerySet:
        """Those of one connection, or all when the slug is empty."""
        return self.filter(connection__slug=connection_slug) if connection_slug else self


class SavedQuery(models.Model):
    """A mirrored view. A tombstone (`deleted_at`) keeps the last name and SQL."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="saved_queries")
    posthog_id = models.UUIDField()
    name = models.CharField(max_length=200)
    query = models.TextField(null=True)  # noqa: DJ001  null: PostHog has no SQL on this row, or it was not read yet
    query_hash = models.CharField(max_length=64, blank=True)
    columns = models.JSONField(default=list)
    status = models.CharField(max_length=50, blank=True)
    sync_frequency = models.CharField(max_length=20, blank=True)
    is_materialized = models.BooleanField(null=True)
    last_run_at = models.DateTimeField(null=True)
    latest_error = models.TextField(blank=True)
    latest_history_id = models.CharField(max_length=64, blank=True)
    managed_viewset_kind = models.CharField(max_length=100, blank=True)
    origin = models.CharField(max_length=50, blank=True)
    suspended = models.JSONField(null=True)  # null: the server does not say
    description = models.TextField(blank=True)
    folder_id = models.CharField(max_length=64, null=True)  # noqa: DJ001  null: this server tells of no folders
    folder_name = models.CharField(max_length=200, blank=True)
    created_by_email = models.CharField(max_length=254, blank=True)
    created_by_name = models.CharField(max_length=200, blank=True)
    remote_created_at = models.DateTimeField(null=True)
    last_cadence = models.CharField(max_length=20, blank=True)  # the last cadence seen before it read null
    cadence_lost_at = models.DateTimeField(null=True)  # when a read first found it without the one it had

    # Worked out by `refresh` from the above, from runs and from edges, and again as time passes.
    schedule_state = models.CharField(max_length=20, choices=ScheduleState, default=ScheduleState.UNKNOWN)
    schedule_evidence = models.CharField(max_length=300, blank=True)
    schedule_confidence = models.CharField(max_length=10, choices=Confidence, blank=True)
    schedule_confidence_reason = models.CharField(max_length=300, blank=True)
    schedule_since = models.DateTimeField(null=True)  # null: it was so when we first looked
    next_due_at = models.DateTimeField(null=True)  # when a run is, or was, due
    cause = models.CharField(max_length=200, blank=True)  # the first line of what went wrong
    cause_fingerprint = models.CharField(max_length=16, blank=True)  # the same for errors that differ in detail only
    edited_at = models.DateTimeField(null=True)  # when its SQL last changed, since we know it
    edited_by = models.CharField(max_length=254, blank=True)
    root_upstream = models.ForeignKey(  # the furthest broken view that it reads, through others
        "self", models.SET_NULL, null=True, related_name="+"
    )
    holds_up = models.PositiveIntegerField(default=0)  # how many broken views have it as their root
    lineage_depth = models.PositiveIntegerField(default=0)  # 0: reads no other view; kept by `lineage`

    first_seen_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(null=True)  # when the list or detail that we last believed was asked for
    detail_synced_at = models.DateTimeField(null=True)
    list_fingerprint = models.CharField(max_length=64, blank=True)
    needs_detail = models.BooleanField(default=True)
    needs_log = models.BooleanField(default=False)  # something was found that no log has been asked about yet
    search_stale = models.BooleanField(default=True)  # its `SearchText` is not what this row says; set by `store`
    deleted_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)  # since when PostHog answers for it by id but does not list it
    recreates = models.ForeignKey(  # the tombstone that had this name
        "self", models.SET_NULL, null=True, related_name="recreated_as"
    )

    objects = MirroredQuerySet.as_manager()

    class Meta:
        verbose_name = "view"
        default_permissions = ()
        permissions = [
            ("refresh_savedquery", "Can re-read a view from PostHog"),
            ("run_savedquery", "Can run and cancel a view"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["connection", "posthog_id"], name="mirror_one_row_per_saved_query")
        ]
        indexes = [
            # A condition, not a leading column: PostgreSQL reads no order from an index behind `deleted_at IS NULL`.
            models.Index(fields=["name", "id"], condition=Q(deleted_at=None), name="mirror_present_views"),
            # To sort by the last run without reading the rows, which are wide with SQL.
            models.Index(
                fields=["-last_run_at", "name", "id"], condition=Q(deleted_at=None), name="mirror_views_by_last_run"
            ),
            # All that tabs and tiles are counted by, and the folders, so that counting reads none of the rows either.
            models.Index(
                fields=[
                    "deleted_at",
                    "schedule_state",
                    "is_materialized",
                    "managed_viewset_kind",
                    "origin",
                    "connection",
                    "folder_name",
                    "id",
                ],
                name="mirror_counted_views",
            ),
            # All that schedules are counted, grouped and put in order by.
            models.Index(
                fields=[
                    "schedule_state",
                    "schedule_confidence",
                    "connection",
                    "cause_fingerprint",
                    "root_upstream",
                    "holds_up",
                    "lineage_depth",
                    "name",
                    "id",
                ],
                condition=Q(deleted_at=None, is_materialized=True),
                name="mirror_schedules",
            ),
            models.Index(fields=["posthog_id"]),
            models.Index(fields=["id"], condition=Q(search_stale=True), name="mirror_stale_search"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_managed(self) -> bool:
        return bool(self.managed_viewset_kind) or self.origin == "managed_viewset"


class Folder(models.Model):
    """A folder of views, on servers that have them; the newest list of them is all that is kept."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="folders")
    posthog_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    synced_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["connection", "posthog_id"], name="mirror_one_row_per_folder")]

    def __str__(self) -> str:
        return self.name


class RemoteLineage(models.Model):
    """What PostHog itself said, when somebody asked, about the immediate neighbours of a view."""

    saved_query = models.OneToOneField(SavedQuery, models.CASCADE, related_name="remote_lineage")
    upstream = models.JSONField(null=True)  # ids, or names of what is built in; null: it did not say
    downstream = models.JSONField(null=True)  # ids
    upstream_count = models.PositiveIntegerField(null=True)
    downstream_count = models.PositiveIntegerField(null=True)
    error = models.TextField(blank=True)  # why the last time told nothing, in a sentence
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"lineage of {self.saved_query} in PostHog"


class SearchText(models.Model):
    """What a search looks into of one view, without regard to case; kept up by `search.texts` in the background."""

    saved_query = models.OneToOneField(SavedQuery, models.CASCADE, related_name="search_text")
    about = models.TextField()  # name and description
    columns = models.TextField(blank=True)  # their names, a line each
    query = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"texts of {self.saved_query}"


class SavedQueryVersion(models.Model):
    """One distinct SQL text of a view, with where it came from."""

    class Origin(models.TextChoices):
        FIRST_SEEN = "first_seen", "First seen"
        PORTAL = "portal", "Changed here"
        OUTSIDE = "outside", "Changed outside"

    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    query = models.TextField()
    query_hash = models.CharField(max_length=64)
    origin = models.CharField(max_length=12, choices=Origin)
    seen_at = models.DateTimeField()
    author_name = models.CharField(max_length=254, blank=True)
    change_number = models.PositiveBigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["saved_query", "number"], name="mirror_version_numbers")]
        indexes = [models.Index(fields=["origin", "seen_at", "saved_query"], name="mirror_versions_by_origin")]

    def __str__(self) -> str:
        return f"{self.saved_query} v{self.number}"


class FormerView(models.Model):
    """What a view was like up to a moment, everything but its SQL: of what stayed as it was nothing is kept."""

    FACTS = ("name", "sync_frequency", "is_materialized", "columns", "description", "folder_name", "deleted_at")

    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, related_name="former")
    until = models.DateTimeField()  # when the answer was asked for that first told otherwise
    name = models.CharField(max_length=200)
    sync_frequency = models.CharField(max_length=20, blank=True)
    is_materialized = models.BooleanField(null=True)
    columns = models.JSONField(default=list)
    description = models.TextField(blank=True)
    folder_name = models.CharField(max_length=200, blank=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["saved_query", "until", "id"], name="mirror_former_of_view"),
            models.Index(fields=["until", "saved_query"], name="mirror_former_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"


class WarehouseTable(models.Model):
    """A mirrored warehouse table; its credential is never part of it."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="tables")
    posthog_id = models.UUIDField()
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=50, blank=True)
    url_pattern = models.CharField(max_length=600, blank=True)
    columns = models.JSONField(default=list)
    has_credential = models.BooleanField(default=False)
    source_id = models.CharField(max_length=64, blank=True)
    source_type = models.CharField(max_length=50, blank=True)
    source_status = models.CharField(max_length=50, blank=True)
    schema_name = models.CharField(max_length=200, blank=True)
    schema_last_synced_at = models.DateTimeField(null=True)
    created_by_email = models.CharField(max_length=254, blank=True)
    remote_created_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(null=True)
    list_fingerprint = models.CharField(max_length=64, blank=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MirroredQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["connection", "posthog_id"], name="mirror_one_row_per_table")]
        indexes = [
            models.Index(fields=["name", "id"], condition=Q(deleted_at=None), name="mirror_present_tables"),
        ]

    def __str__(self) -> str:
        return self.name


class ColumnsChange(models.Model):
    """One time that the columns of a table were found to be others than before; PostHog keeps no record of it."""

    table = models.ForeignKey(WarehouseTable, models.CASCADE, related_name="columns_changes")
    before = models.JSONField(default=list)  # as `WarehouseTable.columns`
    after = models.JSONField(default=list)
    since = models.DateTimeField(null=True)  # when the former ones were read last
    seen_at = models.DateTimeField()
    change_number = models.PositiveBigIntegerField(null=True)  # of the change request that did it, where one did

    class Meta:
        default_permissions = ()
        ordering = ["-seen_at", "-pk"]
        indexes = [models.Index(fields=["table", "-seen_at"], name="mirror_columns_of_table")]

    def __str__(self) -> str:
        return f"columns of {self.table}"


class Run(models.Model):
    """One materialization run, kept longer than PostHog shows it."""

    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, related_name="runs")
    job_id = models.CharField(max_length=64, blank=True)  # empty when only run_history told of it
    status = models.CharField(max_length=30)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    rows = models.BigIntegerField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["saved_query", "job_id"], condition=~Q(job_id=""), name="mirror_one_row_per_job"
            ),
            models.UniqueConstraint(
                fields=["saved_query", "started_at"], condition=Q(job_id=""), name="mirror_one_row_per_history_run"
            ),
        ]
        indexes = [models.Index(fields=["saved_query", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.saved_query} {self.status}"

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs or where PostHog does not say."""
        return self.finished_at - self.started_at if self.finished_at and self.finished_at > self.started_at else None


class RemoteActivity(models.Model):
    """An entry of PostHog's own activity log, as it was."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="remote_activity")
    entry_key = models.CharField(max_length=64)  # a digest of what identifies it: not every log gives it an id
    posthog_id = models.UUIDField(null=True)  # the view
    activity = models.CharField(max_length=60)
    user_email = models.CharField(max_length=254, blank=True)
    user_name = models.CharField(max_length=200, blank=True)
    is_system = models.BooleanField(default=False)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    awaits_version = models.BooleanField(default=False)  # its SQL has to find its place among the versions yet

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["connection", "entry_key"], name="mirror_one_row_per_activity")]
        indexes = [
            models.Index(fields=["connection"], condition=Q(awaits_version=True), name="mirror_awaiting_version"),
            models.Index(fields=["connection", "-created_at"]),
            models.Index(fields=["posthog_id", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.activity} at {self.created_at}"


class Observation(models.Model):
    """A difference that a sync saw between the mirror and PostHog; `activity` decides who made it."""

    class Kind(models.TextChoices):
        CREATED = "created"
        EDITED = "edited"
        RENAMED = "renamed"
        CADENCE_CHANGED = "cadence_changed"
        MATERIALIZED = "materialized"
        UNMATERIALIZED = "unmaterialized"
        SUSPENDED = "suspended"
        DELETED = "deleted"
        DESCRIBED = "described"
        FILED = "filed"  # put into another folder, or into none

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="observations")
    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, related_name="observations")
    sync_run = models.ForeignKey("SyncRun", models.SET_NULL, null=True, related_name="observations")
    kind = models.CharField(max_length=20, choices=Kind)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    is_history = models.BooleanField(default=False)  # seen by the first sync: nothing to review
    since = models.DateTimeField(null=True)  # when we last knew it was different
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["connection", "-seen_at"])]

    def __str__(self) -> str:
        return f"{self.saved_query} {self.kind}"


class SyncRun(models.Model):
    """One sync of one connection, with live progress."""

    class Kind(models.TextChoices):
        INCREMENTAL = "incremental"
        FULL = "full"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        STOPPED = "stopped"
        NEEDS_ATTENTION = "needs_attention"

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="syncs")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.INCREMENTAL)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    phase = models.CharField(max_length=40, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    counts = models.JSONField(
        default=dict
    )  # created, updated, unchanged, tombstoned, details, runs, activity, requests…
    cursor = models.JSONField(default=dict)  # where to go on after a crash
    vanished = models.JSONField(default=list)  # posthog ids a person has to decide about
    error = models.TextField(blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    # By the database's clock: when its worker last told that it lives; while it is queued, when it was put there.
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        permissions = [("start_sync", "Can start and stop a sync")]
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=["queued", "running"]),
                name="mirror_one_open_sync_per_connection",
            )
        ]
        indexes = [models.Index(fields=["-created_at"]), models.Index(fields=["connection", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.connection} {self.kind} {self.state}"

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None while it is open or where it never began."""
        return self.finished_at - self.started_at if self.finished_at and self.started_at else None


class Beat(models.Model):
    """When each background process was last seen: `worker`, `beat`."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
