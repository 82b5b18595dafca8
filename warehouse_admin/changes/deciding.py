"""Whether an unconfirmed create happened, told by a person who looked, where PostHog cannot tell."""

from __future__ import annotations

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import apply as applying
from warehouse_admin.changes import policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.review import clean_comment
from warehouse_admin.changes.transitions import lock, note, record, require_state
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation

ACTION = "change.decided"


def decide(change: ChangeRequest, user: User, *, made: str | None, comment: str) -> ChangeRequest:
    """Settle it: `made` is the id of the view that is ours, None says that nothing was made. PostHog is asked once.

    Whatever PostHog told in the meantime counts instead, and this is refused.
    """
    change = ChangeRequest.objects.select_related("connection", "mutation", "author").get(pk=change.pk)
    policies.require_apply(user, change, action=ACTION)
    comment = clean_comment(change, comment, needed=True)
    if _is_repeated(change.mutation, user, made):
        return change
    mutation = _one_of(require_asked(change), made)
    snapshot = mutations.made_as(mutation, made) if made else None
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action=ACTION)
        decided = mutations.decide(mutation.pk, by=user, reason=comment, made=snapshot)
        if decided is None:
            mutation.refresh_from_db()
            if _is_repeated(mutation, user, made):
                return change
            raise StateForbids(f"#{change.pk} was settled otherwise meanwhile, so nothing was decided.")
        note(change, user, "made_by_hand" if made else "not_made_by_hand", comment)
        told = {"mutation": str(decided.pk), "made": made, "said": decided.remote["said"]}
        record(change, user, "decided", reason=comment, after=told)
    return applying.advance(change.pk)


def require_asked(change: ChangeRequest) -> Mutation:
    """Its mutation; raises StateForbids where no person is asked what became of it."""
    require_state(change, "decide")
    if change.mutation is None or not mutations.candidates(change.mutation):
        told = (
            f"What became of #{change.pk} is still being read from PostHog: only what that cannot tell is asked here."
        )
        raise StateForbids(told)
    return change.mutation


def _one_of(mutation: Mutation, made: str | None) -> Mutation:
    if made is not None and made not in [row["id"] for row in mutations.candidates(mutation)]:
        told = "That is none of the views that may be it. Choose one of those, or say that nothing was made."
        raise InvalidInput(told, errors={"made": [told]})
    return mutation


def _is_repeated(mutation: Mutation | None, user: User, made: str | None) -> bool:
    """A double click: this person said the same of it already."""
    if mutation is None or mutations.decided_by(mutation) != user.get_username():
        return False
    wanted = Mutation.State.HAPPENED if made else Mutation.State.DID_NOT_HAPPEN
    return mutation.state == wanted and mutation.object_id == (made or "")
