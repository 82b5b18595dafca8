"""Where a change stands, in one word, and what keeps it from being applied; the same on lists, pages and in the API."""

from __future__ import annotations

from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes import expiry, holding, keys, policies, selectors, votes
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.core.states import look_of
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations import services as mutations

State = ChangeRequest.State
Blocker = dict[str, str]
IN_REVIEW = (State.IN_REVIEW, State.CHANGES_REQUESTED)
POSTHOG_MOVED = "PostHog has moved on since this was written."
_DECIDED = (State.APPROVED, State.SCHEDULED)


def badge(change: ChangeRequest) -> dict[str, str]:
    """The one badge of a change: its `state`, the `word` that says it, and a `title` that says why."""
    word, title = _said(change)
    return {"state": change.state, "word": word or look_of("change", change.state).word, "title": title[:300]}


def _said(change: ChangeRequest) -> tuple[str, str]:
    """A word where it says more than the state's own, and why."""
    if change.state == State.APPLYING and change.problem:
        return "Waiting to apply", change.problem
    if change.state not in _DECIDED:
        return "", change.problem
    if not votes.tally(change).approved:
        return "Approval lost", "An approval no longer counts: it needs a new review."
    if why := _unusable_view(change) or _held_up(change) or _threads(change):
        return f"{look_of('change', change.state).word}, held up", why["text"]
    if change.state == State.APPROVED and _by_hand(change):
        return "Approved, not applied", change.problem
    return "", change.problem


def blockers(change: ChangeRequest, user: User | None = None, revision: Revision | None = None) -> list[Blocker]:
    """What keeps it from being applied: a `text`, whether to `fix` or to `wait`, and who can clear it."""
    if change.is_closed:
        return []
    found = _of_state(change, user, revision or selectors.revision(change))
    more = (_unusable_view(change), _held_up(change), _threads(change), _near_its_end(change))
    found += [why for why in more if why]
    return found


def _blocker(text: str, kind: str, who: str) -> Blocker:
    return {"text": text, "kind": kind, "who": who}


def _unusable_view(change: ChangeRequest) -> Blocker | None:
    if change.table is not None:
        return _unusable_table(change.table)
    view = change.saved_query
    if view is None:
        return None
    if view.deleted_at is not None:
        return _blocker(f"{view.name} was deleted in PostHog.", "fix", "PostHog")
    if view.is_managed:
        return _blocker(f"{view.name} is managed by PostHog, which refuses edits.", "fix", "PostHog")
    return None


def _unusable_table(table: WarehouseTable) -> Blocker | None:
    if table.deleted_at is not None:
        return _blocker(f"{table.name} was deleted in PostHog.", "fix", "PostHog")
    if table.source_id:
        return _blocker(f"{table.name} belongs to a source, which keeps it by its syncs.", "fix", "PostHog")
    return None


def _held_up(change: ChangeRequest) -> Blocker | None:
    """Why nothing is sent though it is approved: for its connection, or for the key that is due."""
    if why := keys.why_spent(change):
        return _blocker(why, "fix", f"{change.author.display_name}, by an edit")
    connection = change.connection
    if not connection.is_active:
        return _blocker(f"The connection {connection.name} is paused.", "wait", "an administrator")
    if connection.key_refused_at and connection.key_policy == Connection.KeyPolicy.SERVICE:
        return _blocker("PostHog refuses the connection's API key.", "wait", "an administrator")
    why = accounts.why_no_writes(connection, author=change.author, known=getattr(change, "own_keys", None))
    return _blocker(why, "fix", f"{change.author.display_name}, on the settings page") if why else None


def _threads(change: ChangeRequest) -> Blocker | None:
    why = holding.why_held(change)
    return _blocker(why, "fix", holding.WHO) if why else None


def _near_its_end(change: ChangeRequest) -> Blocker | None:
    end = expiry.expires_at(change)
    if end is None:
        return None
    text = f"Nobody has touched it for long: it expires on {end:%Y-%m-%d}."
    last_call = end - timezone.now() <= expiry.LIFE - expiry.WARNED_AGAIN
    return _blocker(text, "fix" if last_call else "wait", "anybody, by a comment or the next step")


