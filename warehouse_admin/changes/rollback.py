"""Undoing an applied change: a new change with what PostHog held right before it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import policies, propose
from warehouse_admin.changes.actions import Inverse, action_of
from warehouse_admin.changes.checks import clean_reason
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.revisions import add_revision
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state

MOVED = "PostHog has changed since #{number} was applied: bring both together before this is reviewed."


def inverse(change: ChangeRequest, revision: Revision | None = None) -> Inverse:
    """What would undo an applied change, and what it cannot bring back. `revision`: the current one, if it is read."""
    before = (change.mutation.before or {}) if change.mutation else {}
    proposal = (revision or current_revision(change)).proposal
    return action_of(change.action).inverse(before, proposal, change.connection.generation)


def rollback(change: ChangeRequest, user: User, reason: str = "") -> ChangeRequest:
    """Propose the inverse; in review at once when there is a reason, else a draft. One open one for each person.

    Where the SQL has changed since, it begins as a conflict: what others did meanwhile is not undone unseen.
    """
    related = (
        "saved_query",
        "saved_query__connection",
        "table",
        "table__connection",
        "mutation",
        "connection",
        "author",
    )
    change = ChangeRequest.objects.select_related(*related).get(pk=change.pk)
    policies.require_propose(user, action="change.rolled_back", target=policies.target_of(change))
    require_state(change, "rollback")
    wanted = inverse(change)
    if wanted.impossible:
        raise StateForbids(wanted.impossible)
    if known := ChangeRequest.objects.filter(author=user, nonce=_nonce(change, user)).first():
        return _again(known, user, reason.strip())
    undone = propose.create(
        author=user,
        action=wanted.action,
        connection=change.connection,
        saved_query=None if action_of(wanted.action).makes else change.saved_query,
        table=None if action_of(wanted.action).makes else change.table,
        reason=reason,
        submit=bool(reason.strip()),
        rolls_back=change,
        nonce=_nonce(change, user),
        **wanted.values,
    )
    return _linked(change, undone, user, reason)


def _again(known: ChangeRequest, user: User, reason: str) -> ChangeRequest:
    """Asked for once more: a reason that the draft lacked takes it to review; another one than it has is not lost."""
    if not reason or reason == known.reason:
        return known  # a double click
    if known.reason:
        raise StateForbids(f"{known} undoes this already, for another reason: edit or comment there.")
    if known.state != State.DRAFT:
        raise StateForbids(f"{known} undoes this already: say why where it is brought together with what moved.")
    with transaction.atomic():
        known = lock(known)
        known.reason = clean_reason(reason)
        known.save(update_fields=["reason"])
    return propose.submit(known, user)


def _linked(change: ChangeRequest, undone: ChangeRequest, user: User, reason: str) -> ChangeRequest:
    said = f"#{undone.pk} proposes what was there before."
    with transaction.atomic():
        change = lock(change)
        if change.events.filter(kind="rolled_back", text=said).exists():
            return undone  # a double click
        note(change, user, "rolled_back", said)
        record(change, user, "rolled_back", reason=reason, after={"change": undone.pk})
        undone = lock(undone)
        if _moved_since(change, undone):
            _open_conflict(change, undone, user)
    return undone


def _open_conflict(change: ChangeRequest, undone: ChangeRequest, user: User) -> None:
    """Base is what our change made of it, so that the conflict page shows what others did to that."""
    now = current_revision(undone)
    ours = (change.mutation.after or {}) if change.mutation else {}
    add_revision(undone, user, ours, now.proposal)
    text = MOVED.format(number=change.pk)
    move(undone, State.NEEDS_REBASE, problem=text, remote=now.base, submitted_at=undone.submitted_at or timezone.now())
    note(undone, None, "remote_moved", text)
    record(undone, None, "needs_rebase", result="failed", reason=text)


def _nonce(change: ChangeRequest, user: User) -> str:
    """The same for as long as this person's last rollback of it is open, so that a double click makes one change."""
    ended = change.rollbacks.filter(author=user, state__in=ChangeRequest.CLOSED).count()
    return f"rollback:{change.pk}:{ended}"


def _moved_since(change: ChangeRequest, undone: ChangeRequest) -> bool:
    """Only SQL can be brought together; another value that moved is shown as the base of the rollback."""
    if not (action_of(change.action).has_sql and action_of(undone.action).has_sql) or undone.saved_query is None:
        return False
    after = (change.mutation.after or {}) if change.mutation else {}
    return current_revision(undone).base.get("query") != after.get("query")
