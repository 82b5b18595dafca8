"""How a change shows: its badge, what stands in its way, its votes, its timeline; the same on pages and in the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.urls import reverse

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import APPLY, PROPOSE
from warehouse_admin.changes import policies, selectors
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Revision, Vote
from warehouse_admin.changes.transitions import ALLOWED
from warehouse_admin.core.diff import diff_to_dict
from warehouse_admin.core.merge import merge
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation

State = ChangeRequest.State
Blocker = dict[str, str]
LONGEST_LISTED_DIFF = 100_000  # characters of both texts: a page of a list must not compare megabytes

_EVENTS: dict[str, tuple[str, str, str]] = {  # icon, tone, what was done
    "created": ("pencil", "muted", "wrote the proposal"),
    "submitted": ("send", "info", "submitted it for review"),
    "revised": ("pencil", "info", "saved r{revision}"),
    "reason_changed": ("pencil", "muted", "changed the reason"),
    "rebased": ("branch", "info", "rebased it as r{revision}"),
    "remote_replaced": ("alert", "warn", "put it in place of what PostHog holds, as r{revision}"),
    "base_refreshed": ("refresh", "info", "Only layout had changed in PostHog; it follows as r{revision}"),
    "token_moved": ("refresh", "muted", "PostHog's token had moved"),
    "dropped": ("undo", "muted", "gave way to what PostHog holds"),
    "carried_over": ("arrow-right", "muted", "carried it over to the new view"),
    "carries_over": ("arrow-right", "info", "goes on with an earlier change"),
    "approved": ("check", "ok", "approved r{revision}"),
    "changes_requested": ("message", "warn", "asked for changes to r{revision}"),
    "rejected": ("ban", "bad", "rejected it"),
    "withdrawn": ("undo", "muted", "withdrew it"),
    "apply_asked": ("send", "busy", "started to apply r{revision}"),
    "scheduled": ("calendar", "info", "scheduled r{revision}"),
    "schedule_missed": ("alert", "warn", "Its time was missed"),
    "applied": ("check-circle", "ok", "applied r{revision} to PostHog"),
    "failed": ("x-circle", "bad", "Applying failed"),
    "needs_rebase": ("branch", "warn", "PostHog holds another text"),
    "unconfirmed": ("help", "warn", "PostHog gave no answer"),
    "did_not_happen": ("minus", "warn", "It did not happen"),
    "approval_lost": ("alert", "warn", "An approval no longer counts"),
    "superseded": ("layers", "muted", "Closed: nothing was left to apply"),
    "rolled_back": ("undo", "warn", "asked to roll it back"),
    "remote_moved": ("alert", "warn", "PostHog has moved on"),
}
_ON_NEW_BASE = ("rebased", "remote_replaced", "base_refreshed")


def badge(change: ChangeRequest) -> dict[str, str]:
    """The one badge of a change: `state`, an own `word` where it says more than the state's, and a `title`."""
    word = ""
    if change.state == State.APPROVED and _by_hand(change):
        word = "Approved, not applied"
    elif change.state == State.APPLYING and change.problem:
        word = "Waiting to apply"
    return {"state": change.state, "word": word, "title": change.problem[:300]}


def blockers(change: ChangeRequest, user: User | None = None, revision: Revision | None = None) -> list[Blocker]:
    """What keeps it from being applied: a `text`, whether to `fix` or to `wait`, and who can clear it."""
    if change.is_closed:
        return []
    found = _of_state(change, user, revision or selectors.revision(change))
    view = change.saved_query
    if view.deleted_at is not None:
        found.append(_blocker(f"{view.name} was deleted in PostHog.", "fix", "PostHog"))
    elif view.is_managed:
        found.append(_blocker(f"{view.name} is managed by PostHog, which refuses edits.", "fix", "PostHog"))
    if not change.connection.is_active:
        found.append(_blocker(f"The connection {change.connection.name} is paused.", "wait", "an administrator"))
    elif change.connection.key_refused_at and change.connection.key_policy == Connection.KeyPolicy.SERVICE:
        found.append(_blocker("PostHog refuses the connection's API key.", "wait", "an administrator"))
    return found


def _blocker(text: str, kind: str, who: str) -> Blocker:
    return {"text": text, "kind": kind, "who": who}


def _of_state(change: ChangeRequest, user: User | None, revision: Revision) -> list[Blocker]:
    author = change.author.display_name
    if change.state == State.DRAFT:
        return [_blocker("It is a draft: submit it for review.", "fix", author)]
    if change.state in (State.IN_REVIEW, State.CHANGES_REQUESTED):
        return _of_review(change, user, revision)
    if change.state == State.APPROVED:
        return _of_approved(change, revision)
    if change.state == State.SCHEDULED:
        text = f"It is applied at {change.scheduled_for:%Y-%m-%d %H:%M} UTC."
        return [_blocker(text, "wait", "the portal, or an operator sooner")]
    if change.state == State.FAILED:
        return [_blocker(change.problem or "Applying it failed.", "fix", "an operator")]
    if change.state == State.NEEDS_REBASE:
        return [_blocker("PostHog holds another text by now: rebase it.", "fix", author)]
    if change.state == State.UNCONFIRMED:
        text = "PostHog gave no answer; it is read again and again until it tells."
        return [_blocker(text, "wait", "the portal")]
    if change.state == State.APPLYING:
        return [_blocker(change.problem or "It is being applied.", "wait", "the portal")]
    return []


