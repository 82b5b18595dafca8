"""A random tale of a warehouse that changes, a network that fails and syncs that get killed; the same for a seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.mirror.logs import PROJECT_LOG, VIEW_LOG, allow_everything, refuse
from tests.mirror.paths import DETAIL, JOBS, LIST, TABLES
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services as activity
from warehouse_admin.mirror import attention, services
from warehouse_admin.mirror.errors import SyncRunning
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.posthog import errors
from warehouse_admin.sandbox.clock import Clock
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import Table, View
from warehouse_admin.sandbox.server import SandboxServer

OTHERS = (TABLES, JOBS, PROJECT_LOG, VIEW_LOG, "")
PATHS = (LIST, LIST, DETAIL, DETAIL, *OTHERS)
FAULTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("status_429", {"retry_after": 0}),
    ("status_429", {}),
    ("status_500", {}),
    ("status_503_html", {}),
    ("drop_before", {}),
    ("drop_after", {}),
    ("slow", {"seconds": 0.03}),
    ("truncated", {"length": "cut"}),
    ("truncated", {"length": "full"}),
    ("html_200", {}),
    ("empty_200", {}),
    ("empty_list", {}),
    ("shrink_list", {"keep": 0.5}),
    ("shrink_list", {"keep": 0.9}),
    ("shift", {"by": 1}),
    ("shift", {"by": -1}),
    ("redirect", {"location": "https://elsewhere.example/api/"}),
    ("revoke_key", {}),
)


class Still(Clock):
    """Time that only moves when it is told to, and may be hours off from the portal's."""

    def __init__(self, offset: float = 0.0) -> None:
        super().__init__(offset)
        self.base = super().now() - offset

    def now(self) -> float:
        self.offset += 1e-6  # no two things happen at the same moment
        return self.base + self.offset


class Killed(BaseException):
    """Nothing in the portal catches this, as nothing survives a kill."""


