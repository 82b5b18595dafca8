"""What the three sources of activity say, in the same few words: PostHog's log, what syncs saw, what we sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.logged import changed_fields
from warehouse_admin.mirror.models import Observation, RemoteActivity
from warehouse_admin.mirror.ours import EFFECTS
from warehouse_admin.mutations.kinds.cadences import NEVER, logged_as, stored_as
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.timing import CLOCKS

Kind = Observation.Kind
RUN_STARTED, RUN_CANCELLED, RESUMED, OVERDUE = "run_started", "run_cancelled", "resumed", "overdue"
WAKE_FAILED = "wake_failed"
CERTIFICATION_LOST = "certification_lost"
RUN_FAILED, RUN_RECOVERED = "run_failed", "run_recovered"

TABLE_CREATED, TABLE_CHANGED, TABLE_DELETED = "table_created", "table_changed", "table_deleted"
COLUMNS_READ, COLUMNS_RETYPED = "columns_read", "columns_retyped"
"""What is done here about warehouse tables; no server logs any of it."""
UNREMARKABLE = frozenset({RUN_STARTED, RUN_CANCELLED, RESUMED, RUN_FAILED, RUN_RECOVERED, "sync_frequency_reset"})
"""Kinds that change nothing that a team would have to agree to."""

LOG_LAG = timedelta(minutes=5)  # a log row is written after the change it tells of

_VERBS = {
    "created": Kind.CREATED,
    "deleted": Kind.DELETED,
    "materialization_enabled": Kind.MATERIALIZED,
    "materialization_disabled": Kind.UNMATERIALIZED,
    "sync_triggered": RUN_STARTED,
    "sync_cancelled": RUN_CANCELLED,
}
_FIELDS = {
    "query": Kind.EDITED,
    "deleted": Kind.DELETED,
    "name": Kind.RENAMED,
    "sync_frequency_interval": Kind.CADENCE_CHANGED,
    "description": Kind.DESCRIBED,
    "folder": Kind.FILED,
}
_MUTATIONS = {
    Mutation.Kind.CREATE_VIEW: Kind.CREATED,
    Mutation.Kind.EDIT_QUERY: Kind.EDITED,
    Mutation.Kind.RENAME: Kind.RENAMED,
    Mutation.Kind.SET_CADENCE: Kind.CADENCE_CHANGED,
    Mutation.Kind.MATERIALIZE: Kind.MATERIALIZED,
    Mutation.Kind.UNMATERIALIZE: Kind.UNMATERIALIZED,
    Mutation.Kind.DELETE: Kind.DELETED,
    Mutation.Kind.SET_DESCRIPTION: Kind.DESCRIBED,
    Mutation.Kind.MOVE_TO_FOLDER: Kind.FILED,
    Mutation.Kind.RESUME_SCHEDULES: RESUMED,
    Mutation.Kind.RUN: RUN_STARTED,
    Mutation.Kind.CANCEL: RUN_CANCELLED,
    Mutation.Kind.CREATE_TABLE: TABLE_CREATED,
    Mutation.Kind.UPDATE_TABLE: TABLE_CHANGED,
    Mutation.Kind.DELETE_TABLE: TABLE_DELETED,
    Mutation.Kind.REFRESH_SCHEMA: COLUMNS_READ,
    Mutation.Kind.UPDATE_SCHEMA: COLUMNS_RETYPED,
}
IN_WAREHOUSE = tuple(_MUTATIONS)
"""The kinds that the inbox tells of. Interviews are no part of the warehouse, and not everybody may know of them."""


@dataclass(frozen=True)
class Logged:
    """An entry of PostHog's log: its kind, every field it names, and the SQL it put in place."""

    row: RemoteActivity
    kind: str
    fields: dict[str, tuple[Any, Any]]

    @property
    def new_text(self) -> str | None:
        found = self.fields.get("query", (None, None))[1]
        return found if isinstance(found, str) else None

    @property
    def author(self) -> str:
        return self.row.user_email or self.row.user_name

    @property
    def before(self) -> dict[str, Any] | None:
        return {name: old for name, (old, _) in self.fields.items()} or None

    @property
    def after(self) -> dict[str, Any] | None:
        return {name: new for name, (_, new) in self.fields.items()} or None

    @property
    def object_name(self) -> str:
        name = self.row.detail.get("name") if isinstance(self.row.detail, dict) else None
        return str(name or "")[:200]


def logged(row: RemoteActivity) -> Logged:
    """Read a log entry; a verb nobody has named stays PostHog's own word."""
    fields = changed_fields(row.detail)
    kind = _VERBS.get(row.activity, row.activity)
    if row.activity == "updated":
        kind = next((word for name, word in _FIELDS.items() if name in fields), "updated")
    return Logged(row, str(kind)[:60], fields)


