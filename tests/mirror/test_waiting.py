"""A sync that waits for the budget: it can be seen, it lives, and it can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.accounts import budget
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import watch as watching
from warehouse_admin.mirror.sync.fetch import Fetcher
from warehouse_admin.mirror.sync.watch import StopAsked, Watch
from warehouse_admin.posthog import errors
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> SyncRun:
    monkeypatch.setattr(watching, "WRITE_EVERY", 0)
    return SyncRun.objects.create(connection=connection, state="running", started_at=timezone.now())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[SyncRun]:
    """The row after each beat."""
    rows: list[SyncRun] = []
    beat = Watch.beat

    def note(self: Watch, **how: Any) -> None:
        beat(self, **how)
        rows.append(SyncRun.objects.get(pk=self.sync.pk))

    monkeypatch.setattr(Watch, "beat", note)
    return rows


def refusing(seconds: float, times: int) -> Callable[..., str]:
    left = iter(range(times))

    def call(_: Any) -> str:
        if next(left, None) is not None:
            raise errors.RateLimited("used up", retry_after=seconds, sent=False)
        return "answer"

    return call


def test_waiting_is_told_while_it_lasts_and_the_row_lives(running: SyncRun, seen: list[SyncRun]) -> None:
    watch = Watch(running)
    began = timezone.now()
    with Fetcher(None, watch) as fetcher:  # type: ignore[arg-type]
        answer, _ = fetcher.one(refusing(1.4, 1))

    assert answer == "answer"
    waits = [row for row in seen if "waiting_until" in row.counts]
    until = parse_datetime(waits[0].counts["waiting_until"])
    assert 1 < (until - began).total_seconds() < 2
    assert len({row.heartbeat_at for row in waits}) >= 2
    assert "waiting_until" not in watch.tally() and watch.tally()["waited_seconds"] == 1


@pytest.mark.parametrize(("sent", "until"), [(False, 3000), (True, None)])
def test_our_own_budget_is_waited_for_but_not_a_server_that_refuses_for_long(
    running: SyncRun, monkeypatch: pytest.MonkeyPatch, sent: bool, until: int | None
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Fetcher, "_wait", lambda self, seconds, told: waited.append(told))
    refusals = iter([errors.RateLimited("later", retry_after=3000, sent=sent)])

    def call(_: Any) -> str:
        if refusal := next(refusals, None):
            raise refusal
        return "answer"

    with Fetcher(None, Watch(running)) as fetcher:  # type: ignore[arg-type]
        found = list(fetcher.many(["key"], lambda client, key: call(client)))

    assert waited == ([until] if until else [])
    assert (found[0].value, bool(found[0].error)) == (("answer", False) if until else (None, True))


def test_stop_ends_a_long_wait_and_its_threads(running: SyncRun) -> None:
    SyncRun.objects.update(stop_requested=True)
    began = time.monotonic()

    with pytest.raises(StopAsked), Fetcher(None, Watch(running)) as fetcher:  # type: ignore[arg-type]
        list(fetcher.many(range(20), refusing(60, 20)))  # type: ignore[arg-type]

    assert time.monotonic() - began < 5
    for thread in threading.enumerate():
        if thread.name.startswith("sync"):
            thread.join(timeout=5)
            assert not thread.is_alive()


@pytest.fixture
def stop_when_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    waiting = Watch.waiting

    def press(self: Watch, until: Any, seconds: float) -> None:
        waiting(self, until, seconds)
        if until is not None:
            SyncRun.objects.filter(pk=self.sync.pk).update(stop_requested=True)

    monkeypatch.setattr(Watch, "waiting", press)
    yield


def test_a_sync_with_a_small_budget_waits_and_is_stopped(
    connection: Connection, sandbox: SandboxServer, stop_when_waiting: None
) -> None:
    Connection.objects.update(budget_per_minute=16)
    connection.refresh_from_db()
    sync = services.start_sync(connection=connection)
    began = time.monotonic()

    services.run_sync(sync.pk)

    sync.refresh_from_db()
    assert (sync.state, sync.error) == ("stopped", "")
    assert time.monotonic() - began < 20
    assert len(sandbox.world.requests) <= 16
    assert sync.counts["details"] > 0 and "waiting_until" not in sync.counts
    names = [name for name, _ in sync.counts["phases"]]
    assert names[0] == "Reading the list of views" and names[-1] == "Reading views"
    assert {name for name, _ in budget.spending(connection)} == {
        "check",
        "sync lists",
        "sync log",
        "sync runs",
        "sync views",
    }


def test_what_was_read_is_written_before_a_wait(
    connection: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Connection.objects.update(budget_per_minute=16)
    connection.refresh_from_db()
    sync = services.start_sync(connection=connection)
    written: list[int] = []

    def look(self: Watch, until: Any, seconds: float) -> None:
        if until is not None:
            written.append(SavedQuery.objects.filter(needs_detail=False).count())
            raise StopAsked

    monkeypatch.setattr(Watch, "waiting", look)
    services.run_sync(sync.pk)

    asked = [request for request in sandbox.world.requests if request.path.count("-") == 4]
    assert written and written[0] > 0
    assert written[0] >= len(asked) - 1  # the check of the connection read one view, too


def test_a_limit_that_is_raised_lets_a_waiting_sync_go_on(
    connection: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse_admin.mirror.sync.watch.LOOK_EVERY", 0.2)
    monkeypatch.setattr("warehouse_admin.mirror.sync.fetch.LOOK_AGAIN", 0.2)
    Connection.objects.update(budget_per_minute=16)
    connection.refresh_from_db()
    sync = services.start_sync(connection=connection)
    waiting = Watch.waiting

    def raise_the_limit(self: Watch, until: Any, seconds: float) -> None:
        waiting(self, until, seconds)
        if until is not None:
            Connection.objects.update(budget_per_minute=1_000)

    monkeypatch.setattr(Watch, "waiting", raise_the_limit)
    began = time.monotonic()
    services.run_sync(sync.pk)

    sync.refresh_from_db()
    assert sync.state == "succeeded" and time.monotonic() - began < 30
