"""Where the machine plays: a small PostHog, a mirror of it, the people, one clock for both sides, and a queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction

from tests.changes.machine.words import text
from tests.mirror.story import Still
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.budget import SharedBudget
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.changes import apply as applying
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.posthog.client import Client
from warehouse_admin.sandbox.server import SandboxServer

PEOPLE: dict[str, tuple[Role, ...]] = {
    "ann": (Role.EDITOR,),
    "bea": (Role.EDITOR,),
    "rita": (Role.REVIEWER,),
    "rolf": (Role.REVIEWER,),
    "otto": (Role.OPERATOR,),
    "ada": (Role.ADMIN,),
    "max": (Role.REVIEWER, Role.OPERATOR, Role.ADMIN),
    "vic": (Role.VIEWER,),
}
VIEWS = ("alpha", "beta", "gamma", "delta")


class Killed(BaseException):
    """The worker process is gone: nothing catches this."""


class Stage:
    """One example's world. Everything in the database is undone when it closes."""

    def __init__(self, generation: str, policy: str) -> None:
        self.patch = pytest.MonkeyPatch()
        self.clock = Still()
        self.queue: list[int] = []
        for waits in ("posthog.client.BACKOFF", "mirror.sync.fetch.FALLBACK_WAIT"):
            self.patch.setattr(f"warehouse_admin.{waits}", 0.001)
        self.patch.setattr("warehouse_admin.sandbox.store.Clock", lambda: self.clock)
        self.patch.setattr("warehouse_admin.sandbox.synthetic.TABLES", 2)
        self.patch.setattr("warehouse_admin.sandbox.world.World.tick", lambda world: None)  # nothing runs by itself
        self.patch.setattr("django.utils.timezone.now", self.now)
        self.patch.setattr(applying, "_queue", self.queue.append)
        for waiting in (Client, SharedBudget):
            # Waits that PostHog asked for are over at once.
            self.patch.setitem(waiting.__init__.__kwdefaults__, "sleep", lambda seconds: cache.clear())
        self._undone = transaction.atomic()
        self._undone.__enter__()
        cache.clear()
        self.depth = len(database.savepoint_ids)
        self.server = SandboxServer(generation=generation, size=1).start()
        self.world = self.server.world
        self.people = {name: self._person(name, roles) for name, roles in PEOPLE.items()}
        with self.committing():
            self._fill()
            self.connection = Connection.objects.create(
                slug="demo",
                name="Demo",
                host=self.server.url,
                project_id=str(self.server.project_id),
                api_key=self.server.key,
                budget_per_minute=0,
                budget_per_hour=0,
                apply_policy=policy,
                vanish_limit_percent=100,
            )
            accounts.check_connection(self.connection)
            self.sync(SyncRun.Kind.FULL)

    def close(self) -> None:
        try:
            self.server.stop()
            database.run_on_commit.clear()
            transaction.set_rollback(True)
            self._undone.__exit__(None, None, None)
        finally:
            self.patch.undo()

    def _person(self, name: str, roles: tuple[Role, ...]) -> int:
        user = User.objects.create(username=name, email=f"{name}@example.com")
        for role in roles:
            give_role(user, role)
        return user.pk

    def _fill(self) -> None:
        for number, name in enumerate(VIEWS):
            source = "alpha" if name == "gamma" else "raw_000"
            self.world.create_outside(name, text((number % 3, 1, 2), source=source), by="ben")
        self.world.materialize_outside("beta", "6hour")

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def later(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)

    def user(self, name: str) -> User:
        """The person as stored now: nobody remembers roles between two clicks."""
        return User.objects.get(pk=self.people[name])

    def sync(self, kind: str = SyncRun.Kind.INCREMENTAL) -> SyncRun:
        return sync(self.connection, kind)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """A block at whose end, however it ends, what its transactions queued for their commit is done in order."""
        start = len(database.run_on_commit)
        try:
            yield
        finally:
            while len(database.run_on_commit) > start:
                database.run_on_commit.pop(start)[1]()
