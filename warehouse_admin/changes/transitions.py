"""How a change request moves: one locked row, one check of its state, one line on its timeline, one audit entry."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.changes import keys, votes
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Revision, Thread
from warehouse_admin.changes.policies import target_of
from warehouse_admin.core.errors import Missing

State = ChangeRequest.State

_BEFORE_APPLY = (
    State.DRAFT,
    State.IN_REVIEW,
    State.CHANGES_REQUESTED,
    State.APPROVED,
    State.SCHEDULED,
    State.NEEDS_REBASE,
    State.FAILED,
)
"""Open, and nothing of it may have reached PostHog or may still be on its way there."""

ALLOWED: dict[str, tuple[State, ...]] = {
    "submit": (State.DRAFT,),
    "revise": tuple(state for state in _BEFORE_APPLY if state != State.NEEDS_REBASE),
    "co_authors": _BEFORE_APPLY,
    "approve": (State.IN_REVIEW, State.CHANGES_REQUESTED),
    "request_changes": (State.IN_REVIEW, State.CHANGES_REQUESTED),
    "re_request": (State.CHANGES_REQUESTED,),
    "dismiss": (State.IN_REVIEW, State.CHANGES_REQUESTED),
    "reject": (State.IN_REVIEW, State.CHANGES_REQUESTED, State.APPROVED, State.SCHEDULED),
    "withdraw": _BEFORE_APPLY,
    "expire": _BEFORE_APPLY,
    "reopen": (State.WITHDRAWN, State.REJECTED, State.EXPIRED),
    "apply": (State.APPROVED, State.SCHEDULED, State.FAILED),
    "schedule": (State.APPROVED, State.SCHEDULED),
    "unschedule": (State.SCHEDULED,),
    "rebase": tuple(state for state in _BEFORE_APPLY if state != State.DRAFT),
    "rollback": (State.APPLIED,),
    "decide": (State.UNCONFIRMED,),
    "comment": tuple(State),
}
ALLOWED["drop"] = ALLOWED["rebase"]
ALLOWED["carry_over"] = (State.DRAFT, *ALLOWED["rebase"])
SPOKEN = {
    "submit": "submitted for review",
    "revise": "edited",
    "co_authors": "given other co-authors",
    "approve": "approved",
    "request_changes": "sent back for changes",
    "re_request": "handed to its reviewers again",
    "dismiss": "freed of a request for changes",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "expire": "closed for its age",
    "reopen": "opened again",
    "apply": "applied",
    "schedule": "scheduled",
    "unschedule": "taken off the schedule",
    "rebase": "rebased",
    "drop": "given up",
    "carry_over": "carried over",
    "rollback": "rolled back",
    "decide": "settled by hand",
}
_WHY = {
    State.DRAFT: "it is a draft that its author has not submitted yet",
    State.IN_REVIEW: "it waits for review",
    State.CHANGES_REQUESTED: "its reviewer asked for changes",
    State.APPROVED: "it is approved already",
    State.SCHEDULED: "it is scheduled",
    State.APPLYING: "it is being applied right now",
    State.APPLIED: "it is applied already",
    State.FAILED: "applying it failed",
    State.NEEDS_REBASE: "PostHog has moved on, so it needs a rebase first",
    State.UNCONFIRMED: "PostHog did not confirm it, and whether it happened is being found out",
    State.PARTIAL: "it is partly applied",
    State.REJECTED: "it was rejected",
    State.WITHDRAWN: "it was withdrawn",
    State.SUPERSEDED: "it is closed, because something else took its place",
    State.EXPIRED: "it has expired",
}


def lock(change: ChangeRequest | int) -> ChangeRequest:
    """The current row, locked until the caller's transaction ends."""
    key = change if isinstance(change, int) else change.pk
    rows = ChangeRequest.objects.select_for_update(of=("self",)).select_related(
        "saved_query", "table", "author", "connection"
    )
    found = rows.filter(pk=key).first()
    if found is None:
        raise Missing(f"There is no change #{key}.")
    return found


def require_state(change: ChangeRequest, verb: str) -> None:
    """Raise StateForbids unless the change can be `verb`-ed where it stands."""
    state = State(change.state)
    if state not in ALLOWED[verb]:
        kind = "fix" if state in (State.NEEDS_REBASE, State.DRAFT, State.CHANGES_REQUESTED) else "wait"
        text = f"#{change.pk} cannot be {SPOKEN[verb]}: {_WHY[state]}."
        if state == State.NEEDS_REBASE and change.problem:
            text = f"{text} {change.problem}"
        raise StateForbids(text, kind=kind, who=_who(change, state))


def _who(change: ChangeRequest, state: State) -> str:
    """Who can clear what stands in the way, where that is a person; asked only for a refusal."""
    if state in (State.DRAFT, State.NEEDS_REBASE):
        return change.author.display_name
    if state == State.CHANGES_REQUESTED:
        return " and ".join(votes.who_lifts(vote) for vote in votes.tally(change).objections)
    return ""


def current_revision(change: ChangeRequest) -> Revision:
    found = Revision.numbered(change, change.revision_number)
    if found is None:
        raise Missing(f"{change} has no revision {change.revision_number}.")
    return found


def note(change: ChangeRequest, actor: User | None, kind: str, text: str = "", *, thread: Thread | None = None) -> None:
    """One line of the timeline; of a `thread` it leads there."""
    ChangeEvent.objects.create(
        change=change,
        at=timezone.now(),
        actor=actor,
        kind=kind,
        revision_number=change.revision_number,
        text=text,
        thread=thread,
    )


def move(change: ChangeRequest, to: State, **fields: Any) -> None:
    """Put a locked change into a state, with any other fields of it."""
    fields = {**fields, "state": to, "state_changed_at": timezone.now()}
    for name, value in fields.items():
        setattr(change, name, value)
    change.save(update_fields=list(fields))
    if to in ChangeRequest.CLOSED:
        keys.wipe(change, to.replace("_", " "))


def supersede(change: ChangeRequest, user: User | None) -> None:
    """Close a locked change: PostHog holds exactly what it wanted, and not by our doing."""
    text = "PostHog already holds exactly what this proposes, so there was nothing to apply."
    move(change, State.SUPERSEDED, problem=text, remote=None)
    note(change, user, "superseded", text)
    record(change, user, "superseded", reason=text)


def record(change: ChangeRequest, actor: User | None, did: str, **details: Any) -> None:
    """The audit entry `change.<did>`; last in the transaction."""
    audit.record(
        actor=actor,
        action=f"change.{did}",
        target=target_of(change),
        connection=change.connection.slug,
        **details,
    )