def _of_review(change: ChangeRequest, user: User | None, revision: Revision) -> list[Blocker]:
    votes = policies.standing_votes(change)
    found = []
    for vote in policies.counted(votes, change, revision, Vote.Verdict.REQUEST_CHANGES):
        text = f"{vote.voter.display_name} asked for changes."
        found.append(_blocker(text, "fix", f"{change.author.display_name} or {vote.voter.display_name}"))
    missing = policies.APPROVALS_NEEDED - len(policies.counted(votes, change, revision, Vote.Verdict.APPROVE))
    if missing > 0:
        text = f"{missing} approval{'s' if missing > 1 else ''} needed."
        if user is not None and (why := policies.why_no_vote(user, change, revision)):
            text = f"{text} {why}"
        found.append(_blocker(text, "wait", f"a reviewer other than {change.author.display_name}"))
    return found


def _of_approved(change: ChangeRequest, revision: Revision) -> list[Blocker]:
    found = []
    if not policies.is_approved(change, revision):
        text = "An approval no longer counts, because its reviewer lost the role."
        found.append(_blocker(text, "wait", "a reviewer"))
    if _by_hand(change):
        found.append(_blocker(change.problem or "It waits to be applied.", "wait", "an operator"))
    else:
        found.append(_blocker("It is about to be applied.", "wait", "the portal"))
    return found


def _by_hand(change: ChangeRequest) -> bool:
    """Whether somebody has to start the apply."""
    by_policy = change.connection.apply_policy == Connection.ApplyPolicy.MANUAL
    return by_policy or change.attempts > 0 or change.scheduled_for is not None


@dataclass(frozen=True)
class Actions:
    """What this person can do with the change as it stands."""

    submit: bool
    revise: bool
    vote: bool
    reject: bool
    withdraw: bool
    apply: bool
    rebase: bool
    carry_over: bool
    rollback: bool
    why_no_vote: str


def actions(change: ChangeRequest, user: User, revision: Revision) -> Actions:
    """Offered on the page; the services decide again."""
    state = State(change.state)
    is_author = user.pk == change.author_id and allows(user, PROPOSE)
    votes = policies.may_vote(user, change, revision)
    closes = policies.may_close(user)
    in_review = state in ALLOWED["approve"]
    return Actions(
        submit=is_author and state in ALLOWED["submit"],
        revise=is_author and state in ALLOWED["revise"],
        vote=votes and in_review,
        reject=state in ALLOWED["reject"] and (votes or (closes and user.pk != change.author_id)),
        withdraw=state in ALLOWED["withdraw"] and (is_author or closes),
        apply=allows(user, APPLY) and state in ALLOWED["apply"],
        rebase=is_author and state == State.NEEDS_REBASE and change.saved_query.deleted_at is None,
        carry_over=is_author and state in ALLOWED["carry_over"] and change.saved_query.deleted_at is not None,
        rollback=allows(user, PROPOSE) and state in ALLOWED["rollback"] and change.mutation is not None,
        why_no_vote=policies.why_no_vote(user, change, revision) if in_review else "",
    )


def votes(change: ChangeRequest, revision: Revision) -> list[dict[str, Any]]:
    """Every vote, oldest first, with whether it counts now and why not."""
    rows: Iterable[Vote] | None = change.prefetched("votes")
    if rows is None:
        found = Vote.objects.filter(change=change).select_related("voter", "revision")
        rows = found.prefetch_related("voter__groups")
    return [
        {
            "voter": vote.voter.get_username(),
            "name": vote.voter.display_name,
            "verdict": vote.verdict,
            "revision": vote.revision.number,
            "comment": vote.comment,
            "at": vote.at,
            "counts": policies.is_eligible(vote, change, revision),
            "why_not": _why_not(vote, change, revision),
        }
        for vote in rows
    ]


def _why_not(vote: Vote, change: ChangeRequest, revision: Revision) -> str:
    if vote.voided_at:
        return vote.voided_because or "voided"
    return "" if policies.is_eligible(vote, change, revision) else f"{vote.voter} may no longer review"


def timeline(change: ChangeRequest) -> list[dict[str, Any]]:
    """Lines for `partials/_timeline.html`, oldest first."""
    events = ChangeEvent.objects.filter(change=change).select_related("actor")
    return [_line(event) for event in events]


def _line(event: ChangeEvent) -> dict[str, Any]:
    icon, tone, said = _EVENTS.get(event.kind, ("circle", "muted", event.kind.replace("_", " ")))
    return {
        "icon": icon,
        "tone": tone,
        "actor": event.actor.display_name if event.actor else "",
        "text": said.format(revision=event.revision_number),
        "at": event.at,
        "body": event.text,
        "url": _moved_url(event),
    }


