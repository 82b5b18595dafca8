"""What a person can do with a change as it stands: offered on the page, decided again by the services."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import APPLY, CLOSE, PROPOSE, REVIEW
from warehouse_admin.changes import expiry, keys, policies, votes
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.transitions import ALLOWED, State
from warehouse_admin.core import context
from warehouse_admin.mutations import services as mutations


@dataclass(frozen=True)
class Actions:
    """What this person can do with the change."""

    submit: bool
    revise: bool
    co_authors: bool
    vote: bool
    re_request: bool
    dismiss: frozenset[str]  # user names of those whose request for changes this person may lift
    reject: bool
    withdraw: bool
    reopen: bool
    apply: bool
    schedule: bool
    unschedule: bool
    rebase: bool
    carry_over: bool
    rollback: bool
    decide: bool
    why_no_vote: str


def actions(change: ChangeRequest, user: User, revision: Revision) -> Actions:
    state = State(change.state)

    def may(verb: str) -> bool:
        return state in ALLOWED[verb]

    is_author = user.pk == change.author_id and allows(user, PROPOSE)
    writes = policies.is_writer(user, change) and allows(user, PROPOSE)
    closes = policies.may_close(user)
    voting = policies.may_vote(user, change, revision)
    operates = allows(user, APPLY)
    sends = operates and not keys.why_spent(change)
    is_gone = change.about is not None and change.about.deleted_at is not None
    return Actions(
        submit=writes and may("submit") and not keys.why_spent(change),
        revise=writes and may("revise"),
        co_authors=is_author and may("co_authors"),
        vote=voting and may("approve"),
        re_request=writes and may("re_request"),
        dismiss=_dismissable(change, user, revision) if may("dismiss") else frozenset(),
        reject=may("reject") and (voting or (closes and not writes)),
        withdraw=may("withdraw") and (writes or closes),
        reopen=is_author and may("reopen") and expiry.may_still_reopen(change),
        apply=sends and may("apply"),
        schedule=sends and may("schedule"),
        unschedule=operates and may("unschedule"),
        rebase=writes and state == State.NEEDS_REBASE and not is_gone,
        carry_over=writes and may("carry_over") and is_gone and change.saved_query is not None,
        rollback=allows(user, PROPOSE) and may("rollback") and change.mutation is not None,
        decide=operates and may("decide") and bool(mutations.candidates(change.mutation)),
        why_no_vote=policies.why_no_vote(user, change, revision) if may("approve") else "",
    )


def _dismissable(change: ChangeRequest, user: User, revision: Revision) -> frozenset[str]:
    if context.current().token_name:
        return frozenset()
    tally = votes.tally(change, revision)
    settles = allows(user, CLOSE) and user.pk not in votes.hands(change, revision)
    own = allows(user, REVIEW)
    return frozenset(
        vote.voter.get_username() for vote in tally.objections if settles or (own and vote.voter_id == user.pk)
    )
