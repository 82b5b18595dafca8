"""When the view of a change is gone from PostHog: what is there instead, and the same proposal for that."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import policies, votes
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.propose import create
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.recreation import successor


@dataclass(frozen=True)
class Gone:
    """A view that PostHog no longer has, and the one that came in its place, if one did."""

    view: SavedQuery
    successor: SavedQuery | None

    @property
    def text(self) -> str:
        name = self.view.name
        if self.successor is None:
            return f"{name} was deleted in PostHog, and nothing has come in its place."
        renamed = "" if self.successor.name == name else f" It is called {self.successor.name} by now."
        return f"{name} was deleted in PostHog and made anew: the view of that name is another one now.{renamed}"


def gone(view: SavedQuery) -> Gone:
    """What is known of a view that is gone."""
    return Gone(view, successor(view))


def carry_over(change: ChangeRequest, user: User) -> ChangeRequest:
    """Propose the same for the view that came in place of the deleted one; the old change is closed. Gives the new."""
    change = ChangeRequest.objects.select_related("saved_query", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.carried_over")
    require_state(change, "carry_over")
    new = successor(change.saved_query) if change.saved_query else None
    if new is None:
        raise StateForbids(f"No other view is known to have come in the place of {change.object_name}.")
    made = create(
        author=user,
        saved_query=new,
        reason=change.reason,
        submit=change.state != State.DRAFT,
        action=change.action,
        nonce=f"carry_over:{change.pk}",
        suggesters=User.objects.filter(pk__in=votes.suggested_by(change, current_revision(change))),
        **current_revision(change).proposal,
    )
    with transaction.atomic():
        change = lock(change)
        if change.state == State.SUPERSEDED:
            return made  # a double click
        require_state(change, "carry_over")
        text = f"{change.object_name} was deleted and made anew in PostHog, so #{made.pk} goes on for the new view."
        move(change, State.SUPERSEDED, problem=text, remote=None, scheduled_for=None)
        note(change, user, "carried_over", text)
        note(made, user, "carries_over", f"It goes on with #{change.pk}, whose view was deleted in PostHog.")
        record(change, user, "carried_over", reason=text, after={"change": made.pk, "saved_query": str(new.posthog_id)})
    return made