def explains(entry: Logged, seen: Observation) -> bool:
    """Whether a log entry tells of what a sync saw: same view, same thing, at a time that fits."""
    if not _in_time(entry.row.created_at, seen):
        return False
    if seen.kind == Kind.EDITED:
        return entry.new_text is not None and text_digest(entry.new_text) == (seen.after or {}).get("query_hash")
    if seen.kind == Kind.CADENCE_CHANGED and entry.kind == Kind.MATERIALIZED:
        return _gave_cadence(entry, seen)
    return entry.kind == seen.kind or any(_FIELDS.get(name) == seen.kind for name in entry.fields)


def _gave_cadence(entry: Logged, seen: Observation) -> bool:
    """Whether a materialization set the cadence that was seen; where its entry does not say which, it may have."""
    interval = entry.fields.get("sync_frequency_interval", (None, None))[1]
    return interval is None or interval in logged_as((seen.after or {}).get("sync_frequency") or NEVER)


def _in_time(moment: datetime, seen: Observation) -> bool:
    """A moment that has not come yet by our clock says nothing about the order of things."""
    if moment > timezone.now():
        return True
    return (seen.since is None or moment >= seen.since - LOG_LAG) and moment <= seen.seen_at + CLOCKS


def kind_of(mutation: Mutation) -> str:
    return str(_MUTATIONS[Mutation.Kind(mutation.kind)])


def sent_text(mutation: Mutation) -> str | None:
    """The SQL that a mutation put in place; None for other kinds."""
    return mutation.payload.get("query")


def is_ours(mutation: Mutation, entry: Logged) -> bool:
    """Whether PostHog's log tells of this mutation, whoever it names: the key's owner is not the person."""
    if entry.row.is_system or kind_of(mutation) != entry.kind or not _during(mutation, entry.row.created_at):
        return False
    if mutation.kind == Mutation.Kind.SET_CADENCE:
        interval = entry.fields.get("sync_frequency_interval", (None, None))[1]
        return interval in logged_as(mutation.payload["sync_frequency"])
    text = sent_text(mutation)
    return text is None or text == entry.new_text


def caused(mutation: Mutation, seen: Observation) -> bool:
    """Whether what a sync saw is what this mutation did."""
    if seen.kind not in _effects(mutation) or mutation.sent_at is None or not _is_as_sent(mutation, seen):
        return False
    if seen.since is not None and mutation.finished_at is not None and seen.since > mutation.finished_at:
        return False  # after ours was done PostHog held something else, so somebody did it again
    return seen.seen_at >= mutation.sent_at - CLOCKS


def _effects(mutation: Mutation) -> frozenset[str]:
    """What a sync may see of a mutation; a run and a resume leave no difference that is observed."""
    kind = kind_of(mutation)
    if kind in (Kind.CREATED, Kind.DELETED):
        return frozenset({kind})
    return EFFECTS.get(kind, frozenset())


def _is_as_sent(mutation: Mutation, seen: Observation) -> bool:
    """Whether the values that were seen are those that were sent."""
    payload, after = mutation.payload, seen.after or {}
    if seen.kind == Kind.EDITED:
        return text_digest(payload["query"]) == after.get("query_hash")
    if seen.kind == Kind.CREATED:
        return not seen.before and after.get("name") == payload["name"]
    if seen.kind == Kind.RENAMED:
        return after.get("name") == payload["name"]
    if seen.kind == Kind.DESCRIBED:
        return after.get("description") == payload["description"]
    if seen.kind == Kind.FILED:
        return (after.get("folder_id") or None) == payload["folder_id"]
    if mutation.kind == Mutation.Kind.SET_CADENCE:
        return (after.get("sync_frequency") or NEVER) in stored_as(payload["sync_frequency"])
    return True


def _during(mutation: Mutation, moment: datetime) -> bool:
    if mutation.sent_at is None:
        return False
    if moment > timezone.now():
        return True
    end = mutation.finished_at or mutation.sent_at + LOG_LAG
    return mutation.sent_at - CLOCKS <= moment <= end + LOG_LAG


Shown = dict[str, Any]
_PARTS: dict[str, tuple[str, ...]] = {
    Kind.CREATED: ("name", "query"),
    Kind.EDITED: ("query",),
    Kind.RENAMED: ("name",),
    Kind.CADENCE_CHANGED: ("sync_frequency",),
    Kind.MATERIALIZED: ("is_materialized", "sync_frequency"),
    Kind.UNMATERIALIZED: ("is_materialized", "sync_frequency"),
    Kind.DELETED: ("name", "query"),
    Kind.DESCRIBED: ("description",),
    Kind.FILED: ("folder_id", "folder_name"),
}


def shown_of(mutation: Mutation) -> tuple[Shown | None, Shown | None]:
    """Before and after of a mutation, as the inbox shows them."""
    kind = kind_of(mutation)
    parts = _PARTS.get(kind)
    if parts is None:
        return None, None
    before = None if kind == Kind.CREATED else _of(mutation.before or mutation.base or {}, parts)
    if kind == Kind.DELETED:
        return before, {"deleted": True}
    return before, _of({**mutation.payload, **(mutation.after or {})}, parts)


def _of(row: dict[str, Any], parts: tuple[str, ...]) -> Shown:
    return {name: row.get(name) for name in parts}
