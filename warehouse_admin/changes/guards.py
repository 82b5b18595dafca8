"""What has to stand still for an approval to hold, asked anew whenever a change is to be applied."""

from __future__ import annotations

from django.utils import timezone

from warehouse_admin.changes import impacts, policies
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.actions.base import listed
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.changes.revisions import add_revision, told, unseen_dependents
from warehouse_admin.changes.transitions import State, current_revision, move, note, record

APPROVAL_LOST = "An approval no longer counts, because its reviewer lost the role; it needs a new review."


def still_approved(change: ChangeRequest) -> bool:
    """Whether all that its approval was given for stands now; else the locked change goes back to review."""
    revision = current_revision(change)
    if not policies.is_approved(change, revision):
        back_to_review(change)
        return False
    if text := _unseen(change, revision):
        _show_again(change, revision, text)
        return False
    return True


def _unseen(change: ChangeRequest, revision: Revision) -> str:
    """What it would do by now that no reviewer has seen, in a sentence; empty when there is nothing."""
    if action_of(change.action).binds_dependents and (names := unseen_dependents(change, revision)):
        return f"{listed(names)} now select{'s' if len(names) == 1 else ''} from it, which no reviewer has seen."
    if names := impacts.worse_now(change, revision):
        return f"{listed(names)} would break by now, or might, which no reviewer has seen."
    return ""


def back_to_review(change: ChangeRequest, text: str = APPROVAL_LOST) -> None:
    """A locked, approved change whose approvals do not suffice any more."""
    move(change, State.IN_REVIEW, problem="", scheduled_for=None, by_hand=False)
    note(change, None, "approval_lost", text)
    record(change, None, "approval_lost", reason=text)


def _show_again(change: ChangeRequest, latest: Revision, text: str) -> None:
    """Back to review with a revision that shows what came of it meanwhile: nobody approved breaking that."""
    approvals = Vote.objects.filter(change=change, voided_at=None, verdict=Vote.Verdict.APPROVE)
    approvals.update(voided_at=timezone.now(), voided_because=text[:200])
    revision = add_revision(change, latest.editor, latest.base, latest.proposal)
    move(change, State.IN_REVIEW, problem=text, scheduled_for=None, by_hand=False)
    note(change, None, "dependents_appeared", text)
    record(change, None, "dependents_appeared", reason=text, **told(revision))
