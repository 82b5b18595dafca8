"""The words for what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from warehouse_admin.activity.facts import OVERDUE, RESUMED, RUN_CANCELLED, RUN_STARTED, WAKE_FAILED
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation

Kind = Observation.Kind
Source = ActivityEntry.Source

VERBS = {
    Kind.CREATED: "created",
    Kind.EDITED: "edited",
    Kind.RENAMED: "renamed",
    Kind.CADENCE_CHANGED: "changed the cadence of",
    Kind.MATERIALIZED: "materialized",
    Kind.UNMATERIALIZED: "undid the materialization of",
    Kind.SUSPENDED: "suspended",
    Kind.DELETED: "deleted",
    RUN_STARTED: "started a run of",
    RUN_CANCELLED: "cancelled a run of",
    RESUMED: "resumed",
}
KINDS = {
    Kind.CREATED: "Created",
    Kind.EDITED: "Edited",
    Kind.RENAMED: "Renamed",
    Kind.CADENCE_CHANGED: "Cadence changed",
    Kind.MATERIALIZED: "Materialized",
    Kind.UNMATERIALIZED: "Materialization undone",
    Kind.SUSPENDED: "Suspended",
    Kind.DELETED: "Deleted",
    RUN_STARTED: "Run started",
    RUN_CANCELLED: "Run cancelled",
    RESUMED: "Resumed",
    OVERDUE: "Overdue",
    WAKE_FAILED: "Wake-up failed",
}
SHOWN_VALUE = 400


def sentence(entry: ActivityEntry) -> str:
    """Who did what to which view, and where; what nobody knows is said so."""
    name = entry.object_name or "a view"
    if entry.kind == OVERDUE:
        again = "; it has run again since" if entry.note and not entry.verdict else ""
        return f"{name} stopped running on its schedule, and PostHog does not say why{again}"
    if entry.kind == WAKE_FAILED:
        over = "the pause has ended since" if entry.note and not entry.verdict else "somebody has to resume it"
        return f"The portal could not wake {name} on its date; {over}"
    verb = VERBS.get(entry.kind, f"did “{entry.kind}” to")
    if entry.source == Source.PORTAL:
        number = change_number(entry)
        return f"{entry.author or 'The portal'} {verb} {name} here{f' through change #{number}' if number else ''}"
    if entry.source == Source.SYSTEM:
        return f"PostHog itself {verb} {name}"
    if entry.source == Source.OUTSIDE and entry.author:
        return f"{entry.author} {verb} {name} outside the portal"
    return f"Somebody {verb} {name} outside the portal; PostHog does not say who"


def how_known(entry: ActivityEntry) -> str:
    """What the entry rests on."""
    if entry.kind == OVERDUE:
        return "PostHog was read after the run was due and its grace was over, and knew of none."
    if entry.kind == WAKE_FAILED:
        return "Every try is in the audit trail of the view."
    parts = []
    if entry.mutation_id:
        parts.append("this portal sent it")
    if entry.remote_activity_id:
        parts.append("PostHog's activity log tells of it")
    if entry.observation_id:
        parts.append("a sync saw the difference")
    text = ", and ".join(parts) or "nothing is on record"
    return f"{text[0].upper()}{text[1:]}."


def change_number(entry: ActivityEntry) -> int | None:
    """The change request behind an entry; None when it did not come from one."""
    if entry.mutation is None:
        return None
    kind, _, number = entry.mutation.cause.partition(":")
    number = number.partition(":")[0]
    return int(number) if kind == "change" and number.isdigit() else None


def resume_id(entry: ActivityEntry) -> str | None:
    """The bulk resume behind an entry."""
    if entry.mutation is None:
        return None
    kind, _, key = entry.mutation.cause.partition(":")
    return key if kind == "resume" and key else None


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, as short text."""

    name: str
    before: str
    after: str


def texts(entry: ActivityEntry) -> tuple[str | None, str | None] | None:
    """The SQL before and after, for a diff; None when the entry is about something else."""
    before, after = (entry.before or {}).get("query"), (entry.after or {}).get("query")
    if not isinstance(before, str | None) or not isinstance(after, str | None):
        return None
    return (before, after) if before or after else None


def field_changes(entry: ActivityEntry) -> list[FieldChange]:
    """Every field that differs but the SQL, in order of name."""
    before, after = entry.before or {}, entry.after or {}
    names = sorted({*before, *after} - {"query", "query_hash", "latest_history_id", "version"})
    found = [FieldChange(name.replace("_", " "), _short(before.get(name)), _short(after.get(name))) for name in names]
    return [change for change in found if change.before != change.after]


def _words(value: Any) -> str:
    """Nested values as people write them: `clickhouse (reason: too slow)`, not as a program prints them."""
    if isinstance(value, dict):
        inner = ((key, _words(part), isinstance(part, dict)) for key, part in value.items())
        return ", ".join(f"{key} ({text})" if nested else f"{key}: {text}" for key, text, nested in inner)
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    return str(value)


def _short(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _words(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}…"
