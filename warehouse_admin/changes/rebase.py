"""Settling a conflict: the proposal goes onto what PostHog holds by now, replaces it, or gives way to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import attribution, linting, live, policies, verdict
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.checks import check_proposal, clean_reason
from warehouse_admin.changes.dropped import Dropped, dropped
from warehouse_admin.changes.errors import BaseMoved, DropsLines, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.propose import ask_of
from warehouse_admin.changes.revisions import add_revision, told
from warehouse_admin.changes.texts import left_out_told
from warehouse_admin.changes.transitions import (
    State,
    current_revision,
    lock,
    move,
    note,
    record,
    require_state,
    supersede,
)
from warehouse_admin.core.errors import InvalidInput


def rebase(
    change: ChangeRequest,
    user: User,
    query: str | None = None,
    shown: str | None = None,
    *,
    agreed: str | None = None,
    reason: str = "",
) -> ChangeRequest:
    """Put the proposal, edited to fit, on top of what PostHog holds now. Closes the change if that is it already.

    `shown` is the digest of what it was fitted to: BaseMoved if PostHog holds something else by now. `agreed` is the
    digest of the lines of others that a person agreed to drop: DropsLines if it drops any other; None asks nobody.
    `reason` is needed where the change has none yet, as a rollback that began as a conflict.
    """
    if query is None and action_of(change.action).has_sql:
        raise InvalidInput("Send the text.", errors={"query": ["This field is required."]})
    return _onto_remote(change, user, query, shown, agreed, reason, replaces=False)


def replace_remote(
    change: ChangeRequest, user: User, shown: str | None = None, *, agreed: str | None = None, reason: str = ""
) -> ChangeRequest:
    """Propose the same text again in place of what PostHog holds now, saying whose work that overwrites."""
    return _onto_remote(change, user, None, shown, agreed, reason, replaces=True)


def drop_mine(change: ChangeRequest, user: User) -> ChangeRequest:
    """Close the change in favour of what others wrote; refused where PostHog, asked now, holds what it is based on."""
    about = change.about
    if change.state != State.NEEDS_REBASE and about is not None and about.deleted_at is None:
        live.read_live(about)
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.dropped")
        require_state(change, "drop")
        view, former = change.saved_query, current_revision(change).base
        if change.state != State.NEEDS_REBASE and not _has_moved(change, former):
            raise StateForbids("PostHog still holds what this is based on: withdraw it, then it can be opened again.")
        edits = attribution.edits_since(view, former, known_remote(change))
        text = f"Given up in favour of {attribution.told_edits(edits) or 'what PostHog holds'}."
        move(change, State.SUPERSEDED, problem=text, remote=None, scheduled_for=None)
        note(change, user, "dropped", text)
        record(change, user, "dropped", reason=text)
    return change


def _has_moved(change: ChangeRequest, former: dict[str, Any]) -> bool:
    """Whether the mirror holds something else by now of what the change is about, or no such view any more."""
    about = change.about
    if about is None or about.deleted_at is not None:
        return about is not None
    return action_of(change.action).seen(live.mirrored_subject(about).base) != action_of(change.action).seen(former)


def carried_over_already(change: ChangeRequest, seen: int) -> str:
    """Who put a change onto what PostHog holds since its revision `seen`, and as which one; empty where nobody did."""
    later = change.events.filter(kind__in=("rebased", "remote_replaced"), revision_number__gt=seen)
    event = later.select_related("actor").order_by("pk").last()
    if event is None:
        return ""
    who = event.actor.display_name if event.actor else "The portal"
    return f"{who} has put {change} on what PostHog holds now already: that is r{event.revision_number}."


def known_remote(change: ChangeRequest) -> str:
    """What PostHog holds as far as is known: where the look after the conflict failed, the mirror's text."""
    seen: str | None = (change.remote or {}).get("query")
    mirrored = change.saved_query.query if change.saved_query else None
    return seen if seen is not None else mirrored or ""


