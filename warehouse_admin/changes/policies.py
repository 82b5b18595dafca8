"""Who may do what with a change request; evaluated now, never from memory."""

from __future__ import annotations

from django.db.models import Q

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows, require
from warehouse_admin.accounts.roles import APPLY, CLOSE, PROPOSE, REVIEW
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import votes
from warehouse_admin.changes.models import ChangeRequest, CoAuthor, Revision, Thread
from warehouse_admin.core import context
from warehouse_admin.core.errors import NotPermitted

SIGNED_IN_ONLY = "Votes need a signed-in person: an API token cannot vote."


def target_of(change: ChangeRequest) -> Target:
    return Target("change", str(change.pk), change.object_name)


def require_propose(user: User, *, action: str, target: Target) -> None:
    require(user, PROPOSE, action=action, target=target)


def is_writer(user: User, change: ChangeRequest) -> bool:
    """Whether this is its author or one of the co-authors."""
    return user.pk == change.author_id or any(person.pk == user.pk for person in votes.co_authors(change))


def written_by(user: User | int) -> Q:
    """The condition for changes of which this person, or the one of this key, is the author or a co-author."""
    return Q(author=user) | Q(pk__in=CoAuthor.objects.filter(person=user).values("change"))


def require_author(user: User, change: ChangeRequest, *, action: str) -> None:
    """Only the author and the co-authors edit and submit a change."""
    require(user, PROPOSE, action=action, target=target_of(change))
    if not is_writer(user, change):
        told = f"Only the author, {change.author.display_name}, and the co-authors may do this."
        raise NotPermitted(told, action=action, target=target_of(change))


def require_first_author(user: User, change: ChangeRequest, *, action: str) -> None:
    """What co-authors may not do either: name co-authors, and open a closed change again."""
    require(user, PROPOSE, action=action, target=target_of(change))
    if user.pk != change.author_id:
        told = f"Only the author, {change.author.display_name}, may do this."
        raise NotPermitted(told, action=action, target=target_of(change))


def why_no_vote(user: User, change: ChangeRequest, revision: Revision) -> str:
    """Why this person can never vote on this revision, in a sentence; empty when nothing forbids it but the state."""
    if context.current().token_name:
        return SIGNED_IN_ONLY
    if user.pk == change.author_id:
        return "This is your own change, so somebody else has to review it."
    if any(person.pk == user.pk for person in votes.co_authors(change)):
        return "You are a co-author of this change, so somebody else has to review it."
    if user.pk in votes.suggested_by(change, revision):
        return "What you suggested is part of this revision, so somebody else has to review it."
    if user.pk in votes.hands(change, revision):
        return "You wrote this revision, so somebody else has to review it."
    return ""


def require_vote(user: User, change: ChangeRequest, revision: Revision, *, action: str) -> None:
    """Four eyes: nobody who wrote what is voted on, whatever their role, and never a token."""
    if why := why_no_vote(user, change, revision):
        raise NotPermitted(why, action=action, target=target_of(change))
    require(user, REVIEW, action=action, target=target_of(change))


def may_settle(user: User, change: ChangeRequest, thread: Thread) -> bool:
    """Who resolves a thread and opens it again: whoever opened it, those who write the change, and reviewers."""
    return user.pk == thread.opened_by_id or is_writer(user, change) or allows(user, REVIEW)


def require_settle(user: User, change: ChangeRequest, thread: Thread, *, action: str) -> None:
    if not may_settle(user, change, thread):
        told = f"Only {thread.opened_by.display_name}, who opened it, the author and reviewers may do this."
        raise NotPermitted(told, action=action, target=target_of(change))


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


def require_close(user: User, change: ChangeRequest, revision: Revision, *, action: str, told: str = "") -> None:
    """Settling what somebody else decided needs the right to close changes, and no hand in this one."""
    require(user, CLOSE, action=action, target=target_of(change), told=told)
    if user.pk in votes.hands(change, revision):
        told = "You wrote this, so somebody else has to settle it."
        raise NotPermitted(told, action=action, target=target_of(change))


def is_approved(change: ChangeRequest, revision: Revision) -> bool:
    """Enough people who may approve it did, and nobody who counts asks for changes."""
    return votes.tally(change, revision).approved
