"""Which votes count: derived from the revisions, the people and their roles as they are now, never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import REVIEW, ROLE_PERMISSIONS, Role, roles_from_groups
from warehouse_admin.changes.models import ChangeRequest, Credit, Revision, Vote

Reviewers = dict[str, frozenset[int]]
Credits = dict[int, frozenset[int]]
ONE_REVIEWER: list[dict[str, Any]] = [{"label": "One reviewer", "role": Role.REVIEWER.value, "count": 1}]
"""The one rule there is; every revision keeps the rule that it was saved under."""
_OF_QUERIES = ("create_view", "edit_query")


@dataclass(frozen=True)
class Requirement:
    """So many different people of a role have to approve; `people` did, and count."""

    label: str
    role: str
    count: int
    people: tuple[User, ...]

    @property
    def missing(self) -> int:
        return max(self.count - len(self.people), 0)


@dataclass(frozen=True)
class Tally:
    """What the votes on a revision come to right now."""

    why_not: dict[int, str]  # by the key of a vote: why it does not count, empty when it does
    votes: tuple[Vote, ...]  # all of them, oldest first
    requirements: tuple[Requirement, ...]

    def counts(self, vote: Vote) -> bool:
        return not self.why_not[vote.pk]

    @property
    def approvals(self) -> list[Vote]:
        return [vote for vote in self.votes if vote.verdict == Vote.Verdict.APPROVE and self.counts(vote)]

    @property
    def objections(self) -> list[Vote]:
        return [vote for vote in self.votes if vote.verdict == Vote.Verdict.REQUEST_CHANGES and self.counts(vote)]

    @property
    def approved(self) -> bool:
        return not self.objections and not any(each.missing for each in self.requirements)


def tally(change: ChangeRequest, revision: Revision | None = None) -> Tally:
    """Count the votes, by default for the current revision; no query for what `selectors` has read beforehand."""
    steps = steps_of(change)
    if revision is None:
        revision = next(step for step in steps if step.number == change.revision_number)
    reviewers = _reviewers_for(change)
    votes = tuple(_votes(change))
    editors = _editors(revision, steps) | {change.author_id}
    suggesting = suggested_by(change, revision)
    why_not = {vote.pk: _why_not(vote, change, revision, steps, editors, suggesting, reviewers) for vote in votes}
    approving = [vote.voter for vote in votes if vote.verdict == Vote.Verdict.APPROVE and not why_not[vote.pk]]
    wanted = tuple(
        Requirement(
            rule["label"],
            rule["role"],
            rule["count"],
            tuple(person for person in approving if person.pk in reviewers.get(rule["role"], ())),
        )
        for rule in revision.requirements or ONE_REVIEWER  # older than the rule: held to it all the same
    )
    return Tally(why_not, votes, wanted)


def hands(change: ChangeRequest, revision: Revision) -> frozenset[int]:
    """Who wrote this: author, co-authors, and whoever saved, or suggested, a revision that means the same as this."""
    editors = _editors(revision, steps_of(change)) | suggested_by(change, revision)
    return frozenset({change.author_id} | editors | {person.pk for person in co_authors(change)})


def suggested_by(change: ChangeRequest, revision: Revision) -> set[int]:
    """Whose accepted suggestions are part of what this revision means; they may object to it, and never approve it."""
    credited = credits_of(change)
    if not credited:
        return set()
    same = [step.pk for step in steps_of(change) if step.meaning_digest == revision.meaning_digest]
    return {person for key in same for person in credited.get(key, ())}


def credits_of(change: ChangeRequest) -> Credits:
    """By the key of each revision, the keys of the people whose suggestions are part of it."""
    known: Credits | None = getattr(change, "credited", None)
    if known is not None:
        return known
    return read_credits([change]).get(change.pk, {})


def read_credits(changes: Iterable[ChangeRequest]) -> dict[int, Credits]:
    """The same of several changes, by their keys, in one query."""
    found: dict[int, Credits] = {}
    rows = Credit.objects.filter(revision__change__in=[change.pk for change in changes])
    for change, revision, person in rows.values_list("revision__change", "revision", "person"):
        of_it = found.setdefault(change, {})
        of_it[revision] = of_it.get(revision, frozenset()) | {person}
    return found


def who_lifts(objection: Vote) -> str:
    """Who ends a request for changes, and how: no edit does."""
    theirs = f"{objection.voter.display_name} by a new vote or by taking the request back"
    return f"{theirs}, or an administrator who did not write it, with a reason"


def co_authors(change: ChangeRequest) -> list[User]:
    if not getattr(change, "is_shared", True):
        return []
    known: list[User] | None = change.prefetched("co_authors")
    return list(change.co_authors.all()) if known is None else known


def can_review(change: ChangeRequest, revision: Revision) -> bool:
    """Whether anybody could approve it: an active reviewer who did not write it."""
    everybody = frozenset().union(*_reviewers_for(change).values())
    return bool(everybody - hands(change, revision))


def reviewers() -> Reviewers:
    """Who may vote right now: the keys of active people by the role that lets them."""
    voting = [role for role, given in ROLE_PERMISSIONS.items() if REVIEW in given]
    rows = User.objects.filter(is_active=True, groups__name__in=[role.label for role in voting])
    found: dict[str, set[int]] = {role.value: set() for role in voting}
    for key, group in rows.values_list("pk", "groups__name"):
        for role in roles_from_groups([group]) & set(voting):
            found[role.value].add(key)
    return {role: frozenset(keys) for role, keys in found.items()}


def _reviewers_for(change: ChangeRequest) -> Reviewers:
    """As a page or a list has read them for all it shows, else as they are now."""
    known: Reviewers | None = getattr(change, "reviewers", None)
    return reviewers() if known is None else known


def _editors(revision: Revision, steps: Iterable[Revision]) -> set[int]:
    return {revision.editor_id} | {step.editor_id for step in steps if step.meaning_digest == revision.meaning_digest}


def steps_of(change: ChangeRequest) -> list[Revision]:
    """Number, editor and meaning of every revision, oldest first, without their texts."""
    known: list[Revision] | None = getattr(change, "steps", None)
    if known is not None:
        return known
    return list(change.revisions.only("change", "number", "editor", "meaning_digest", "requirements"))


def _votes(change: ChangeRequest) -> list[Vote]:
    known: list[Vote] | None = change.prefetched("votes")
    return list(Vote.objects.filter(change=change).select_related("voter")) if known is None else known


def _why_not(
    vote: Vote,
    change: ChangeRequest,
    revision: Revision,
    steps: list[Revision],
    editors: set[int],
    suggesting: set[int],
    voting: Reviewers,
) -> str:
    """Co-authors have no standing vote: one is given up when they are named, and the database refuses another."""
    if vote.voided_at:
        return vote.voided_because or "voided"
    if vote.voter_id in editors:
        return f"{vote.voter.display_name} wrote this"
    if not vote.voter.is_active:
        return f"{vote.voter.display_name} was deactivated"
    if not any(vote.voter_id in keys for keys in voting.values()):
        return f"{vote.voter.display_name} may no longer review"
    if vote.verdict == Vote.Verdict.APPROVE:
        # An objection stands: otherwise to accept a suggestion of whoever objects would be a way around it.
        if vote.voter_id in suggesting:
            return f"{vote.voter.display_name} suggested a part of this"
        return _departure(vote, change, revision, steps) or _overtaken(change)
    return ""  # a request for changes outlives every edit, until somebody takes it back


def _departure(vote: Vote, change: ChangeRequest, revision: Revision, steps: list[Revision]) -> str:
    """The last revision that left the meaning which was approved; empty while that still stands."""
    approved = next(step.meaning_digest for step in steps if step.pk == vote.revision_id)
    if approved == revision.meaning_digest:
        return ""
    before = approved
    left = revision.number
    for step in steps:
        if step.meaning_digest != approved and before == approved:
            left = step.number
        before = step.meaning_digest
    return f"r{left} changed {what_changed(change)}"


def _overtaken(change: ChangeRequest) -> str:
    """Approved was a change of something that PostHog does not hold any more; a rebase tells what counts then."""
    return "PostHog has moved on since" if change.state == ChangeRequest.State.NEEDS_REBASE else ""


def what_changed(change: ChangeRequest) -> str:
    """What a real edit of a change is an edit of."""
    return "the query" if change.action in _OF_QUERIES else "what is proposed"
