"""What the machine of a change allows, written down from the description of the workflow and not from the code."""

from __future__ import annotations

LEGAL: dict[str, set[str]] = {
    "": {"draft", "in_review"},
    "draft": {"in_review", "needs_rebase", "withdrawn", "expired", "superseded"},
    "in_review": {
        "changes_requested",
        "approved",
        "needs_rebase",
        "withdrawn",
        "rejected",
        "expired",
        "superseded",
    },
    "changes_requested": {"in_review", "approved", "withdrawn", "rejected", "expired", "superseded"},
    "approved": {"in_review", "scheduled", "applying", "withdrawn", "rejected", "expired", "superseded"},
    "scheduled": {"in_review", "approved", "applying", "withdrawn", "rejected", "expired", "superseded"},
    "applying": {"applied", "needs_rebase", "failed", "unconfirmed", "approved", "superseded"},
    "unconfirmed": {"applied", "approved", "needs_rebase", "failed", "superseded"},
    "needs_rebase": {"in_review", "withdrawn", "expired", "superseded"},
    "failed": {"applying", "in_review", "withdrawn", "expired", "superseded"},
    "rejected": {"draft"},
    "withdrawn": {"draft"},
    "expired": {"draft"},
    "applied": set(),
    "superseded": set(),
}
"""From each state ("": not there yet) where a change may go next; staying where it is needs no permission."""

OPEN = ("draft", "in_review", "changes_requested", "approved", "scheduled", "needs_rebase", "failed")
_REVIEWED = [("changes_requested", "in_review"), ("changes_requested", "approved"), ("in_review", "approved")]
_BACK = [(state, "in_review") for state in ("changes_requested", "approved", "scheduled", "failed", "needs_rebase")]
_CLOSED = [(state, "superseded") for state in OPEN]

TOLD: dict[str, list[tuple[str, str]]] = {
    "created": [("", "draft"), ("", "in_review")],
    "submitted": [("draft", "in_review"), ("", "in_review")],
    "approved": _REVIEWED,
    "changes_requested": [("in_review", "changes_requested")],
    "re_requested": [("changes_requested", "in_review")],
    "objection_dismissed": _REVIEWED,
    "revised": [*_BACK, ("in_review", "approved"), ("scheduled", "approved")],
    "rebased": [*_BACK, ("in_review", "approved"), ("scheduled", "approved")],
    "remote_replaced": [*_BACK, ("in_review", "approved"), ("scheduled", "approved")],
    "rejected": [(state, "rejected") for state in ("in_review", "changes_requested", "approved", "scheduled")],
    "withdrawn": [(state, "withdrawn") for state in OPEN],
    "expired": [(state, "expired") for state in OPEN],
    "reopened": [(state, "draft") for state in ("withdrawn", "rejected", "expired")],
    "dropped": _CLOSED,
    "carried_over": _CLOSED,
    "superseded": [*_CLOSED, ("applying", "superseded"), ("unconfirmed", "superseded")],
    "scheduled": [("approved", "scheduled")],
    "unscheduled": [("scheduled", "approved")],
    "schedule_missed": [("scheduled", "approved")],
    "approval_lost": _BACK,
    "dependents_appeared": _BACK,
    "apply_asked": [("approved", "applying"), ("scheduled", "applying"), ("failed", "applying")],
    # The same text in another layout: what is put onto it is approved still, and claimed anew in the same breath.
    "base_refreshed": [("applying", "approved"), ("unconfirmed", "approved")],
    "token_moved": [("applying", "approved"), ("unconfirmed", "approved")],
    "applied": [("applying", "applied"), ("unconfirmed", "applied")],
    "needs_rebase": [(state, "needs_rebase") for state in ("applying", "unconfirmed", "draft", "in_review")],
    "failed": [("applying", "failed"), ("unconfirmed", "failed")],
    "did_not_happen": [("applying", "approved"), ("unconfirmed", "approved")],
    "unconfirmed": [("applying", "unconfirmed")],
}
"""Which steps of a change an audit entry `change.<this>` of the same transaction tells of."""

FINAL = ("happened", "conflict", "refused", "not_sent", "did_not_happen")
NOTHING_LANDED = ("refused", "not_sent", "did_not_happen")
AT_REST = set(LEGAL) - {"", "applying", "unconfirmed"}
