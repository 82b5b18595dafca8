"""What befalls: others in PostHog, a bad network, dying workers, time, syncs, people who come and go."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.changes.machine.network import PLANS
from tests.changes.machine.outsiders import HANDS, Outsiders
from tests.changes.machine.players import PICK, SMALL
from tests.changes.machine.words import text
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, roles_of
from warehouse_admin.changes import services
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.posthog import errors
from warehouse_admin.sandbox.faults import Fault

READS = ("status_500", "drop_before", "status_429", "html_200", "truncated", "revoke_key")
ON = precondition(lambda self: self.is_set)


class Befalling(Outsiders):
    """Hands of fate."""

    @ON
    @rule(pick=PICK, how=st.sampled_from(HANDS), numbers=st.tuples(SMALL, SMALL, SMALL), name=st.integers(0, 3))
    def outside(self, pick: int, how: str, numbers: tuple, name: int) -> None:
        """Somebody works in PostHog itself."""
        if view := self.remote(pick):
            self.meddle(view, how, numbers, name)

    @ON
    @rule(pick=PICK, numbers=st.tuples(SMALL, SMALL, SMALL))
    def dependent(self, pick: int, numbers: tuple) -> None:
        """Somebody builds on a view."""
        world, view = self.stage.world, self.remote(pick)
        if view is not None and len(world.newest_views()) < 9:
            name = f"uses_{len(world.views)}"
            world.create_outside(name, text(numbers, source=world.view(view).name))
            self.told.append(f"outside: {name} selects from {world.view(view).name}")

    @ON
    @rule(plan=st.sampled_from(PLANS))
    def trouble_with_a_write(self, plan: str) -> None:
        self.ledger.network.plan = plan
        self.told.append(f"the next write: {plan}")

    @ON
    @rule(kind=st.sampled_from(READS), times=st.sampled_from([1, 1, 5]), after=SMALL)
    def trouble_with_reads(self, kind: str, times: int, after: int) -> None:
        self.stage.world.faults.add(Fault(kind, "GET", "warehouse_saved_queries", times, after, retry_after=0))
        self.told.append(f"reads: {kind} x{times} after {after}")

    @ON
    @rule(statement=st.integers(1, 60))
    def doom(self, statement: int) -> None:
        """The next worker dies at some statement."""
        self.kill_after = statement
        self.told.append(f"the next worker dies at statement {statement}")

    @precondition(lambda self: self.is_set and self.stage.queue)
    @rule(again=st.booleans())
    def deliver(self, again: bool) -> None:
        """The worker takes a task, which may be delivered twice."""
        if again:
            self.stage.queue.append(self.stage.queue[0])
        self.work()

    @precondition(lambda self: self.is_set and self.stage.queue)
    @rule()
    def lose_queue(self) -> None:
        self.stage.queue.clear()
        self.told.append("the broker forgets everything")

    @ON
    @rule(seconds=st.sampled_from([0, 1, 16, 40, 71, 71, 150, 660, 3_600]))
    def sweep(self, seconds: int) -> None:
        """Time passes, and the sweep comes by."""
        self.pass_time(seconds)
        self.until_killed(f"sweep after {seconds} s", services.settle_open)

    def pass_time(self, seconds: float) -> None:
        """A request that is on its way arrives within the write time-out, or never."""
        if seconds > 15:
            self.ledger.network.arrive()
        self.stage.clock.advance(seconds)
        cache.clear()  # where the waits that PostHog asked for are kept, by a clock that nobody here moves

    @ON
    @rule(days=st.sampled_from([1, 20, 50, 61]))
    def expire(self, days: int) -> None:
        self.until_killed(f"expiry in {days} days", lambda: services.expire_idle(now=self.stage.later(days * 86_400)))

    @ON
    @rule(pick=PICK, full=st.booleans())
    def mirror(self, pick: int, full: bool) -> None:
        def sync() -> None:
            with suppress(UserError):
                run = mirror.start_sync(
                    connection=Connection.objects.get(), kind="full" if full else "incremental", queue=False
                )
                mirror.run_sync(run.pk)

        self.until_killed("sync", sync)
        silent = datetime.now(UTC) - timedelta(minutes=2)  # the database's own clock, which nobody here moves
        SyncRun.objects.filter(state__in=SyncRun.OPEN).update(heartbeat_at=silent)

    @ON
    @rule(pick=PICK)
    def read_one(self, pick: int) -> None:
        with self.stage.committing(), suppress(errors.PostHogError, UserError):
            mirror.read_live(self.view(pick))
        self.told.append("one view is read")

    @ON
    @rule(who=st.sampled_from(["rita", "rolf", "max", "otto", "ann", "bea"]), active=st.booleans())
    def come_or_go(self, who: str, active: bool) -> None:
        """A person gets or loses access, or a role."""
        user = self.user(who)
        fitting = {"r": Role.REVIEWER, "o": Role.OPERATOR}.get(who[0], Role.EDITOR)
        roles = set(roles_of(user)) ^ (set() if active else {fitting})
        is_active = not user.is_active if active else user.is_active
        self.do(
            f"ada sets {who} to {sorted(roles)} {is_active}",
            lambda: accounts.update_person(
                actor=User.objects.get(username="ada"),
                user=user,
                email=user.email,
                full_name="",
                roles=roles,
                is_active=is_active,
            ),
        )

    @ON
    @rule(automatic=st.booleans(), active=st.sampled_from([True, True, True, False]))
    def policy(self, automatic: bool, active: bool) -> None:
        policy = Connection.ApplyPolicy.AUTOMATIC if automatic else Connection.ApplyPolicy.MANUAL
        Connection.objects.update(apply_policy=policy, is_active=active)
        self.told.append(f"policy {policy}, active {active}")

    @ON
    @rule()
    def mend(self) -> None:
        """An administrator makes sure that the connection and its key work, and that everybody is back."""
        world = self.stage.world
        world.faults.clear()
        world.restore_key(self.stage.server.key)
        Connection.objects.update(is_active=True)
        with self.stage.committing():
            accounts.check_connection(Connection.objects.get())
        self.stage.connection.refresh_from_db()
        self.told.append("mended")
