"""What befalls: others in PostHog, a bad network, dying workers, time, syncs, people who come and go."""

from __future__ import annotations

from contextlib import suppress

from django.core.cache import cache
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.changes.machine.network import PLANS
from tests.changes.machine.outsiders import HANDS, Outsiders
from tests.changes.machine.players import PICK, SMALL
from tests.changes.machine.stage import PEOPLE
from tests.changes.machine.words import text
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import Role, roles_of
from warehouse_admin.changes import services
from warehouse_admin.changes.models import Vote
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.posthog import errors
from warehouse_admin.sandbox.faults import Fault

FATES = (
    "trouble with a write",
    "trouble with a write",
    "trouble with reads",
    "doom",
    "lost tasks",
    "expiry",
    "sync",
    "sync",
    "read",
    "away",
    "away",
    "role",
    "voter",
    "voter",
    "voter",
    "policy",
    "policy",
    "paused",
    "mended",
    "mended",
)
READS = ("status_500", "drop_before", "status_429", "html_200", "truncated", "revoke_key")
COMING = ("rita", "rolf", "max", "otto", "ann", "bea")
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
    @rule(what=st.sampled_from(FATES), pick=PICK, plan=st.sampled_from(PLANS), number=st.integers(1, 60))
    def fate(self, what: str, pick: int, plan: str, number: int) -> None:
        """One of the things that nobody in the portal asked for."""
        match what:
            case "trouble with a write":
                self.ledger.network.plan = plan
                self.told.append(f"the next write: {plan}")
            case "trouble with reads":
                self.trouble_with_reads(READS[pick % len(READS)], 1 + 4 * (number % 3 == 0), number % 3)
            case "doom":
                self.kill_after = number
                self.told.append(f"the next worker dies at statement {number}")
            case "lost tasks":
                self.stage.queue.clear()
                self.told.append("the broker forgets everything")
            case "expiry":
                later = self.stage.later((20, 50, 61)[pick % 3] * 86_400)
                self.until_killed(f"expiry at {later}", lambda: services.expire_idle(now=later))
            case "sync":
                self.mirror("full" if pick % 2 else "incremental")
            case "read":
                with self.stage.committing(), suppress(errors.PostHogError, UserError):
                    mirror.read_live(self.view(pick))
                self.told.append("one view is read")
            case "away" | "role":
                self.come_or_go(COMING[pick % len(COMING)], what)
            case "voter" if voter := self.voter(pick):
                self.come_or_go(voter, "away" if number % 2 else "role")
            case "policy":
                policy = Connection.ApplyPolicy.AUTOMATIC if pick % 2 else Connection.ApplyPolicy.MANUAL
                Connection.objects.update(apply_policy=policy)
                self.told.append(f"policy {policy}")
            case "paused":
                Connection.objects.update(is_active=False)
                self.told.append("the connection is paused")
            case "mended":
                self.mend()

    @precondition(lambda self: self.is_set and self.stage.queue)
    @rule(again=st.booleans())
    def deliver(self, again: bool) -> None:
        """The worker takes a task, which may be delivered twice."""
        if again:
            self.stage.queue.append(self.stage.queue[0])
        self.work()

    @ON
    @rule(seconds=st.sampled_from([0, 1, 16, 40, 71, 71, 150, 660, 3_600]))
    def sweep(self, seconds: int) -> None:
        """Time passes, and the sweep comes by. What is on its way arrives within the write time-out, or never."""
        if seconds > 15:
            self.ledger.network.arrive()
        self.stage.clock.advance(seconds)
        cache.clear()  # where the waits that PostHog asked for are kept, by a clock that nobody here moves
        self.until_killed(f"sweep after {seconds} s", services.settle_open)

    def trouble_with_reads(self, kind: str, times: int, after: int) -> None:
        self.stage.world.faults.add(Fault(kind, "GET", "warehouse_saved_queries", times, after, retry_after=0))
        self.told.append(f"reads: {kind} x{times} after {after}")

    def come_or_go(self, who: str, what: str) -> None:
        """A person gets or loses access, or the role that they came with."""
        user = self.user(who)
        roles = roles_of(user) ^ ({PEOPLE[who][0]} if what == "role" else set())
        self.set_person(who, set(roles), user.is_active ^ (what == "away"))

    def voter(self, pick: int) -> str | None:
        """Somebody on whose approval a change rests that was not applied yet."""
        resting = Vote.objects.filter(change__state__in=("approved", "scheduled", "failed"), voided_at=None)
        names = resting.filter(voter__groups__name="Reviewer").order_by("-pk").values_list("voter__username", flat=True)
        return names[pick % len(names)] if names else None

    def set_person(self, who: str, roles: set[Role], is_active: bool) -> None:
        user = self.user(who)
        self.do(
            f"{who} is {', '.join(sorted(roles)) or 'nothing'}{'' if is_active else ', and away'}",
            lambda: accounts.update_person(
                actor=None, user=user, email=user.email, full_name="", roles=roles, is_active=is_active
            ),
        )

    def mend(self) -> None:
        """An administrator makes sure that the connection and its key work, and that everybody is back."""
        world = self.stage.world
        world.faults.clear()
        world.restore_key(self.stage.server.key)
        Connection.objects.update(is_active=True)
        cache.clear()
        with self.stage.committing():
            accounts.check_connection(Connection.objects.get())
        self.stage.connection.refresh_from_db()
        self.told.append("mended")
        for who in COMING:
            user = self.user(who)
            if set(roles_of(user)) != set(PEOPLE[who]) or not user.is_active:
                self.set_person(who, set(PEOPLE[who]), True)
