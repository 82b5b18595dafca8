"""A change request that puts back what was there before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.dealing import Deed, deal, overtaken, require
from warehouse_admin.activity.errors import MovedOn, NotPossible
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
from warehouse_admin.activity.models import ActivityEntry, Step
from warehouse_admin.activity.presenters import sentence
from warehouse_admin.activity.review import Verdict, deciding
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import Observation
from warehouse_admin.mutations.kinds.cadences import CADENCES, NEVER, logged_as

REVERTED = "activity.revert"
Kind = Observation.Kind
_RUNS = {RUN_STARTED, RUN_CANCELLED, RUN_FAILED, RUN_RECOVERED}
_OF_TABLES = {TABLE_CREATED, TABLE_CHANGED, TABLE_DELETED, COLUMNS_READ, COLUMNS_RETYPED}
_NOT_CHANGES = {
    Kind.SUSPENDED: "A suspension is no change: resume the schedule on the page of schedules.",
    OVERDUE: "A missed run is no change: start a run, or look at the schedule.",
    WAKE_FAILED: "A wake-up that failed is no change: resume the schedule on the page of schedules.",
    CERTIFICATION_LOST: "Nothing was changed: certify it anew on its page, or revert the change that it fell by.",
    RESUMED: "A resumed schedule is stopped by pausing it, on the page of schedules.",
}


@dataclass(frozen=True)
class Revert:
    """What would have to be proposed; `why_not` says in a sentence why nothing can be."""

    action: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    why_not: str = ""


def plan(entry: ActivityEntry) -> Revert:
    """The text, name or cadence before, as a proposal."""
    if entry.kind in _RUNS:
        return Revert(why_not="A run cannot be undone.")
    if entry.kind in _NOT_CHANGES:
        return Revert(why_not=_NOT_CHANGES[entry.kind])
    if entry.outcome:
        return Revert(why_not="It is not certain that this happened, so there is nothing to put back.")
    if entry.kind in _OF_TABLES:
        return Revert(why_not="What was done to a table is rolled back on the page of its change.")
    view = entry.saved_query
    if view is None:
        return Revert(why_not="The view is not in the mirror.")
    if view.is_managed:
        return Revert(why_not="PostHog manages this view; it cannot be changed.")
    if view.deleted_at is not None and entry.kind != Kind.DELETED:
        return Revert(why_not="The view was deleted since.")
    return _of_kind(entry)


def _of_kind(entry: ActivityEntry) -> Revert:
    before = entry.before or {}
    if entry.kind == Kind.EDITED:
        text = before.get("query")
        return Revert("edit_query", {"query": text}) if isinstance(text, str) and text else _lost("SQL")
    if entry.kind == Kind.RENAMED:
        name = before.get("name")
        return Revert("rename", {"name": name}) if isinstance(name, str) and name else _lost("name")
    if entry.kind == Kind.DESCRIBED:
        text = before.get("description")
        return Revert("set_description", {"description": text}) if isinstance(text, str) else _lost("description")
    if entry.kind == Kind.FILED:
        return Revert("move_to_folder", {"folder_id": before.get("folder_id") or ""})
    if entry.kind == Kind.CADENCE_CHANGED:
        cadence = _cadence(before)
        return Revert("set_cadence", {"sync_frequency": cadence}) if cadence else _lost("cadence")
    if entry.kind == Kind.MATERIALIZED:
        return Revert("unmaterialize")
    if entry.kind == Kind.UNMATERIALIZED:
        return Revert("materialize", {"sync_frequency": _cadence(before) or None})
    if entry.kind == Kind.CREATED:
        return Revert("delete")
    if entry.kind == Kind.DELETED:
        return Revert("create_view", {"name": entry.object_name, "query": before.get("query")})
    return Revert(why_not=f"Nobody knows how to undo “{entry.kind}”.")


def _lost(what: str) -> Revert:
    return Revert(why_not=f"Nobody has seen the {what} before this, so it cannot be put back.")


def _from_tombstone(entry: ActivityEntry) -> Revert:
    """The log of a deletion does not say what was deleted; the mirror keeps the last SQL. Read only when it is due."""
    text = entry.saved_query.query if entry.saved_query else None
    return Revert("create_view", {"name": entry.object_name, "query": text}) if text else _lost("SQL")


def _cadence(before: dict[str, Any]) -> str:
    """As PostHog takes it, from what a sync saw or from what the log says."""
    if "sync_frequency" in before:
        return str(before["sync_frequency"] or NEVER)
    if "sync_frequency_interval" in before:
        interval = before["sync_frequency_interval"]
        return next((cadence for cadence in CADENCES if interval in logged_as(cadence)), "")
    return ""


def open_revert(
    *, user: User, entry: ActivityEntry, note: str = "", seen_at: datetime | None = None
) -> tuple[ActivityEntry, int]:
    """Draft the change that puts back what was before, and let the entry wait for it; its number comes along.

    PostHog is read before anything is kept. A double click finds the same draft.
    """
    require(user, REVERTED, entry)
    deed = Deed(user, REVERTED, note, seen_at)
    if told := overtaken(deed, entry):
        raise MovedOn(told)  # before there is a draft
    wanted = plan(entry)
    if wanted.action == "create_view" and not wanted.values["query"]:
        wanted = _from_tombstone(entry)
    if wanted.why_not:
        raise NotPossible(wanted.why_not)
    undone = entry.steps.filter(action="revert", undone_at__isnull=False).count()
    number = hooks.change_drafts[0](
        author=user,
        action=wanted.action,
        saved_query=None if wanted.action == "create_view" else entry.saved_query,
        connection=entry.connection,
        reason=note.strip() or f"Puts back what was there before: {sentence(entry)}.",
        nonce=f"revert:{entry.pk}:{undone}",
        values=wanted.values,
    )
    decide = deciding(user, Verdict.REVERT, note.strip(), revert_number=number)
    deal(deed, [entry.pk], decide)
    return ActivityEntry.objects.get(pk=entry.pk), number


def take_back(step: Step, user: User) -> None:
    """Withdraw the draft of a revert that is undone; refused once it has gone on."""
    number = step.after.get("revert_number")
    if step.action == "revert" and number:
        hooks.dropped_drafts[0](author=user, number=number)
