"""Who may do what with a change request, and which votes count; evaluated now, never from memory."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows, require
from warehouse_admin.accounts.roles import APPLY, CLOSE, PROPOSE, REVIEW
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.core import context
from warehouse_admin.core.errors import NotPermitted

APPROVALS_NEEDED = 1
SIGNED_IN_ONLY = "Votes need a signed-in person: an API token cannot vote."


def target_of(change: ChangeRequest) -> Target:
    return Target("change", str(change.pk), change.object_name)


def require_propose(user: User, *, action: str, target: Target) -> None:
    require(user, PROPOSE, action=action, target=target)


def require_author(user: User, change: ChangeRequest, *, action: str) -> None:
    """Only the author edits and submits a change."""
    require(user, PROPOSE, action=action, target=target_of(change))
    if user.pk != change.author_id:
        raise NotPermitted(f"Only the author, {change.author}, may do this.", action=action, target=target_of(change))


def why_no_vote(user: User, change: ChangeRequest, revision: Revision) -> str:
    """Why this person can never vote on this revision, in a sentence; empty when nothing forbids it but the state."""
    if context.current().token_name:
        return SIGNED_IN_ONLY
    if user.pk == change.author_id:
        return "Nobody votes on their own change; somebody else has to review it."
    if user.pk == revision.editor_id:
        return "You wrote this revision, so somebody else has to review it."
    return ""


def require_vote(user: User, change: ChangeRequest, revision: Revision, *, action: str) -> None:
    """Four eyes: neither the author nor the editor of what is voted on, whatever their role, and never a token."""
    if why := why_no_vote(user, change, revision):
        raise NotPermitted(why, action=action, target=target_of(change))
    require(user, REVIEW, action=action, target=target_of(change))


def refuse_token(change: ChangeRequest, *, action: str) -> None:
    """A decision on a change needs a signed-in person, whatever the person's roles."""
    if context.current().token_name:
        raise NotPermitted(SIGNED_IN_ONLY, action=action, target=target_of(change))


def require_apply(user: User, change: ChangeRequest, *, action: str) -> None:
    require(user, APPLY, action=action, target=target_of(change))


def may_apply(user: User) -> bool:
    return allows(user, APPLY)


def may_close(user: User) -> bool:
    return allows(user, CLOSE)


def may_vote(user: User, change: ChangeRequest, revision: Revision) -> bool:
    return allows(user, REVIEW) and not why_no_vote(user, change, revision)


def is_eligible(vote: Vote, change: ChangeRequest, revision: Revision) -> bool:
    """Whether a vote counts now: its voter is still an active reviewer and had no hand in the revision."""
    if vote.voided_at or vote.voter_id in (change.author_id, revision.editor_id):
        return False
    return vote.voter.is_active and allows(vote.voter, REVIEW)


def standing_votes(change: ChangeRequest) -> list[Vote]:
    """Votes not voided, with their voters and the voters' roles."""
    known: list[Vote] | None = change.prefetched("votes")
    if known is not None:
        return [vote for vote in known if vote.voided_at is None]
    votes = Vote.objects.filter(change=change, voided_at=None).select_related("voter", "revision")
    return list(votes.prefetch_related("voter__groups"))


def counted(votes: Iterable[Vote], change: ChangeRequest, revision: Revision, verdict: str) -> list[Vote]:
    """The votes with this verdict that count now."""
    return [vote for vote in votes if vote.verdict == verdict and is_eligible(vote, change, revision)]


def is_approved(change: ChangeRequest, revision: Revision) -> bool:
    """Enough people who may approve it did, and nobody who counts asks for changes."""
    votes = standing_votes(change)
    approvals = counted(votes, change, revision, Vote.Verdict.APPROVE)
    objections = counted(votes, change, revision, Vote.Verdict.REQUEST_CHANGES)
    return len(approvals) >= APPROVALS_NEEDED and not objections
