"""Reviewing, applying and meddling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.changes.machine.outsiders import Outsiders
from tests.changes.machine.players import ANYBODY, OPERATORS, PICK, REVIEWERS
from warehouse_admin.accounts.models import User
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest

Verb = Callable[[ChangeRequest, User, int], object]
VERBS: dict[str, Verb] = {
    "approve": lambda change, user, pick: services.approve(change, user),
    "request_changes": lambda change, user, pick: services.request_changes(change, user, "no"),
    "re_request": lambda change, user, pick: services.re_request(change, user),
    "dismiss": lambda change, user, pick: services.dismiss(change, user, user, "done"),
    "reject": lambda change, user, pick: services.reject(change, user, "no"),
    "withdraw": lambda change, user, pick: services.withdraw(change, user, "no"),
    "reopen": lambda change, user, pick: services.reopen(change, user),
    "comment": lambda change, user, pick: services.comment(change, user, "well"),
    "submit": lambda change, user, pick: services.submit(change, user),
    "apply": lambda change, user, pick: services.apply(change, user),
    "unschedule": lambda change, user, pick: services.unschedule(change, user),
    "drop_mine": lambda change, user, pick: services.drop_mine(change, user),
    "replace_remote": lambda change, user, pick: services.replace_remote(change, user),
    "rollback": lambda change, user, pick: services.rollback(change, user, "because"),
    "carry_over": lambda change, user, pick: services.carry_over(change, user),
    "co_authors": lambda change, user, pick: services.set_co_authors(change, user, add=["bea"]),
}
REVIEWED = ("in_review", "changes_requested")
UNDER_WAY = (*REVIEWED, "draft", "approved", "failed", "needs_rebase", "applying")
DECISIONS = ("approve", "request_changes", "dismiss", "reject")


class Deciding(Outsiders):
    """Hands of reviewers and operators, and of whoever tries what is not theirs to do."""

    @precondition(lambda self: self.is_set and self.changes(*REVIEWED))
    @rule(who=REVIEWERS, pick=PICK, at_once=st.booleans(), stale=st.integers(0, 9))
    def approve(self, who: str, pick: int, at_once: bool, stale: int) -> None:
        if change := self.change(pick, *REVIEWED):
            seen = change.revision_number - (stale == 9)
            self.do(f"{who} approves {change}", lambda: services.approve(change, self.user(who), revision=seen))
        if at_once:
            self.work(9)

    @precondition(lambda self: self.is_set and self.changes(*REVIEWED))
    @rule(who=REVIEWERS, pick=PICK)
    def request_changes(self, who: str, pick: int) -> None:
        if change := self.change(pick, *REVIEWED):
            self.do(f"{who} objects to {change}", lambda: services.request_changes(change, self.user(who), "no"))

    @precondition(lambda self: self.is_set and self.changes("changes_requested", "in_review"))
    @rule(who=ANYBODY, pick=PICK, own=st.booleans(), token=st.integers(0, 9))
    def dismiss(self, who: str, pick: int, own: bool, token: int) -> None:
        change = self.change(pick, "changes_requested") or self.change(pick, "in_review")
        objecting = [vote.voter for vote in change.votes.filter(verdict="request_changes")] if change else []
        if change and objecting:
            voter = objecting[pick % len(objecting)]
            user = self.user(voter.username if own else who)
            told = f"{user} dismisses what {voter} asked of {change}"
            self.do(told, lambda: services.dismiss(change, user, voter, "done"), by_token=token == 9)

    @precondition(lambda self: self.is_set and self.changes("approved", "failed", "scheduled"))
    @rule(who=OPERATORS, pick=PICK, at_once=st.booleans())
    def apply(self, who: str, pick: int, at_once: bool) -> None:
        if change := self.change(pick, "approved", "failed", "scheduled"):
            self.do(f"{who} applies {change}", lambda: services.apply(change, self.user(who)))
        if at_once:
            self.work(9)

    @precondition(lambda self: self.is_set and self.changes("approved", "scheduled"))
    @rule(who=OPERATORS, pick=PICK, minutes=st.sampled_from([-1, 2, 2, 5, 30]))
    def schedule(self, who: str, pick: int, minutes: int) -> None:
        if change := self.change(pick, "approved", "scheduled"):
            at = self.stage.now() + timedelta(minutes=minutes)
            self.do(f"{who} schedules {change} in {minutes} min", lambda: services.schedule(change, self.user(who), at))

    @precondition(lambda self: self.is_set and self.changes(*UNDER_WAY))
    @rule(who=REVIEWERS, pick=PICK)
    def go_on(self, who: str, pick: int) -> None:
        """The step that usually comes next: without it few changes would get far."""
        self.next_step(who, pick)

    @precondition(lambda self: self.is_set and self.changes(*UNDER_WAY))
    @rule(who=REVIEWERS, picks=st.lists(PICK, min_size=2, max_size=4))
    def go_on_for_long(self, who: str, picks: list[int]) -> None:
        for pick in picks:
            self.next_step(who, pick)

    def next_step(self, who: str, pick: int) -> None:
        change = self.change(pick, *UNDER_WAY)
        if change is None:
            return
        if change.state in (*REVIEWED, "approved") and pick % 2:
            self.get_in_the_way(change, pick)
        user, author = self.user(who), self.user(self.writer_of(change, pick))
        calls: dict[str, Callable[[], object]] = {
            "draft": lambda: services.save_revision(
                change, author, {}, revision=change.revision_number, reason="because", submitting=True
            ),
            "in_review": lambda: services.approve(change, user),
            "changes_requested": lambda: services.approve(change, user),
            "approved": lambda: services.apply(change, self.user("otto")),
            "failed": lambda: services.apply(change, self.user("max")),
            "needs_rebase": lambda: services.replace_remote(change, author),
            "applying": lambda: None,
        }
        self.do(f"{who} or {author} goes on with {change} ({change.state})", calls[change.state])
        self.work(9)

    @precondition(lambda self: self.is_set and self.changes())
    @rule(who=ANYBODY, verb=st.sampled_from(sorted(VERBS)), pick=PICK, token=st.booleans())
    def anything(self, who: str, verb: str, pick: int, token: bool) -> None:
        """Whoever, whatever, in any state, also by a script."""
        if change := self.change(pick):
            votes = change.votes.count()
            told = f"{who}{' by token' if token else ''} tries {verb} on {change} ({change.state})"
            self.do(told, lambda: VERBS[verb](change, self.user(who), pick), by_token=token)
            if token and verb in DECISIONS:
                assert not self.told[-1].endswith(": done"), self.told[-1]
                assert change.votes.count() == votes
