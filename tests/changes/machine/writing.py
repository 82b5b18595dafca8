"""Proposing and editing, by people and scripts."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.changes.machine.network import PLANS
from tests.changes.machine.outsiders import HANDS, Outsiders
from tests.changes.machine.players import ANYBODY, PICK, SMALL, WRITERS
from tests.changes.machine.words import LAYOUTS, text
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest

TROUBLE = st.sampled_from(["", "", "", *PLANS])
DOOM = st.one_of(st.just(0), st.just(0), st.integers(1, 60))
NUMBERS = st.tuples(SMALL, SMALL, SMALL)
LAYOUT = st.sampled_from(LAYOUTS)
NAMES = st.sampled_from(["alpha", "beta", "epsilon", "zeta", "eta"])
CADENCES = st.sampled_from(["1hour", "6hour", "24hour", "never"])
SETTINGS = ("rename", "set_cadence", "materialize", "unmaterialize", "delete")
ACTIONS = (*SETTINGS, "create_view", "edit_query", "edit_query", "edit_query")
AUTHORS = st.sampled_from(["ann", "bea", "rita"])
OPEN = ("draft", "in_review", "changes_requested", "approved", "scheduled", "needs_rebase", "failed")


class Writing(Outsiders):
    """Hands of those who write changes."""

    def propose(self, who: str, action: str, pick: int, submit: bool, by_token: bool = False, **values: object) -> None:
        made = action == "create_view"
        about = {"connection": self.stage.connection} if made else {"saved_query": self.view(pick)}
        self.do(
            f"{who} proposes {action} of {about.get('saved_query', '')} {values}",
            lambda: services.create(
                author=self.user(who),
                action=action,
                reason="because" if submit or pick % 2 else "",
                submit=submit,
                **about,
                **values,  # type: ignore[arg-type]
            ),
            by_token=by_token,
        )

    @precondition(lambda self: self.is_set)
    @rule(who=WRITERS, pick=PICK, numbers=NUMBERS, layout=LAYOUT, submit=st.booleans(), token=st.booleans())
    def edit(self, who: str, pick: int, numbers: tuple, layout: str, submit: bool, token: bool) -> None:
        self.propose(who, "edit_query", pick, submit, token, query=text(numbers, layout))

    @precondition(lambda self: self.is_set)
    @rule(who=WRITERS, name=NAMES, numbers=NUMBERS, source=st.sampled_from(["raw_000", "alpha", "epsilon"]))
    def new_view(self, who: str, name: str, numbers: tuple, source: str) -> None:
        self.propose(who, "create_view", 0, True, name=name, query=text(numbers, source=source))

    @precondition(lambda self: self.is_set)
    @rule(who=WRITERS, action=st.sampled_from(SETTINGS), pick=PICK, name=NAMES, cadence=CADENCES, submit=st.booleans())
    def set_something(self, who: str, action: str, pick: int, name: str, cadence: str, submit: bool) -> None:
        values = {"rename": {"name": name}, "set_cadence": {"sync_frequency": cadence}}
        self.propose(who, action, pick, submit or pick > 2, **values.get(action, {}))

    @precondition(lambda self: self.is_set)
    @rule(
        who=AUTHORS,
        action=st.sampled_from(ACTIONS),
        pick=PICK,
        numbers=NUMBERS,
        name=NAMES,
        cadence=CADENCES,
        plan=TROUBLE,
        doom=DOOM,
        meanwhile=st.sampled_from(["", "", *HANDS]),
    )
    def all_the_way(
        self,
        who: str,
        action: str,
        pick: int,
        numbers: tuple,
        name: str,
        cadence: str,
        plan: str,
        doom: int,
        meanwhile: str,
    ) -> None:
        """Proposed, approved and carried out, unless something is in the way."""
        values = {
            "edit_query": {"query": text(numbers)},
            "create_view": {"name": name, "query": text(numbers)},
            "rename": {"name": name},
            "set_cadence": {"sync_frequency": cadence},
        }
        known = len(self.changes())
        self.propose(who, action, pick, True, **values.get(action, {}))
        if len(self.changes()) > known:
            change = self.changes()[-1]
            if pick % 2:
                self.get_in_the_way(change, pick)
            self.ledger.network.plan, self.kill_after = plan or self.ledger.network.plan, doom
            self.do(f"max approves {change}", lambda: services.approve(change, self.user("max")))
            if meanwhile and change.saved_query and not change.saved_query.deleted_at:
                self.meddle(str(change.saved_query.posthog_id), meanwhile, numbers[::-1], pick % 4)
            self.work(9)

    @precondition(lambda self: self.is_set and self.changes("draft"))
    @rule(pick=PICK)
    def submit(self, pick: int) -> None:
        if change := self.change(pick, "draft"):
            who = self.writer_of(change, pick)
            self.do(f"{who} submits {change}", lambda: services.submit(change, self.user(who)))

    @precondition(lambda self: self.is_set and self.changes(*OPEN))
    @rule(who=ANYBODY, other=st.booleans(), pick=PICK, numbers=NUMBERS, layout=LAYOUT, name=NAMES, cadence=CADENCES)
    def revise(self, who: str, other: bool, pick: int, numbers: tuple, layout: str, name: str, cadence: str) -> None:
        if change := self.change(pick, *OPEN):
            who = who if other and pick > 8 else self.writer_of(change, pick)
            self.do(
                f"{who} revises {change} ({change.state})",
                lambda: services.revise(
                    change,
                    self.user(who),
                    revision=change.revision_number - (pick == 11),
                    **self.fields(change, numbers, layout, name, cadence),  # type: ignore[arg-type]
                ),
            )

    def fields(self, change: ChangeRequest, numbers: tuple, layout: str, name: str, cadence: str) -> dict[str, object]:
        """New values for what the action of a change has."""
        return {
            "edit_query": {"query": text(numbers, layout)},
            "create_view": {"name": name, "query": text(numbers, layout)},
            "rename": {"name": name},
            "set_cadence": {"sync_frequency": cadence},
            "materialize": {"sync_frequency": cadence},
        }.get(change.action, {"reason": f"because of {numbers}"})

    @precondition(lambda self: self.is_set and self.changes(*OPEN))
    @rule(pick=PICK, layout=LAYOUT)
    def reformat(self, pick: int, layout: str) -> None:
        """The same proposal in another layout."""
        change = self.change(pick, *OPEN)
        if change is None or change.action not in ("edit_query", "create_view"):
            return
        who = self.writer_of(change, pick)
        held = change.revisions.get(number=change.revision_number).proposal["query"]
        plain = held.replace("\r\n", "\n")
        other = {"crlf": plain.replace("\n", "\r\n"), "lower": plain.replace("SELECT", "select")}
        wanted = other.get(layout, f"{plain}\n-- {layout}")
        self.do(
            f"{who} reformats {change} ({change.state})",
            lambda: services.revise(change, self.user(who), wanted, change.revision_number),
        )

    @precondition(lambda self: self.is_set and self.changes(*OPEN))
    @rule(name=ANYBODY, pick=PICK, leaves=st.booleans())
    def share(self, name: str, pick: int, leaves: bool) -> None:
        if change := self.change(pick, *OPEN):
            who = change.author.username
            names = {"remove" if leaves else "add": [name]}
            self.do(f"{who} shares {change} {names}", lambda: services.set_co_authors(change, self.user(who), **names))

    @precondition(lambda self: self.is_set and self.changes("needs_rebase", "in_review", "approved", "failed"))
    @rule(pick=PICK, how=st.sampled_from(["mine", "new", "replace", "replace", "drop"]), numbers=NUMBERS)
    def settle_conflict(self, pick: int, how: str, numbers: tuple) -> None:
        change = self.change(pick, "needs_rebase") or self.change(pick, *OPEN)
        if change is None:
            return
        user = self.user(self.writer_of(change, pick))
        held = change.revisions.get(number=change.revision_number).proposal.get("query")
        query = held if how == "mine" or held is None else text(numbers)
        calls = {
            "replace": lambda: services.replace_remote(change, user),
            "drop": lambda: services.drop_mine(change, user),
        }
        call = calls.get(how, lambda: services.rebase(change, user, query))
        self.do(f"{user} settles {change} ({change.state}) by {how}", call)

    @precondition(lambda self: self.is_set and self.changes("applied"))
    @rule(who=WRITERS, pick=PICK, reason=st.sampled_from(["", "it broke"]))
    def roll_back(self, who: str, pick: int, reason: str) -> None:
        if change := self.change(pick, "applied"):
            self.do(f"{who} rolls back {change}", lambda: services.rollback(change, self.user(who), reason))

    @precondition(lambda self: self.is_set and self.changes(*OPEN))
    @rule(pick=PICK)
    def carry_over(self, pick: int) -> None:
        gone = [one for one in self.changes(*OPEN) if one.saved_query and one.saved_query.deleted_at]
        if change := gone[pick % len(gone)] if gone else None:
            who = self.writer_of(change, pick)
            self.do(f"{who} carries over {change}", lambda: services.carry_over(change, self.user(who)))

    @precondition(lambda self: self.is_set and self.changes("withdrawn", "rejected", "expired"))
    @rule(pick=PICK)
    def reopen(self, pick: int) -> None:
        if change := self.change(pick, "withdrawn", "rejected", "expired"):
            who = change.author.username
            self.do(f"{who} reopens {change}", lambda: services.reopen(change, self.user(who)))