def _moved_url(event: ChangeEvent) -> str:
    """Where to see what others had changed when it was put onto another base."""
    if event.kind not in _ON_NEW_BASE or not event.revision_number:
        return ""
    return reverse("changes:moved", args=[event.change_id, event.revision_number])


def impact(change: ChangeRequest) -> dict[str, Any]:
    """Who selects from the view, and why that list may lack some."""
    return impact_dict(change, lineage.downstream(change.saved_query), lineage.caveat(change.connection))


def impact_dict(change: ChangeRequest, readers: Iterable[SavedQuery], caveat: str) -> dict[str, Any]:
    """The same from what is known already."""
    dependents = [
        {
            "id": str(view.posthog_id),
            "name": view.name,
            "kind": "materialized_view" if view.is_materialized else "view",
            "via": change.saved_query.name,
        }
        for view in readers
    ]
    return {"dependents": dependents, "caveat": caveat}


def mutation_dict(mutation: Mutation | None) -> dict[str, Any] | None:
    """What was sent and what came back."""
    if mutation is None:
        return None
    kept = ("method", "path", "status", "duration_ms", "key", "token_before", "token_after", "body_digest", "said")
    return {
        "id": str(mutation.pk),
        "state": mutation.state,
        "asked_at": mutation.asked_at,
        "sent_at": mutation.sent_at,
        "finished_at": mutation.finished_at,
        "looked_at": mutation.looked_at,
        "not_before": mutation.not_before,
        "error": mutation.error,
        **{name: mutation.remote.get(name) for name in kept},
    }


def list_dicts(changes: list[ChangeRequest], user: User) -> list[dict[str, Any]]:
    """The rows of a list read by `selectors.with_all_shown`; long texts are compared at the change's own address."""
    readers = lineage.downstream_by_view([change.saved_query_id for change in changes])
    caveats = {connection: lineage.caveat(connection) for connection in {change.connection for change in changes}}
    rows = []
    for change in changes:
        told = impact_dict(change, readers.get(change.saved_query_id, []), caveats[change.connection])
        rows.append(detail_dict(change, user, told_impact=told, longest_diff=LONGEST_LISTED_DIFF))
    return rows


def detail_dict(
    change: ChangeRequest,
    user: User | None = None,
    *,
    told_impact: dict[str, Any] | None = None,
    longest_diff: int | None = None,
) -> dict[str, Any]:
    """The change as the API shows it; `diff` is None where both texts together are longer than `longest_diff`."""
    revision = selectors.revision(change)
    held, wanted = revision.base.get("query") or "", revision.proposal["query"]
    comparable = longest_diff is None or len(held) + len(wanted) <= longest_diff
    return {
        "number": change.pk,
        "action": change.action,
        "state": change.state,
        "author": change.author.get_username(),
        "reason": change.reason,
        "connection": change.connection.slug,
        "saved_query": {"id": str(change.saved_query.posthog_id), "name": change.saved_query.name},
        "created_at": change.created_at,
        "submitted_at": change.submitted_at,
        "state_changed_at": change.state_changed_at,
        "scheduled_for": change.scheduled_for,
        "problem": change.problem,
        "revision": revision.number,
        "digest": revision.digest,
        "base": revision.base,
        "remote": remote_dict(change) if change.state == State.NEEDS_REBASE else None,
        "merge": merge_dict(change, revision) if comparable else None,
        "proposal": revision.proposal,
        "diff": diff_to_dict(held, wanted) if comparable else None,
        "votes": votes(change, revision),
        "blockers": blockers(change, user, revision),
        "impact": told_impact or impact(change),
        "mutation": mutation_dict(change.mutation),
        "timeline": _timeline_dict(change),
        "rolls_back": change.rolls_back_id,
        "rolled_back_by": _rollbacks(change),
    }


def remote_dict(change: ChangeRequest) -> dict[str, Any] | None:
    """What PostHog held when the conflict was found; None when it could not be read."""
    if not change.remote:
        return None
    return {name: change.remote.get(name) for name in ("name", "query", "latest_history_id", "fetched_at")}


def merge_dict(change: ChangeRequest, revision: Revision) -> list[dict[str, Any]] | None:
    """In a conflict: every part that anybody changed, with its exact texts; None otherwise."""
    remote = (change.remote or {}).get("query") if change.state == State.NEEDS_REBASE else None
    if remote is None:
        return None
    hunks = merge(revision.base.get("query") or "", remote, revision.proposal["query"])
    return [asdict(hunk) for hunk in hunks if hunk.kind != "unchanged"]


def _rollbacks(change: ChangeRequest) -> list[int]:
    known = change.prefetched("rollbacks")
    if known is not None:
        return [undoing.pk for undoing in known]
    return list(change.rollbacks.order_by("pk").values_list("pk", flat=True))


def _timeline_dict(change: ChangeRequest) -> list[dict[str, Any]]:
    events: Iterable[ChangeEvent] | None = change.prefetched("events")
    if events is None:
        events = ChangeEvent.objects.filter(change=change).select_related("actor")
    return [
        {
            "at": event.at,
            "actor": event.actor.get_username() if event.actor else "system",
            "kind": event.kind,
            "revision": event.revision_number,
            "text": event.text,
        }
        for event in events
    ]
