"""Whose turn it is: the changes that wait for something a person can do."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import APPLY, REVIEW
from warehouse_admin.changes import policies
from warehouse_admin.changes.models import ChangeRequest, Credit, Revision, Vote
from warehouse_admin.core.counts import Counting
from warehouse_admin.mutations.models import CANDIDATES, Mutation

State = ChangeRequest.State

_AUTHORS_TURN = (State.CHANGES_REQUESTED, State.NEEDS_REBASE, State.FAILED)
_ANYBODYS_TURN = (*_AUTHORS_TURN, State.IN_REVIEW, State.APPROVED, State.UNCONFIRMED)
_SOMEBODY = -1
"""Stands for a person's key in SQL that is kept; no row has it."""


def my_turn(user: User) -> QuerySet[ChangeRequest]:
    """Changes that wait for something this person can do."""
    return _waiting_for(user.pk, may_review=allows(user, REVIEW), may_apply=allows(user, APPLY))


def counting(user: User) -> Counting:
    """How to count them, written once: to write the SQL takes longer than to run it."""
    kept = _counting(may_review=allows(user, REVIEW), may_apply=allows(user, APPLY))
    return Counting(kept.sql, [user.pk if value == _SOMEBODY else value for value in kept.parameters])


@lru_cache
def _counting(*, may_review: bool, may_apply: bool) -> Counting:
    """For people with these rights, written once; in its parameters the key of `_SOMEBODY`."""
    return Counting.of(_waiting_for(_SOMEBODY, may_review=may_review, may_apply=may_apply))


def _waiting_for(person: int, *, may_review: bool, may_apply: bool) -> QuerySet[ChangeRequest]:
    """What a person of this key, with these rights, can do something about."""
    written = policies.written_by(person)
    theirs = Q(state__in=_AUTHORS_TURN) & written
    if may_review:
        theirs |= Q(state=State.IN_REVIEW) & ~written & ~_settled_for(person)
    if may_apply:
        by_hand = Q(connection__apply_policy=Connection.ApplyPolicy.MANUAL) | Q(attempts__gt=0) | Q(by_hand=True)
        theirs |= Q(state=State.APPROVED) & by_hand | Q(state=State.FAILED) | _undecided()
    now = FilteredRelation("revisions", condition=Q(revisions__number=F("revision_number")))
    # Said once more, so that the index on the state leaves unread what is closed: most changes are.
    return ChangeRequest.objects.alias(now=now).filter(theirs, state__in=_ANYBODYS_TURN)


def _undecided() -> Q:
    """PostHog cannot tell what became of them, so a person is asked."""
    asking = Mutation.objects.filter(pk=OuterRef("mutation"), remote__has_key=CANDIDATES)
    return Q(state=State.UNCONFIRMED) & Q(Exists(asking))


def _settled_for(person: int) -> Q:
    """They approved, wrote or suggested what stands there now. Whoever asked for changes is asked to look again."""
    now = OuterRef("now__meaning_digest")
    approving = Vote.objects.filter(voter=person, voided_at=None, verdict=Vote.Verdict.APPROVE)
    approved = approving.filter(change=OuterRef("pk"), revision__meaning_digest=now)
    wrote = Revision.objects.filter(editor=person, change=OuterRef("pk"), meaning_digest=now)
    suggested = Credit.objects.filter(person=person, revision__change=OuterRef("pk"), revision__meaning_digest=now)
    return Q(Exists(approved)) | Q(Exists(wrote)) | Q(Exists(suggested))
