"""Deciding about a proposal: approve, request changes, reject, withdraw."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import require
from warehouse_admin.accounts.roles import CLOSE, REVIEW, Role
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.changes import keys, policies, texts, verdict
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.changes.votes import tally
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.unseen import is_blank

LONGEST_COMMENT = 5_000
_PAST_APPROVAL = (State.APPROVED, State.SCHEDULED, State.APPLYING, State.UNCONFIRMED, State.APPLIED)


def approve(
    change: ChangeRequest, user: User, comment: str = "", *, revision: int | None = None, digest: str | None = None
) -> ChangeRequest:
    """Vote for what was shown (`revision`, `digest`); the last needed vote approves it, and may set off the apply."""
    comment = clean_comment(change, comment, needed=False)
    with transaction.atomic():
        change = lock(change)
        latest = current_revision(change)
        policies.require_vote(user, change, latest, action="change.approved")
        if change.state in _PAST_APPROVAL and _has_approved(change, latest, user):
            return change  # a double click
        require_state(change, "approve")
        _refuse_unseen(latest, revision, digest)
        _vote(change, latest, user, Vote.Verdict.APPROVE, comment)
        note(change, user, "approved", comment)
        approved = verdict.settle(change, latest)
        record(change, user, "approved", reason=comment, after={"revision": latest.number, "digest": latest.digest})
        if approved:
            verdict.start(change, user)
    return change


def request_changes(
    change: ChangeRequest, user: User, comment: str, *, revision: int | None = None, digest: str | None = None
) -> ChangeRequest:
    """Send it back to its author. This outlives every later edit, until it is taken back or dismissed."""
    with transaction.atomic():
        change = lock(change)
        latest = current_revision(change)
        policies.require_vote(user, change, latest, action="change.changes_requested")
        comment = clean_comment(change, comment, needed=True)
        require_state(change, "request_changes")
        _refuse_unseen(latest, revision, digest)
        _vote(change, latest, user, Vote.Verdict.REQUEST_CHANGES, comment)
        move(change, State.CHANGES_REQUESTED)
        note(change, user, "changes_requested", comment)
        told = {"revision": latest.number, "digest": latest.digest}
        record(change, user, "changes_requested", reason=comment, after=told)
    return change


def re_request(change: ChangeRequest, user: User, comment: str = "") -> ChangeRequest:
    """Ask the reviewers to look again without an edit; what they asked for still stands in the way."""
    comment = clean_comment(change, comment, needed=False)
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.re_requested")
        require_state(change, "re_request")
        move(change, State.IN_REVIEW)
        note(change, user, "re_requested", comment)
        record(change, user, "re_requested", reason=comment, after={"revision": change.revision_number})
    return change


def dismiss(change: ChangeRequest, user: User, voter: User, comment: str = "") -> ChangeRequest:
    """Lift a request for changes: one's own, or with a comment whoever may close anybody's change and did not write it.

    Where that was all that stood in the way, the change is approved.
    """
    with transaction.atomic():
        change = lock(change)
        latest = current_revision(change)
        policies.refuse_token(change, action="change.objection_dismissed")
        if user.pk == voter.pk:
            require(user, REVIEW, action="change.objection_dismissed", target=policies.target_of(change))
        else:
            told = "Only whoever asked for changes takes that back, or an administrator with a reason."
            policies.require_close(user, change, latest, action="change.objection_dismissed", told=told)
        comment = clean_comment(change, comment, needed=user.pk != voter.pk)
        require_state(change, "dismiss")
        _lift_objection(change, user, voter)
        note(change, user, "objection_dismissed", f"{voter.display_name} had asked for changes. {comment}".strip())
        approved = verdict.settle(change, latest)
        record(change, user, "objection_dismissed", reason=comment, after={"voter": voter.get_username()})
        if approved:
            verdict.start(change, user)
    return change


def reject(change: ChangeRequest, user: User, comment: str) -> ChangeRequest:
    """Close it: a reviewer who may vote on it, or whoever may close anybody's change; never an API token."""
    with transaction.atomic():
        change = lock(change)
        policies.refuse_token(change, action="change.rejected")
        latest = current_revision(change)
        if policies.may_close(user) and not policies.is_writer(user, change):
            policies.require_close(user, change, latest, action="change.rejected")
        else:
            policies.require_vote(user, change, latest, action="change.rejected")
        comment = clean_comment(change, comment, needed=True)
        require_state(change, "reject")
        move(change, State.REJECTED, problem=comment, scheduled_for=None, by_hand=False)
        note(change, user, "rejected", comment)
        record(change, user, "rejected", reason=comment)
    return change