class Story:
    """One seed's tale. `texts` is every SQL text that each view ever had, oldest first."""

    def __init__(
        self, seed: int, server: SandboxServer, connection: Connection, person: User, patch: pytest.MonkeyPatch
    ) -> None:
        self.chance = random.Random(seed)
        self.server, self.world = server, server.world
        self.connection, self.person, self._patch = connection, person, patch
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.refuses_log = False
        self.told: list[str] = []
        self._named = 0
        self._remember()

    def _remember(self) -> None:
        for view in self.world.views.values():
            if not self.texts[view.id] or self.texts[view.id][-1] != view.sql:
                self.texts[view.id].append(view.sql)

    # what befalls the warehouse

    def change(self) -> None:
        """One thing that somebody does in PostHog, or that time does."""
        moves: list[Callable[[], object]] = [
            self._edit,
            self._edit,
            self._edit_back,
            self._rename,
            self._rename_back,
            self._create,
            self._delete,
            self._recreate,
            self._cadence,
            self._pause,
            self._suspend,
            self._run,
            self._advance,
            self._table,
        ]
        move = self.chance.choice(moves) if len(self.world.newest_views()) > 5 else self._create
        with self.world.lock:
            self._remember()
            move()
            self._remember()
        self.told.append(move.__name__)

    def _view(self) -> View:
        return self.chance.choice([view for view in self.world.newest_views()])

    def _scheduled(self) -> View | None:
        views = [view for view in self.world.newest_views() if view.schedule is not None]
        return self.chance.choice(views) if views else None

    def _name(self) -> str:
        self._named += 1
        return f"made_{self._named}"

    def _sql(self) -> str:
        self._named += 1
        return f"SELECT {self._named} AS " + self.chance.choice(["one", "two", "amount"])

    def _edit(self) -> None:
        self.world.edit_outside(self._view().id, self._sql())

    def _edit_back(self) -> None:
        view = self._view()
        self.world.edit_outside(view.id, self.chance.choice(self.texts[view.id]))

    def _rename(self) -> None:
        view = self._view()
        view.description = view.description or view.name
        self.world.rename_outside(view.id, self._name())

    def _rename_back(self) -> None:
        view = self._view()
        if view.description and self.world.view_by_name(view.description) is None:
            self.world.rename_outside(view.id, view.description)

    def _create(self) -> None:
        if len(self.world.newest_views()) < 14:
            self.world.create_outside(self._name(), self._sql())

    def _delete(self) -> None:
        if len(self.world.newest_views()) > 8:
            self.world.delete_outside(self._view().id)

    def _recreate(self) -> None:
        view = self._view()
        name = view.name
        self.world.delete_outside(view.id)
        self.world.create_outside(name, self._sql())

    def _cadence(self) -> None:
        if view := self._scheduled():
            self.world.set_cadence_outside(view.id, self.chance.choice(["1hour", "6hour", "24hour"]))

    def _pause(self) -> None:
        if view := self._scheduled():
            self.world.pause(view.id)

    def _suspend(self) -> None:
        if view := self._scheduled():
            self.world.suspend(view.id)

    def _run(self) -> None:
        if view := self._scheduled():
            self.world.run_outside(view.id, finish=self.chance.random() < 0.5)

    def _advance(self) -> None:
        self.world.advance(self.chance.choice([5, 60, 3_600, 8 * 3_600]))

    def _table(self) -> None:
        live = [table for table in self.world.tables.values() if not table.deleted]
        table = self.chance.choice(live)
        match self.chance.choice(["make", "rename", "delete", "columns"]):
            case "make":
                name, now = self._name(), self.world.now()
                self.world.add_table(Table(self.world.new_id(), name, "Parquet", "https://bulk.example/*", 1, now))
            case "rename":
                table.name = self._name()
            case "columns":
                table.columns = [["only", "string"]]
            case _ if len(live) > 5 and table.view_id is None:
                table.deleted = True
        self.world.reindex()

    # what befalls the network

    def trouble(self) -> None:
        kind, options = self.chance.choice(FAULTS)
        path = self.chance.choice(PATHS[:4] if kind == "shrink_list" else PATHS)
        times = self.chance.choice([1, 1, 2, 5])
        self.world.faults.add(Fault(kind, "GET", path, times, self.chance.choice([0, 0, 1, 3]), **options))
        self.told.append(f"{kind} {path} x{times}")

    def refuse_log(self) -> None:
        """The project's log is part of a plan that this project does not pay for."""
        self.refuses_log = True
        refuse(self.server, PROJECT_LOG)

    def allow_log(self) -> None:
        self.refuses_log = False
        allow_everything(self.server, self.connection)

    def calm(self) -> None:
        self.world.faults.clear()
        if self.refuses_log:
            self.refuse_log()
        self._mend_key()

    def _mend_key(self) -> None:
        """The key works again, and somebody checks the connection, which need not succeed while there is trouble."""
        self.world.restore_key(self.server.key)
        self.connection.refresh_from_db()
        if self.connection.key_refused_at:
            accounts.check_connection(self.connection)
            self.connection.refresh_from_db()

    # syncs

    def sync(self, kind: str = "incremental") -> SyncRun:
        """One sync to its end, whatever that is; a killed one is closed as a minute's silence would close it."""
        with suppress(SyncRunning):
            services.start_sync(connection=self.connection, kind=kind)
        open_one = SyncRun.objects.get(connection=self.connection, state__in=SyncRun.OPEN)
        try:
            services.run_sync(open_one.pk)
        except Killed:
            self.told.append("killed")
            SyncRun.objects.filter(pk=open_one.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=2))
            if self.chance.random() < 0.5:
                services.close_stuck_syncs()
        open_one.refresh_from_db()
        self.told.append(f"sync {kind}: {open_one.state} {open_one.error[:60]}")
        return open_one

    def disturbed_sync(self) -> None:
        """A sync during which, somewhere, something happens: a kill, a press of stop, or changes in PostHog."""
        self._mend_key()
        if self.connection.key_refused_at:
            return
        left = self.chance.randrange(1, 30)
        what = self.chance.choice(["kill", "stop", "change", "change", "nothing"])
        real = Watch.beat

        def beat(watch: Watch, *, force: bool = False) -> None:
            nonlocal left
            left -= 1
            if left == 0 and what == "kill":
                raise Killed
            if left == 0 and what == "stop":
                SyncRun.objects.filter(pk=watch.sync.pk).update(stop_requested=True)
            if left in (0, 3) and what == "change":
                self.change()
            real(watch, force=force)

        with self._patch.context() as during:
            during.setattr(Watch, "beat", beat)
            self.told.append(f"during it: {what}")
            done = self.sync(self.chance.choice(["incremental", "incremental", "full"]))
        if done.state == SyncRun.State.NEEDS_ATTENTION and self.chance.random() < 0.7:
            self._decide(done)

    def _decide(self, sync: SyncRun) -> None:
        if self.chance.random() < 0.5:
            attention.dismiss_vanished(sync=sync, user=self.person)
            return
        with suppress(SyncRunning):
            attention.confirm_vanished(sync=sync, user=self.person)
            attention.carry_out(sync.pk)

    def take_in(self) -> None:
        """The inbox takes in what is new, as it does some time after each sync."""
        activity.ingest(self.connection)

    def look(self) -> None:
        """Somebody refreshes one view."""
        views = list(SavedQuery.objects.present().filter(connection=self.connection))
        if views:
            with suppress(errors.PostHogError, KeyRefused):
                services.read_live(self.chance.choice(views))

    def settle(self) -> None:
        """The trouble is over: two clean syncs, and a person who confirms what is really gone.

        Where the project's log is refused, nothing but reading every view shows what the list does not.
        """
        self.calm()
        self._remember()
        kind = SyncRun.Kind.FULL if self.refuses_log else SyncRun.Kind.INCREMENTAL
        for _ in range(2):
            done = self.sync(kind)
            if done.state == SyncRun.State.FAILED and "worker stopped" in done.error:
                done = self.sync(kind)
            if done.state == SyncRun.State.NEEDS_ATTENTION:
                attention.confirm_vanished(sync=done, user=self.person)
                attention.carry_out(done.pk)
                done.refresh_from_db()
            assert done.state == SyncRun.State.SUCCEEDED, (done.error, self.told)
        self.take_in()

    def go(self, rounds: int) -> None:
        """Some rounds of changes, trouble and disturbed syncs."""
        for _ in range(rounds):
            for _ in range(self.chance.randrange(4)):
                self.change()
            for _ in range(self.chance.choice([0, 0, 1, 1, 3])):
                self.trouble()
            if self.chance.random() < 0.3:
                self.look()
            self.disturbed_sync()
            if self.chance.random() < 0.7:
                self.take_in()