def _of_state(change: ChangeRequest, user: User | None, revision: Revision) -> list[Blocker]:
    author = change.author.display_name
    if change.state == State.DRAFT:
        return [_blocker("It is a draft: submit it for review.", "fix", author)]
    if change.state in IN_REVIEW:
        return _of_review(change, user, revision)
    if change.state in _DECIDED:
        return _of_decided(change, revision)
    if change.state == State.FAILED:
        return [_blocker(change.problem or "Applying it failed.", "fix", "an operator, once its cause is mended")]
    if change.state == State.NEEDS_REBASE:
        return [_blocker(f"{change.problem or POSTHOG_MOVED} Rebase it.", "fix", author)]
    if change.state == State.UNCONFIRMED and mutations.candidates(change.mutation):
        text = "PostHog cannot tell whether the view was made: somebody has to look at those that may be it."
        return [_blocker(text, "fix", "an operator")]
    if change.state == State.UNCONFIRMED:
        text = "Whether it happened is not certain; PostHog is read again and again until it tells."
        return [_blocker(text, "wait", "the portal")]
    if change.state == State.APPLYING:
        text = change.problem or mutations.silence(change.mutation) or "It is being applied."
        return [_blocker(text, "wait", "the portal")]
    return [_blocker(change.problem or "A part of it is applied, the rest is not.", "fix", "an operator")]


def _of_review(change: ChangeRequest, user: User | None, revision: Revision) -> list[Blocker]:
    tally = votes.tally(change, revision)
    found = []
    for vote in tally.objections:
        name, seen = vote.voter.display_name, _number(change, vote.revision_id)
        text = f"{name} asked for changes. An edit does not lift that: {name} has to look again."
        if seen != revision.number:
            text = f"{name} asked for changes to r{seen} and has not looked at r{revision.number} yet."
        found.append(_blocker(text, "fix", votes.who_lifts(vote)))
    missing = sum(each.missing for each in tally.requirements)
    if missing:
        found.append(_missing(change, user, revision, missing))
    return found


def _missing(change: ChangeRequest, user: User | None, revision: Revision, missing: int) -> Blocker:
    author = change.author.display_name
    if not votes.can_review(change, revision):
        text = (
            "No one can review this: everybody who may review wrote it themselves, or nobody may at all. "
            "An administrator has to make someone a reviewer."
        )
        return _blocker(text, "fix", f"an administrator other than {author}")
    text = f"{missing} approval{'s' if missing > 1 else ''} needed."
    if user is not None and (why := policies.why_no_vote(user, change, revision)):
        text = f"{text} {why}"
    return _blocker(text, "wait", f"a reviewer other than {author}")


def _number(change: ChangeRequest, key: int) -> int:
    return next(step.number for step in votes.steps_of(change) if step.pk == key)


def _of_decided(change: ChangeRequest, revision: Revision) -> list[Blocker]:
    found = []
    if not policies.is_approved(change, revision):
        text = "An approval no longer counts, because its reviewer lost the role."
        found.append(_blocker(text, "wait", "a reviewer"))
    if change.state == State.SCHEDULED and change.scheduled_for is not None:
        text = f"It is applied at {change.scheduled_for:%Y-%m-%d %H:%M} UTC."
        found.append(_blocker(text, "wait", "the portal, or an operator sooner"))
    elif change.state == State.SCHEDULED or _by_hand(change):
        found.append(_blocker(change.problem or "It waits to be applied.", "wait", "an operator"))
    else:
        found.append(_blocker("It is about to be applied.", "wait", "the portal"))
    return found


def _by_hand(change: ChangeRequest) -> bool:
    """Whether somebody has to start the apply."""
    by_policy = change.connection.apply_policy == Connection.ApplyPolicy.MANUAL
    return by_policy or change.attempts > 0 or change.by_hand