def withdraw(change: ChangeRequest, user: User, comment: str = "") -> ChangeRequest:
    """Take it back: its author, a co-author, or with a comment whoever may close anybody's change."""
    comment = clean_comment(change, comment, needed=False)
    with transaction.atomic():
        change = lock(change)
        if policies.is_writer(user, change):
            policies.require_author(user, change, action="change.withdrawn")
        else:
            told = "Only its author, a co-author or an administrator takes a change back."
            require(user, CLOSE, action="change.withdrawn", target=policies.target_of(change), told=told)
            clean_comment(change, comment, needed=True)
        require_state(change, "withdraw")
        move(change, State.WITHDRAWN, problem=comment, scheduled_for=None, by_hand=False)
        note(change, user, "withdrawn", comment)
        record(change, user, "withdrawn", reason=comment)
    return change


def _vote(change: ChangeRequest, revision: Revision, user: User, said: Vote.Verdict, comment: str) -> Vote:
    """One standing vote for each person: an earlier one stays in the history, voided."""
    now, why_not = timezone.now(), tally(change, revision).why_not
    for earlier in Vote.objects.filter(change=change, voter=user, voided_at=None):
        why = "; ".join(filter(None, (why_not.get(earlier.pk), "voted again")))  # the edit that had cost it is kept
        Vote.objects.filter(pk=earlier.pk).update(voided_at=now, voided_because=why[:200])
    return Vote.objects.create(
        change=change,
        revision=revision,
        voter=user,
        verdict=said,
        role=Role.REVIEWER,
        digest=revision.digest,
        comment=comment,
        at=now,
    )


def _lift_objection(change: ChangeRequest, user: User, voter: User) -> None:
    asked = Vote.Verdict.REQUEST_CHANGES
    standing = Vote.objects.filter(change=change, voter=voter, verdict=asked, voided_at=None)
    because = "taken back" if user.pk == voter.pk else f"dismissed by {user}"
    if not standing.update(voided_at=timezone.now(), voided_because=because[:200]):
        raise StateForbids(f"{voter.display_name} does not ask for changes to #{change.pk}.")


def _has_approved(change: ChangeRequest, revision: Revision, user: User) -> bool:
    standing = Vote.objects.filter(change=change, voter=user, voided_at=None, digest=revision.digest)
    return standing.filter(verdict=Vote.Verdict.APPROVE).exists()


def _refuse_unseen(latest: Revision, revision: int | None, digest: str | None) -> None:
    if revision == latest.number and digest is not None and digest != latest.digest:
        raise StaleRevision(
            f"What this form was made for is not what r{latest.number} is or breaks by now. "
            "Nothing was decided: read it once more first."
        )
    if (revision is not None and revision != latest.number) or (digest is not None and digest != latest.digest):
        raise StaleRevision(
            f"{latest.editor.display_name} saved r{latest.number} meanwhile. "
            "Nothing was decided: read the newest revision first."
        )


def clean_comment(change: ChangeRequest, comment: str, *, needed: bool) -> str:
    """What is kept of a comment; InvalidInput where one is missing or too long."""
    comment = texts.storable(comment)
    if needed and is_blank(comment):
        raise InvalidInput("Say why: a comment is needed here.", errors={"comment": ["A comment is needed here."]})
    if audit.holds_key(comment):
        raise InvalidInput(HOLDS_KEY, errors={"comment": [HOLDS_KEY]})
    keys.refuse_repeated({"comment": comment}, change=change)
    if len(comment) > LONGEST_COMMENT:
        text = f"At most {LONGEST_COMMENT:,} characters, please."
        raise InvalidInput(text, errors={"comment": [text]})
    return comment
