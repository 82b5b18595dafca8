"""What a view's timeline tells of its change requests: each with its author and approvers, votes, and what was said."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from warehouse_admin.changes import selectors
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Vote
from warehouse_admin.mirror.history import Wanted
from warehouse_admin.mirror.hooks import Event, HistorySource

State = ChangeRequest.State
_LOOKS = {
    State.APPLIED: ("check-circle", "ok"),
    State.FAILED: ("x-circle", "bad"),
    State.REJECTED: ("ban", "bad"),
    State.NEEDS_REBASE: ("branch", "warn"),
    State.UNCONFIRMED: ("help", "warn"),
}


def _changes(wanted: Wanted) -> list[Event]:
    approvals = Vote.objects.filter(verdict=Vote.Verdict.APPROVE, voided_at=None).select_related("voter")
    rows = selectors.visible_to(wanted.user).filter(saved_query=wanted.view).select_related("author")
    rows = rows.defer("remote").prefetch_related(Prefetch("votes", approvals, to_attr="approvals"))
    return [_of_change(change) for change in wanted.newest(rows, "changes", "state_changed_at")]


def _of_change(change: ChangeRequest) -> Event:
    icon, tone = _LOOKS.get(State(change.state), ("shield", "info"))
    approvers = [vote.voter.display_name for vote in change.approvals]  # type: ignore[attr-defined]
    approved = f", approved by {' and '.join(approvers)}" if approvers else ""
    state = change.state.replace("_", " ")
    said = f"{change} {change.get_action_display()} by {change.author.display_name}{approved}: {state}"
    return Event(
        change.state_changed_at,
        "changes",
        change.pk,
        icon,
        tone,
        said,
        url=_url(change.pk),
        body=change.reason,
        names_people=True,
    )


def _votes(wanted: Wanted) -> list[Event]:
    rows = Vote.objects.filter(change__in=_visible(wanted)).select_related("voter", "revision")
    return [_of_vote(vote) for vote in wanted.newest(rows, "votes", "at")]


def _of_vote(vote: Vote) -> Event:
    approves = vote.verdict == Vote.Verdict.APPROVE
    icon, tone = ("check", "ok") if approves else ("message", "warn")
    said = f"{'approved' if approves else 'asked for changes to'} r{vote.revision.number} of #{vote.change_id}"
    void = f"No longer counts: {vote.voided_because or 'voided'}." if vote.voided_at else ""
    return Event(
        vote.at,
        "votes",
        vote.pk,
        icon,
        tone,
        said,
        actor=vote.voter.display_name,
        url=_url(vote.change_id),
        how=void,
        body=vote.comment,
    )


def _notes(wanted: Wanted) -> list[Event]:
    rows = ChangeEvent.objects.filter(change__in=_visible(wanted), kind="commented").select_related("actor")
    return [
        Event(
            note.at,
            "votes",
            note.pk,
            "message",
            "muted",
            f"commented on #{note.change_id}",
            actor=note.actor.display_name if note.actor else "",
            url=_url(note.change_id),
            body=note.text,
        )
        for note in wanted.newest(rows, "notes", "at")
    ]


def _visible(wanted: Wanted) -> QuerySet[Any]:
    """The changes of the view that the person may see, as a subquery."""
    return selectors.visible_to(wanted.user).filter(saved_query=wanted.view).values("pk")


def _url(number: int) -> str:
    return reverse("changes:detail", args=[number])


SOURCES = (
    HistorySource("changes", frozenset({"changes"}), _changes),
    HistorySource("votes", frozenset({"votes"}), _votes),
    HistorySource("notes", frozenset({"votes"}), _notes),
)
