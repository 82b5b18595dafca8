"""How a change shows: its votes, its timeline, its impact, and all of it together for the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.urls import reverse

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import expiry, holding, impacts, linting, selectors, votes
from warehouse_admin.changes.live import readers_of
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Revision
from warehouse_admin.changes.readiness import badge, blockers
from warehouse_admin.changes.shown import cautions, held_dict, shown
from warehouse_admin.core.diff import diff_to_dict
from warehouse_admin.core.merge import merge
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation

State = ChangeRequest.State
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
    "re_requested": ("eye", "info", "asked for another look at r{revision}"),
    "objection_dismissed": ("check", "warn", "lifted a request for changes"),
    "commented": ("message", "muted", "commented"),
    "thread_opened": ("message", "muted", "opened a thread on {lines}"),
    "thread_replied": ("message", "muted", "replied in the thread on {lines}"),
    "thread_resolved": ("check", "muted", "resolved the thread on {lines}"),
    "thread_reopened": ("message", "muted", "opened the thread on {lines} again"),
    "suggestions_accepted": ("check", "info", "took in what was suggested, as r{revision}"),
    "suggestion_declined": ("minus", "muted", "declined what was suggested for {lines}"),
    "co_authors_changed": ("pencil", "muted", "changed the co-authors"),
    "rejected": ("ban", "bad", "rejected it"),
    "withdrawn": ("undo", "muted", "withdrew it"),
    "expired": ("clock", "muted", "It expired"),
    "reopened": ("undo", "info", "opened it again as a draft"),
    "unscheduled": ("calendar", "muted", "took it off the schedule"),
    "apply_asked": ("send", "busy", "started to apply r{revision}"),
    "scheduled": ("calendar", "info", "scheduled r{revision}"),
    "schedule_missed": ("alert", "warn", "Its time was missed"),
    "applied": ("check-circle", "ok", "applied r{revision} to PostHog"),
    "failed": ("x-circle", "bad", "Applying failed"),
    "needs_rebase": ("branch", "warn", "PostHog has moved on: it needs a rebase"),
    "unconfirmed": ("help", "warn", "Whether it happened is not certain"),
    "did_not_happen": ("minus", "warn", "It did not happen"),
    "made_by_hand": ("eye", "warn", "looked, and found the view that was made"),
    "not_made_by_hand": ("eye", "warn", "looked, and found that no view was made"),
    "approval_lost": ("alert", "warn", "An approval no longer counts"),
    "superseded": ("layers", "muted", "Closed: nothing was left to apply"),
    "rolled_back": ("undo", "warn", "asked to roll it back"),
    "remote_moved": ("alert", "warn", "PostHog has moved on"),
}
_TELLS_OF_OTHERS = ("needs_rebase", "remote_moved", "base_refreshed", "dropped")
"""The portal's own sentences about people who are known by their address in PostHog; nothing that a person typed."""
_ON_NEW_BASE = ("rebased", "remote_replaced", "base_refreshed")


def cast_votes(change: ChangeRequest, revision: Revision) -> list[dict[str, Any]]:
    """Every vote, oldest first, with whether it counts now and why not."""
    tally = votes.tally(change, revision)
    numbers = {step.pk: step.number for step in votes.steps_of(change)}
    return [
        {
            "voter": vote.voter.get_username(),
            "name": vote.voter.display_name,
            "verdict": vote.verdict,
            "role": vote.role,
            "revision": numbers[vote.revision_id],
            "comment": vote.comment,
            "at": vote.at,
            "counts": tally.counts(vote),
            "why_not": tally.why_not[vote.pk],
        }
        for vote in tally.votes
    ]


def last_reviewed(change: ChangeRequest, user: User) -> int:
    """The newest revision that this person voted on, whether that counts or not; 0 for none."""
    numbers = {step.pk: step.number for step in votes.steps_of(change)}
    own = (numbers[vote.revision_id] for vote in votes.tally(change).votes if vote.voter_id == user.pk)
    return max(own, default=0)


def requirements(change: ChangeRequest, revision: Revision) -> list[dict[str, Any]]:
    """Who has to approve it, and who did so far."""
    return [
        {
            "label": each.label,
            "role": each.role,
            "count": each.count,
            "approvals": len(each.people),
            "people": [person.get_username() for person in each.people],
        }
        for each in votes.tally(change, revision).requirements
    ]


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
        "text": said.format(revision=event.revision_number, lines=event.text),
        "at": event.at,
        "body": "" if event.thread_id else event.text,
        "names_people": event.kind in _TELLS_OF_OTHERS,
        "url": _moved_url(event),
        "moved": event.kind in _ON_NEW_BASE,
    }