def left_out(change: ChangeRequest, former: dict[str, Any], remote: str, result: str) -> Dropped:
    """What a text leaves out of the edits of others since `former`, line by line with whose they are."""
    held = former.get("query") or ""
    found = dropped(held, remote, result)
    view = change.saved_query
    if not found or view is None:
        return found
    return attribution.whose(found, held, attribution.edits_since(view, former, remote))


def left_out_so_far(change: ChangeRequest, revision: Revision) -> Dropped:
    """What a revision leaves out of all that others did since the change was first written."""
    if revision.number == 1 or not action_of(change.action).has_sql:
        return Dropped()
    first = Revision.numbered(change, 1)
    if first is None or first.base.get("query") == revision.base.get("query"):
        return Dropped()
    return left_out(change, first.base, revision.base.get("query") or "", revision.proposal["query"])


def _onto_remote(
    change: ChangeRequest,
    user: User,
    query: str | None,
    shown: str | None,
    agreed: str | None,
    reason: str,
    *,
    replaces: bool,
) -> ChangeRequest:
    """`query` None: the proposal as it is."""
    change = ChangeRequest.objects.select_related("saved_query", "table", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.remote_replaced" if replaces else "change.rebased")
    require_state(change, "rebase")
    view, about = change.saved_query, change.about
    if about is None:
        raise StateForbids("What is not made yet has nothing to be rebased onto; edit the proposal instead.")
    action, proposal = action_of(change.action), current_revision(change).proposal
    if query is not None:
        values = {**proposal, "query": query}
        proposal, _ = check_proposal(action, change.connection, about, values, change.reason, reason_needed=False)
    if change.rolls_back_id is None:
        linting.refuse(action, change.connection, about, proposal, linting.writers(change, user))
    reason = change.reason or clean_reason(reason)
    subject = live.read_subject(about)
    if action.has_sql:
        attribution.find_out(view, current_revision(change).base, subject.base.get("query") or "")
    if shown is not None and shown != action.seen(subject.base):
        raise BaseMoved(subject.base)
    asked = ask_of(change, user, proposal)
    with transaction.atomic():
        change = lock(change)
        require_state(change, "rebase")
        if action.nothing_to_do(subject, proposal):
            supersede(change, user)
            return change
        latest = current_revision(change)
        if action.seen(subject.base) == action.seen(latest.base) and change.state != State.NEEDS_REBASE:
            done = carried_over_already(change, latest.number - 1)
            raise StateForbids(done or "PostHog still holds what this is based on; edit the proposal instead.")
        held = subject.base.get("query") or ""
        without = left_out(change, latest.base, held, proposal["query"]) if action.has_sql else Dropped()
        if without and agreed is not None and agreed != without.digest:
            raise DropsLines(without)
        overwritten = attribution.edits_since(view, latest.base, held) if replaces else []
        revision = add_revision(change, user, subject.base, proposal, asked=asked)
        change.reason, change.submitted_at = reason, change.submitted_at or timezone.now()
        change.save(update_fields=["reason", "submitted_at"])
        _tell(change, user, latest, revision, without, attribution.told_edits(overwritten) if replaces else None)
    return change


def _tell(
    change: ChangeRequest,
    user: User,
    former: Revision,
    revision: Revision,
    without: Dropped,
    overwritten: str | None,
) -> None:
    """Timeline and audit trail, with every line of others that is left out; `overwritten` None: a plain rebase."""
    did = "rebased" if overwritten is None else "remote_replaced"
    parts = [f"Overwrites {overwritten}."] if overwritten else []
    if without:
        parts.append(left_out_told(without.added, without.removed))
    approved = verdict.after_revision(change, user, former, revision, did, "\n".join(parts))
    kept = told(revision)
    kept["after"] |= {name: [asdict(line) for line in lines] for name, lines in _named(without) if lines}
    record(change, user, did, reason="\n".join([change.reason, *parts]).strip(), **kept)
    if approved:
        verdict.start(change, user)


def _named(without: Dropped) -> list[tuple[str, tuple]]:
    return [("drops", without.added), ("restores", without.removed)]
