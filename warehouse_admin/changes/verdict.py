"""Where the votes put a change: asked after every vote and every new revision, in the same transaction."""

from __future__ import annotations

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes import apply as applying
from warehouse_admin.changes import guards
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.transitions import State, move, note
from warehouse_admin.changes.votes import tally, what_changed

REVIEWED = (State.IN_REVIEW, State.CHANGES_REQUESTED)


def settle(change: ChangeRequest, revision: Revision) -> bool:
    """Approve a locked change whose requirements are met, and lift what nobody asks for any more; whether it did."""
    if change.state not in REVIEWED:
        return False
    counted = tally(change, revision)
    if counted.approved:
        # Whoever approves is told that an operator applies it: another policy, set later, does not take that back.
        manual = change.connection.apply_policy == Connection.ApplyPolicy.MANUAL
        move(change, State.APPROVED, problem="", by_hand=manual or change.by_hand)
    elif change.state == State.CHANGES_REQUESTED and not counted.objections:
        move(change, State.IN_REVIEW)
    return counted.approved


def start(change: ChangeRequest, asked_by: User | None) -> None:
    """Claim what was just approved, if the connection's policy applies by itself; after the decision is recorded."""
    if applying.starts_by_itself(change) and guards.still_approved(change):
        applying.claim(change, asked_by=asked_by)


def after_revision(
    change: ChangeRequest, user: User, former: Revision, revision: Revision, did: str, said: str = ""
) -> bool:
    """Tell what a new revision of a submitted change does to its votes, and move it; whether it is approved by that.

    A real edit goes back to review; the same meaning in another layout leaves everything as it stands.
    """
    formatting_only = former.meaning_digest == revision.meaning_digest
    if formatting_only:
        note(change, user, did, f"{said} Formatting only: the votes are kept.".strip())
        if change.state == State.SCHEDULED:
            move(change, State.APPROVED)  # what was scheduled is not what stands there now: an operator looks again
        if change.state != State.NEEDS_REBASE:
            return False
    move(change, State.IN_REVIEW, problem="", remote=None, scheduled_for=None, by_hand=False)
    if not formatting_only:  # told where it stands now: in a conflict no approval counts, and none could be lost
        note(change, user, did, "\n".join(filter(None, (said, _told(change, former, revision)))))
    return settle(change, revision)


def _told(change: ChangeRequest, former: Revision, revision: Revision) -> str:
    """Whose approval it costs and whose it brings back, in sentences; nothing where nobody approved."""
    before, now = tally(change, former), tally(change, revision)
    lost = [vote.voter.display_name for vote in before.approvals if not now.counts(vote)]
    again = [vote.voter.display_name for vote in now.approvals if not before.counts(vote)]
    said = []
    if lost:
        said.append(f"It changed {what_changed(change)}: the approval of {_and(lost)} no longer counts.")
    if again:
        said.append(f"It means again what was approved: the approval of {_and(again)} counts.")
    if now.objections:
        names = _and([vote.voter.display_name for vote in now.objections])
        said.append(f"What {names} asked for still stands in the way; they are asked to look again.")
    return " ".join(said)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