def _moved_url(event: ChangeEvent) -> str:
    """Where to see what others had changed when it was put onto another base, or the thread that it tells of."""
    if event.thread_id:
        return f"{reverse('changes:detail', args=[event.change_id])}#thread-{event.thread_id}"
    if event.kind not in _ON_NEW_BASE or not event.revision_number:
        return ""
    return reverse("changes:moved", args=[event.change_id, event.revision_number])


def impact(change: ChangeRequest, revision: Revision) -> dict[str, Any]:
    """What a revision does to whoever reads its object, as it was when it was written, and what that may lack."""
    return impacts.as_shown(change, revision, readers_of(change.about), lineage.caveat(change.connection))


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
        "candidates": mutations.candidates(mutation),
        **{name: mutation.remote.get(name) for name in kept},
    }


def _whole_mutation_dict(mutation: Mutation | None) -> dict[str, Any] | None:
    """The same with each field that was sent and what was read back, which a list leaves unread."""
    told = mutation_dict(mutation)
    if mutation is None or told is None:
        return None
    sent = mutations.sent(mutation)
    fields = {"fields": sent.fields, "query": sent.sql, "is_exact": sent.is_exact} if sent else None
    return {**told, "sent": fields, "read_back": [asdict(row) for row in mutations.read_back(mutation)]}


def list_dicts(changes: list[ChangeRequest], user: User) -> list[dict[str, Any]]:
    """The rows of a list read by `selectors.with_all_shown`; long texts are compared at the change's own address."""
    selectors.read_revisions(changes)
    readers = lineage.downstream_by_view([change.saved_query_id for change in changes if change.saved_query_id])
    table_readers = lineage.readers_by_table([change.table_id for change in changes if change.table_id])
    caveats = {connection: lineage.caveat(connection) for connection in {change.connection for change in changes}}
    selectors.read_votes(changes)
    rows = []
    for change in changes:
        of_view, of_table = readers.get(change.saved_query_id or 0, []), table_readers.get(change.table_id or 0, [])
        reading = of_table if change.table_id else of_view
        told = impacts.as_shown(change, selectors.revision(change), reading, caveats[change.connection])
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
    told_impact = told_impact or impact(change, revision)
    told = shown(change, revision, impacts.direct(told_impact))
    held, wanted = told.base_text, told.proposal_text
    comparable = told.action.has_sql and (longest_diff is None or len(held) + len(wanted) <= longest_diff)
    return {
        "number": change.pk,
        "action": change.action,
        "state": change.state,
        "badge": badge(change),
        "author": change.author.get_username(),
        "co_authors": [person.get_username() for person in votes.co_authors(change)],
        "reason": change.reason,
        "connection": change.connection.slug,
        "title": told.title,
        "saved_query": str(change.saved_query.posthog_id) if change.saved_query else None,
        "table": str(change.table.posthog_id) if change.table else None,
        "name": change.object_name,
        "created_at": change.created_at,
        "submitted_at": change.submitted_at,
        "state_changed_at": change.state_changed_at,
        "scheduled_for": change.scheduled_for,
        "expires_at": expiry.expires_at(change),
        "problem": change.problem,
        "revision": revision.number,
        "digest": revision.digest,
        "base": held_dict(revision.base),
        "remote": remote_dict(change) if change.state == State.NEEDS_REBASE else None,
        "merge": merge_dict(change, revision) if comparable else None,
        "proposal": revision.proposal,
        "diff": diff_to_dict(held, wanted) if comparable else None,
        "requirements": requirements(change, revision),
        "votes": cast_votes(change, revision),
        "blockers": blockers(change, user, revision),
        "unresolved_threads": holding.unresolved(change),
        "field_changes": [{"field": row.label, "before": row.before, "after": row.after} for row in told.rows],
        "request": told.request if comparable or not told.action.has_sql else None,
        "consequences": asdict(told.consequences),
        "cautions": cautions(change, revision) if longest_diff is None else None,
        "lint": linting.as_dict(change, revision) if longest_diff is None and told.action.has_sql else None,
        "impact": told_impact,
        "checks": revision.checks,
        "mutation": (_whole_mutation_dict if longest_diff is None else mutation_dict)(change.mutation),
        "timeline": _timeline_dict(change),
        "rolls_back": change.rolls_back_id,
        "rolled_back_by": _rollbacks(change),
    }


def remote_dict(change: ChangeRequest) -> dict[str, Any] | None:
    """What PostHog held when the conflict was found; None when it could not be read."""
    if not change.remote:
        return None
    return held_dict(change.remote)


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
