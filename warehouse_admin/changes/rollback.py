"""Undoing an applied change: a new change with the text that PostHog held right before it."""

from __future__ import annotations

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.propose import create
from warehouse_admin.changes.transitions import lock, note, record, require_state


def rollback(change: ChangeRequest, user: User, reason: str = "") -> ChangeRequest:
    """Propose the former text; in review at once when there is a reason, else a draft. One open one for each person."""
    change = ChangeRequest.objects.select_related("saved_query", "mutation", "connection", "author").get(pk=change.pk)
    policies.require_propose(user, action="change.rolled_back", target=policies.target_of(change))
    require_state(change, "rollback")
    before = (change.mutation.before or {}) if change.mutation else {}
    former = before.get("query")
    if former is None:
        raise StateForbids(f"What PostHog held before #{change.pk} was not recorded, so it cannot be restored.")
    undone = create(
        author=user,
        saved_query=change.saved_query,
        query=former,
        reason=reason,
        submit=bool(reason.strip()),
        rolls_back=change,
        nonce=_nonce(change, user),
    )
    said = f"#{undone.pk} proposes the text from before."
    with transaction.atomic():
        change = lock(change)
        if change.events.filter(kind="rolled_back", text=said).exists():
            return undone  # a double click
        note(change, user, "rolled_back", said)
        if _moved_since(change, undone):
            note(
                undone, None, "remote_moved", f"PostHog has changed since #{change.pk} was applied; that is undone too."
            )
        record(change, user, "rolled_back", reason=reason, after={"change": undone.pk})
    return undone


def _nonce(change: ChangeRequest, user: User) -> str:
    """The same for as long as this person's last rollback of it is open, so that a double click makes one change."""
    ended = change.rollbacks.filter(author=user, state__in=ChangeRequest.CLOSED).count()
    return f"rollback:{change.pk}:{ended}"


def _moved_since(change: ChangeRequest, undone: ChangeRequest) -> bool:
    after = (change.mutation.after or {}) if change.mutation else {}
    return undone.revisions.get(number=1).base.get("query") != after.get("query")
