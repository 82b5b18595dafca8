"""Who else writes a change: co-authors edit it as its author does, and therefore never vote on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import PROPOSE, ROLE_PERMISSIONS
from warehouse_admin.changes import guards, policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest, CoAuthor, Vote
from warehouse_admin.changes.transitions import State, current_revision, lock, note, record, require_state
from warehouse_admin.core.errors import InvalidInput

_DECIDED = (State.APPROVED, State.SCHEDULED)


def set_co_authors(
    change: ChangeRequest, user: User, *, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> ChangeRequest:
    """Let the author name co-authors by user name, or drop some. An approval of somebody who joins is given up."""
    with transaction.atomic():
        change = lock(change)
        policies.require_first_author(user, change, action="change.co_authors_changed")
        require_state(change, "co_authors")
        known = set(change.co_authors.values_list("username", flat=True))
        joining = [_writer(name, change) for name in sorted(set(add) - known)]
        leaving = sorted(set(remove) & known)
        if not joining and not leaving:
            return change
        for person in joining:
            _give_up_vote(change, person)
            CoAuthor.objects.create(change=change, person=person, added_by=user)
        CoAuthor.objects.filter(change=change, person__username__in=leaving).delete()
        added = [person.get_username() for person in joining]
        note(change, user, "co_authors_changed", _told(added, leaving))
        record(change, user, "co_authors_changed", before={"removed": leaving}, after={"added": added})
        if change.state in _DECIDED and not policies.is_approved(change, current_revision(change)):
            guards.back_to_review(change, "An approval no longer counts, because its reviewer became a co-author.")
    return change


def candidates(change: ChangeRequest) -> QuerySet[User]:
    """Whom its author may name: active people whose role lets them propose, without those who write it already."""
    writing = [role.label for role, given in ROLE_PERMISSIONS.items() if PROPOSE in given]
    able = User.objects.filter(is_active=True).filter(Q(groups__name__in=writing) | Q(is_superuser=True))
    taken = [change.author_id, *change.co_authors.values_list("pk", flat=True)]
    return able.exclude(pk__in=taken).distinct().order_by("username")


def _writer(name: str, change: ChangeRequest) -> User:
    person = User.objects.filter(username=name).first()
    if person is None:
        raise _refusal(f"There is nobody called “{name[:60]}”.")
    if person.pk == change.author_id:
        raise _refusal(f"{person} is the author already.")
    if not allows(person, PROPOSE):
        raise _refusal(f"{person} may not propose changes, so an administrator has to give them a role first.")
    return person


def _refusal(text: str) -> InvalidInput:
    return InvalidInput(text, errors={"add": [text]})


def _give_up_vote(change: ChangeRequest, person: User) -> None:
    standing = Vote.objects.filter(change=change, voter=person, voided_at=None)
    if standing.filter(verdict=Vote.Verdict.REQUEST_CHANGES).exists():
        # Otherwise naming whoever objects as a co-author would be a way around the objection.
        told = f"{person.display_name} asked for changes: that has to be settled before they can be a co-author."
        raise StateForbids(told, kind="fix", who=f"{person.display_name} or an administrator")
    standing.update(voided_at=timezone.now(), voided_because=f"{person.display_name} became a co-author"[:200])


def _told(added: list[str], removed: list[str]) -> str:
    said = [f"Co-author from now on: {', '.join(added)}."] if added else []
    return " ".join([*said, f"No longer a co-author: {', '.join(removed)}."] if removed else said)
