"""The words for what happened."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.activity.facts import (
    CERTIFICATION_LOST,
    COLUMNS_READ,
    COLUMNS_RETYPED,
    OVERDUE,
    RESUMED,
    RUN_CANCELLED,
    RUN_FAILED,
    RUN_RECOVERED,
    RUN_STARTED,
    TABLE_CHANGED,
    TABLE_CREATED,
    TABLE_DELETED,
    WAKE_FAILED,
)
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.wording import FieldChange, differing
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
    Kind.DESCRIBED: "changed the description of",
    Kind.FILED: "moved to another folder",
    RUN_STARTED: "started a run of",
    RUN_CANCELLED: "cancelled a run of",
    RESUMED: "resumed",
    TABLE_CREATED: "created the table",
    TABLE_CHANGED: "changed the table",
    TABLE_DELETED: "deleted the table",
    COLUMNS_READ: "had the columns read anew of the table",
    COLUMNS_RETYPED: "changed column types of the table",
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
    Kind.DESCRIBED: "Description changed",
    Kind.FILED: "Moved to a folder",
    RUN_STARTED: "Run started",
    RUN_CANCELLED: "Run cancelled",
    RESUMED: "Resumed",
    OVERDUE: "Overdue",
    WAKE_FAILED: "Wake-up failed",
    CERTIFICATION_LOST: "Certification lost",
    RUN_FAILED: "Began to fail",
    RUN_RECOVERED: "Recovered",
    TABLE_CREATED: "Table created",
    TABLE_CHANGED: "Table changed",
    TABLE_DELETED: "Table deleted",
    COLUMNS_READ: "Columns read anew",
    COLUMNS_RETYPED: "Column types changed",
}
INTENTS = {
    Kind.CREATED: "create",
    Kind.EDITED: "edit",
    Kind.RENAMED: "rename",
    Kind.CADENCE_CHANGED: "change the cadence of",
    Kind.MATERIALIZED: "materialize",
    Kind.UNMATERIALIZED: "undo the materialization of",
    Kind.DELETED: "delete",
    Kind.DESCRIBED: "change the description of",
    Kind.FILED: "move to another folder",
    RUN_STARTED: "start a run of",
    RUN_CANCELLED: "cancel a run of",
    RESUMED: "resume",
    TABLE_CREATED: "create the table",
    TABLE_CHANGED: "change the table",
    TABLE_DELETED: "delete the table",
    COLUMNS_READ: "have the columns read anew of the table",
    COLUMNS_RETYPED: "change column types of the table",
}
ENDS = {
    "refused": "PostHog refused",
    "conflict": "PostHog held something else by then",
    "not_sent": "it never left",
    "did_not_happen": "it did not happen",
}
TURNS = {
    RUN_FAILED: "{name} began to fail: the run before went well",
    RUN_RECOVERED: "{name} ran well again after it had failed",
}


def sentence(entry: ActivityEntry) -> str:
    """Who did what to which view, and where; what nobody knows is said so."""
    name = entry.object_name or "a view"
    if entry.kind == OVERDUE:
        again = "; it has run again since" if entry.note and not entry.verdict else ""
        return f"{name} stopped running on its schedule, and PostHog does not say why{again}"
    if entry.kind == WAKE_FAILED:
        over = "the pause has ended since" if entry.note and not entry.verdict else "somebody has to resume it"
        return f"The portal could not wake {name} on its date; {over}"
    if entry.kind == CERTIFICATION_LOST:
        again = "; somebody decided anew since" if entry.note and not entry.verdict else ""
        return f"The certification of {name} does not hold any more{again}"
    if entry.kind in TURNS:
        return TURNS[entry.kind].format(name=name)
    verb = VERBS.get(entry.kind, f"did “{entry.kind}” to")
    if entry.source == Source.PORTAL:
        return _ours(entry, name, verb)
    if entry.source == Source.SYSTEM:
        return f"PostHog itself {verb} {name}"
    if entry.source == Source.OUTSIDE and entry.author:
        return f"{entry.author} {verb} {name} outside the portal"
    return f"Somebody {verb} {name} outside the portal; PostHog does not say who"


NOUNS = {
    Kind.EDITED: "edits",
    Kind.RENAMED: "renames",
    Kind.CADENCE_CHANGED: "cadence changes",
    Kind.DESCRIBED: "new descriptions",
    Kind.FILED: "moves to folders",
    RUN_STARTED: "runs started",
    RUN_CANCELLED: "runs cancelled",
    RUN_FAILED: "failures",
    RUN_RECOVERED: "recoveries",
}


def many(entries: list[ActivityEntry]) -> str:
    """`7 edits of orders by li@x.example`; all of one kind, of one view, by one person."""
    first = entries[0]
    noun = NOUNS.get(first.kind, f"entries “{KINDS.get(first.kind, first.kind)}”")
    by = f" by {first.author}" if first.author else ""
    where = " here" if first.source == Source.PORTAL else " outside the portal" if by else ""
    return f"{len(entries)} {noun} of {first.object_name or 'a view'}{by}{where}"


def _ours(entry: ActivityEntry, name: str, verb: str) -> str:
    number = change_number(entry)
    who, through = entry.author or "The portal", f" through change #{number}" if number else ""
    if not entry.outcome:
        return f"{who} {verb} {name} here{through}"
    state = entry.mutation.state if entry.mutation else ""
    end = ENDS.get(state, "nobody knows yet whether it happened")
    return f"{who} tried to {INTENTS.get(entry.kind, entry.kind)} {name} here{through}, and {end}"


def how_known(entry: ActivityEntry) -> str:
    """What the entry rests on, in sentences; the links of the entry were read with it."""
    if entry.kind == OVERDUE:
        return "PostHog was read after the run was due and its grace was over, and knew of none."
    if entry.kind == WAKE_FAILED:
        return "Every try is in the audit trail of the view."
    if entry.kind == CERTIFICATION_LOST:
        return _certification(entry)
    if entry.kind in TURNS:
        return "Seen in the runs that PostHog lists; its activity log does not tell of them."
    parts = [part for part in (_sent(entry), _matched(entry), _seen(entry)) if part]
    if entry.known_only_here:
        parts.append("Known only here: PostHog keeps no log of this.")
    return " ".join(parts) or "Nothing is on record."


def _certification(entry: ActivityEntry) -> str:
    """Whose it was, and what it fell by."""
    before, why = entry.before or {}, (entry.after or {}).get("why", "")
    at = parse_datetime(str(before.get("certified_at", "")))
    return f"{before.get('certified_by', 'Somebody')} certified it{f' at {_at(at)}' if at else ''}. {why}".strip()


def _sent(entry: ActivityEntry) -> str:
    if entry.mutation is None:
        return ""
    sent_at = entry.mutation.sent_at
    return f"Sent from here at {_at(sent_at)}." if sent_at else f"Asked for here at {_at(entry.mutation.asked_at)}."


def _matched(entry: ActivityEntry) -> str:
    row = entry.remote_activity
    if row is None:
        return ""
    named = row.user_email or row.user_name
    told = f"Matched to PostHog's log entry of {_at(row.created_at)}"
    if entry.source == Source.PORTAL and named:
        return f"{told}, which names the owner of the key, {named}."
    return f"{told}." if named or row.is_system else f"{told}, which names nobody."


def _seen(entry: ActivityEntry) -> str:
    seen = entry.observation
    if seen is None:
        return ""
    nobody = "; nobody says who" if entry.source == Source.UNKNOWN else ""
    return f"Seen by the sync of {_at(seen.seen_at)}{nobody}."


def _at(moment: datetime) -> str:
    today = moment.date() == timezone.now().date()
    return f"{moment:%H:%M} UTC" if today else f"{moment:%Y-%m-%d %H:%M} UTC"


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


def texts(entry: ActivityEntry) -> tuple[str | None, str | None] | None:
    """The SQL before and after, for a diff; None when the entry is about something else."""
    before, after = (entry.before or {}).get("query"), (entry.after or {}).get("query")
    if not isinstance(before, str | None) or not isinstance(after, str | None):
        return None
    return (before, after) if before or after else None


def field_changes(entry: ActivityEntry) -> list[FieldChange]:
    """Every field that differs but the SQL, in order of name."""
    if entry.kind == CERTIFICATION_LOST:
        return []  # told in words
    return differing(entry.before or {}, entry.after or {})
