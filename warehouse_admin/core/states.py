"""How each stored state looks: one table of icon, word and tone for every kind of state in the portal."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Look(NamedTuple):
    """Icon name, word and tone (`ok info busy warn bad muted neutral accent`) of one state."""

    icon: str
    word: str
    tone: str


UNKNOWN = Look("help", "Unknown", "neutral")

_PROGRESS = {
    "queued": Look("clock", "Queued", "muted"),
    "running": Look("loader", "Running", "busy"),
    "succeeded": Look("check", "Succeeded", "ok"),
    "failed": Look("x-circle", "Failed", "bad"),
    "stopped": Look("stop", "Stopped", "muted"),
    "needs_attention": Look("alert", "Needs attention", "warn"),
}

_RESULT = {
    "asked": Look("clock", "Asked", "muted"),
    "ok": Look("check", "OK", "ok"),
    "failed": Look("x-circle", "Failed", "bad"),
    "denied": Look("ban", "Denied", "warn"),
    "unknown": UNKNOWN,
}

LOOKS: dict[str, dict[str, Look]] = {
    "change": {
        "draft": Look("pencil", "Draft", "muted"),
        "in_review": Look("eye", "In review", "info"),
        "changes_requested": Look("message", "Changes requested", "warn"),
        "approved": Look("check", "Approved", "ok"),
        "scheduled": Look("calendar", "Scheduled", "info"),
        "applying": Look("loader", "Applying", "busy"),
        "applied": Look("check-circle", "Applied", "ok"),
        "failed": Look("x-circle", "Failed", "bad"),
        "needs_rebase": Look("branch", "Needs rebase", "warn"),
        "unconfirmed": Look("help", "Unconfirmed", "warn"),
        "partial": Look("half", "Partly applied", "warn"),
        "rejected": Look("ban", "Rejected", "bad"),
        "withdrawn": Look("undo", "Withdrawn", "muted"),
        "superseded": Look("layers", "Superseded", "muted"),
        "expired": Look("clock", "Expired", "muted"),
    },
    "schedule": {
        "on_time": Look("check", "On time", "ok"),
        "running": Look("loader", "Running", "busy"),
        "late": Look("clock", "Late", "info"),
        "overdue": Look("clock", "Overdue", "warn"),
        "failing": Look("alert", "Failing", "warn"),
        "suspended": Look("x-circle", "Suspended", "bad"),
        "paused": Look("pause", "Paused", "muted"),
        "never_ran": Look("circle", "Never ran", "muted"),
        "not_scheduled": Look("minus", "Not scheduled", "muted"),
        "managed": Look("lock", "Managed", "neutral"),
        "unknown": UNKNOWN,
    },
    "sync": _PROGRESS,
    "resume": _PROGRESS,
    "audit": _RESULT,
    "mutation": _RESULT
    | {
        "pending": Look("clock", "Pending", "muted"),
        "sent": Look("send", "Sent", "busy"),
        "sending": Look("send", "Sending", "busy"),
        "happened": Look("check", "Happened", "ok"),
        "succeeded": Look("check", "Succeeded", "ok"),
        "confirmed": Look("check", "Confirmed", "ok"),
        "conflict": Look("branch", "Conflict", "warn"),
        "refused": Look("ban", "Refused", "bad"),
        "not_sent": Look("minus", "Not sent", "muted"),
        "did_not_happen": Look("minus", "Did not happen", "muted"),
        "unconfirmed": Look("help", "Unconfirmed", "warn"),
        "cannot_tell": Look("help", "Cannot tell", "warn"),
    },
    "run": {
        "completed": Look("check", "Completed", "ok"),
        "failed": Look("x-circle", "Failed", "bad"),
        "running": Look("loader", "Running", "busy"),
        "cancelled": Look("ban", "Cancelled", "muted"),
        "skipped": Look("skip", "Skipped", "muted"),
        "modified": Look("pencil", "Modified", "info"),
    },
    "outcome": {
        "queued": Look("clock", "Queued", "muted"),
        "sent": Look("send", "Sent", "busy"),
        "accepted": Look("check", "Accepted", "info"),
        "resumed": Look("check-circle", "Resumed", "ok"),
        "not_paused": Look("minus", "Was not paused", "muted"),
        "ignored": Look("skip", "Ignored", "warn"),
        "failed_again": Look("alert", "Failed again", "bad"),
        "failed": Look("x-circle", "Failed", "bad"),
        "unknown": UNKNOWN,
        "paused": Look("pause", "Paused", "ok"),
        "ran": Look("check-circle", "Ran", "ok"),
        "proposed": Look("changes", "Proposed", "ok"),
        "not_needed": Look("minus", "Not needed", "muted"),
    },
    "follow_up": {
        "ran_ok": Look("check-circle", "Ran well", "ok"),
        "failed_again": Look("alert", "Failed again", "bad"),
        "no_run_yet": Look("clock", "No run yet", "warn"),
    },
    "verdict": {
        "unreviewed": Look("inbox", "Unreviewed", "info"),
        "accepted": Look("check", "Accepted", "ok"),
        "flagged": Look("flag", "Flagged", "warn"),
        "adopted": Look("badge", "Adopted", "ok"),
        "revert": Look("undo", "Revert requested", "info"),
        "snoozed": Look("clock", "Snoozed", "muted"),
        "asked": Look("message", "Asked", "info"),
        "history": Look("history", "Before first sync", "muted"),
    },
    "source": {
        "portal": Look("shield", "Portal", "ok"),
        "outside": Look("external", "Outside", "warn"),
        "system": Look("cpu", "System", "muted"),
        "unknown": UNKNOWN,
    },
    "view_kind": {
        "view": Look("eye", "View", "neutral"),
        "materialized": Look("database", "Materialized", "accent"),
        "managed": Look("lock", "Managed", "neutral"),
        "table": Look("table", "Table", "neutral"),
        "builtin": Look("box", "Built-in", "muted"),
        "deleted": Look("trash", "Deleted", "bad"),
    },
    "grade": {
        "breaking": Look("ban", "Breaks", "bad"),
        "cannot_tell": Look("help", "Cannot tell", "warn"),
        "risky": Look("alert", "Risky", "warn"),
        "safe": Look("check", "Safe", "ok"),
    },
    "column": {
        "added": Look("plus", "Added", "ok"),
        "removed": Look("minus", "Removed", "bad"),
        "renamed": Look("pencil", "Renamed", "bad"),
        "retyped": Look("alert", "Other type", "warn"),
        "unsure": Look("help", "Type may differ", "warn"),
        "moved": Look("sort", "Other order", "warn"),
    },
    "vote": {
        "approve": Look("check", "Approved", "ok"),
        "approved": Look("check", "Approved", "ok"),
        "request_changes": Look("message", "Changes requested", "warn"),
        "changes_requested": Look("message", "Changes requested", "warn"),
        "reject": Look("ban", "Rejected", "bad"),
        "rejected": Look("ban", "Rejected", "bad"),
        "void": Look("undo", "No longer counts", "muted"),
    },
    "lint": {
        "error": Look("x-circle", "Error", "bad"),
        "warning": Look("alert", "Warning", "warn"),
        "note": Look("info", "Note", "info"),
        "off": Look("minus", "Off", "muted"),
        "exempt": Look("shield", "Exempt", "muted"),
        "passed": Look("check", "Passed", "ok"),
    },
    "exemption": {
        "standing": Look("shield", "Counts", "info"),
        "ended": Look("clock", "Ended", "muted"),
        "revoked": Look("undo", "Taken back", "muted"),
    },
    "trust": {
        "certified": Look("badge", "Certified", "ok"),
        "deprecated": Look("alert", "Deprecated", "warn"),
        "suspended": Look("ban", "Certification suspended", "bad"),
    },
}

_ALIASES = {
    "change_state": "change",
    "schedule_state": "schedule",
    "sync_state": "sync",
    "audit_result": "audit",
    "mutation_state": "mutation",
    "run_status": "run",
}


def look_of(kind: str, value: object) -> Look:
    """The look of a state; a value nobody has named shows as itself and neutral, never as healthy."""
    return _look(kind, "" if value is None else str(value).strip())


@lru_cache(maxsize=1_000)  # a list shows hundreds of a few dozen states
def _look(kind: str, text: str) -> Look:
    if not text:
        return UNKNOWN
    known = LOOKS.get(_ALIASES.get(kind, kind), {})
    return known.get(text.lower().replace(" ", "_").replace("-", "_")) or Look("help", text[:40], "neutral")
