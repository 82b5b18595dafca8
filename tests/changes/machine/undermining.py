"""What goes wrong right between an approval and its being carried out, where chance alone would seldom strike."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.changes.machine.befalling import Befalling
from tests.changes.machine.players import OPERATORS, PICK, REVIEWERS, SMALL
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest

WAITING = ("in_review", "approved", "scheduled", "failed")
TRAPS = (
    "role",
    "away",
    "dependent",
    "edit",
    "layout",
    "rename",
    "recreate",
    "cadence",
    "no table",
    "objection",
    "co-author",
    *["what hurts most"] * 9,
)
WORST = {
    "create_view": ("role", "objection"),
    "edit_query": ("edit", "edit", "layout", "recreate"),
    "rename": ("dependent", "dependent", "rename"),
    "set_cadence": ("cadence", "no table"),
    "materialize": ("role", "away"),
    "unmaterialize": ("dependent", "no table"),
    "delete": ("dependent", "dependent", "edit"),
}
"""What each action has to notice above all."""


class Undermining(Befalling):
    """Hands that wait for the worst moment."""

    @precondition(lambda self: self.is_set and self.changes(*WAITING))
    @rule(
        how=st.sampled_from(TRAPS),
        reviewer=REVIEWERS,
        operator=OPERATORS,
        pick=PICK,
        numbers=st.tuples(SMALL, SMALL, SMALL),
    )
    def undermine(self, how: str, reviewer: str, operator: str, pick: int, numbers: tuple) -> None:
        """Approved, then undermined, then applied at once by somebody who knows nothing of it."""
        change = self.change(pick, *WAITING)
        if change is None:
            return
        Connection.objects.update(apply_policy=Connection.ApplyPolicy.MANUAL)
        if change.state == "in_review":
            self.do(f"{reviewer} approves {change}", lambda: services.approve(change, self.user(reviewer)))
        change.refresh_from_db()
        if change.state not in ("approved", "scheduled", "failed"):
            return
        if how == "what hurts most":
            how = WORST[change.action][pick % len(WORST[change.action])]
        self.told.append(f"{change} is undermined: {how}")
        self.strike(change, how, pick, numbers)
        self.do(f"{operator} applies {change}", lambda: services.apply(change, self.user(operator)))
        self.work(9)

    def strike(self, change: ChangeRequest, how: str, pick: int, numbers: tuple) -> None:
        voter = change.votes.filter(verdict="approve", voided_at=None).order_by("-pk").first()
        view = self.stage.world.views.get(str(change.saved_query.posthog_id)) if change.saved_query else None
        match how:
            case "role" | "away" if voter is not None:
                self.come_or_go(voter.voter.username, how)
            case "objection" if voter is not None:
                self.do(
                    f"{voter.voter} takes it back",
                    lambda: services.request_changes(change, voter.voter, "on second thoughts"),
                )
            case "co-author" if voter is not None:
                name = voter.voter.username
                self.do(f"{name} joins", lambda: services.set_co_authors(change, change.author, add=[name]))
            case "dependent":
                self.build_on(change, numbers)
            case _ if view is not None and how not in ("role", "away", "objection", "co-author"):
                self.meddle(view.id, how, numbers, pick % 4)
