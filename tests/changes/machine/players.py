"""What every hand of the machine shares: the stage, the ledger, and one way to do a thing and to look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import connection as database
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.changes.machine.ledger import Ledger
from tests.changes.machine.stage import PEOPLE, Killed, Stage
from warehouse_admin.accounts.models import User
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror.models import SavedQuery

ANYBODY = st.sampled_from(sorted(PEOPLE))
WRITERS = st.sampled_from(["ann", "ann", "bea", "rita", "rolf", "otto", "ada", "max", "vic"])
REVIEWERS = st.sampled_from(["rita", "rita", "rolf", "max"])
OPERATORS = st.sampled_from(["otto", "max"])
PICK = st.integers(0, 11)
SMALL = st.integers(0, 2)


class Players(RuleBasedStateMachine):
    """The base of all hands. `told` is the tale so far, for whoever reads a failure."""

    stage: Stage
    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.is_set = False
        self.is_broken = False
        self.kill_after = 0

    def do(self, told: str, call: Callable[[], object], *, by_token: bool = False) -> None:
        """One thing somebody does, in a unit of work of its own; then everything is looked at."""
        before = self.ledger.rows()
        refusal: UserError | None = None
        request = context.RequestContext(token_name="ci" if by_token else "")
        self.told.append(told)
        with self.telling():
            with self.stage.committing(), context.use(request):
                try:
                    call()
                except UserError as error:
                    refusal = error
            self.told[-1] = f"{told}: {refusal.message if refusal else 'done'}"
            if refusal is not None:
                self.ledger.refused(before, refusal)
            self.ledger.check()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What goes wrong in this block is told with the whole tale before it."""
        try:
            yield
        except Exception as wrong:
            if not self.is_broken:
                wrong.add_note("\n".join(self.told))
            self.is_broken = True
            raise

    def work(self, times: int = 1) -> None:
        """The worker takes the oldest tasks off its queue; `kill_after` is the statement at which it dies."""
        for _ in range(times):
            if not self.stage.queue:
                return
            key = self.stage.queue.pop(0)
            self.until_killed(f"worker #{key}", lambda key=key: services.advance(key))

    def until_killed(self, told: str, call: Callable[[], object]) -> None:
        left, self.kill_after = self.kill_after, 0
        statements = 0

        def counting(execute, sql, parameters, many, how):  # type: ignore[no-untyped-def]
            nonlocal statements
            statements += 1
            if statements == left:
                raise Killed
            return execute(sql, parameters, many, how)

        def guarded() -> None:
            try:
                with database.execute_wrapper(counting):
                    call()
            except Killed:
                self.told.append("  killed")

        self.told.append(told)
        with self.telling():
            with self.stage.committing(), context.use(context.RequestContext()):
                guarded()
            self.ledger.check()

    def user(self, name: str) -> User:
        return self.stage.user(name)

    def changes(self, *states: str) -> list[ChangeRequest]:
        found = ChangeRequest.objects.order_by("pk")
        return list(found.filter(state__in=states) if states else found)

    def change(self, pick: int, *states: str) -> ChangeRequest | None:
        """One in these states, newer ones sooner; None where there is none."""
        found = self.changes(*states)
        return found[-1 - pick % min(len(found), 4)] if found else None

    def writer_of(self, change: ChangeRequest, pick: int) -> str:
        """Whoever may edit it: the author, or now and then a co-author."""
        names = [change.author.username, *change.co_authors.order_by("pk").values_list("username", flat=True)]
        return names[pick % len(names)]

    def view(self, pick: int) -> SavedQuery:
        """One of the mirror, also one that is gone."""
        rows = list(SavedQuery.objects.order_by("pk"))
        return rows[-1 - pick % len(rows)]

    def remote(self, pick: int) -> str | None:
        """The id of a view that is in PostHog now."""
        with suppress(IndexError):
            rows = [view for view in self.stage.world.newest_views()]
            return rows[pick % len(rows)].id if rows else None
        return None
