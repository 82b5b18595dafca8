"""Redis or PostHog fall silent in the middle of a sync: it ends in words and in time, and the next one converges."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.broker import valkey
from tests.mirror.paths import PHASES
from warehouse_admin.accounts import redis as redis_pool
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]
WhenAsked = Callable[[str, Callable[[], object]], None]

READ_TIMEOUT = 0.3  # seconds
AGES = 300  # seconds


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    monkeypatch.setattr("warehouse_admin.sandbox.synthetic.TABLES", 8)
    with SandboxServer(generation="D", size=40) as server:
        server.world.page_size = 10
        yield server


@pytest.fixture
def redis_of_its_own(connection: Connection, settings: Settings) -> Iterator[Path]:
    """Where the budget of this test is kept; whoever starts a server there may end it."""
    Connection.objects.update(budget_per_minute=10_000)
    connection.refresh_from_db()
    with tempfile.TemporaryDirectory(prefix="portal-redis-") as folder:
        settings.REDIS_URL = f"unix://{folder}/redis.sock"
        redis_pool.client.cache_clear()
        yield Path(folder) / "redis.sock"
    redis_pool.client.cache_clear()


@pytest.mark.parametrize("phase", ["list", "log", "details", "tables"])
def test_redis_that_goes_away_ends_the_sync_in_words(
    redis_of_its_own: Path, sync: Sync, differs: Differs, when_asked: WhenAsked, phase: str
) -> None:
    with valkey(redis_of_its_own) as server:

        def end() -> None:
            server.kill()
            server.wait()

        when_asked(PHASES[phase], end)
        failed = sync()

    assert failed.state == "failed"
    assert failed.error.startswith("The shared rate budget cannot be read: Redis does not answer. Nothing was sent.")
    assert "Check that Redis runs" in failed.error and "host" not in failed.error
    assert AuditEntry.objects.get(action="sync.finished").reason == failed.error
    with valkey(redis_of_its_own):
        assert (sync().state, differs()) == ("succeeded", {})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse_admin.accounts.services.clients.BACKGROUND_READ_TIMEOUT", READ_TIMEOUT)
    monkeypatch.setattr("warehouse_admin.posthog.client.BACKOFF", 0.002)


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_that_never_answers_is_given_up_at_the_time_out(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, impatient: None, phase: str
) -> None:
    SavedQuery.objects.update(needs_detail=True)
    sandbox.world.create_outside("brand_new", "SELECT 1 AS one")
    sandbox.world.faults.add(Fault("slow", path_regex=PHASES[phase], times=None, seconds=AGES))
    began = time.monotonic()

    failed = sync()

    assert time.monotonic() - began < AGES / 10
    assert failed.state == "failed"
    assert failed.error == "PostHog gave no answer: PostHog did not answer in time. The next sync tries again."
    assert not SavedQuery.objects.tombstones().exists()
    sandbox.world.faults.clear()
    assert (sync().state, differs()) == ("succeeded", {})


class Trickle(BaseHTTPRequestHandler):
    """Each byte comes in time, the whole never."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            while not self.server.stopping.wait(READ_TIMEOUT / 6):  # type: ignore[attr-defined]
                self.wfile.write(b" ")
        except OSError:
            return  # the portal has had enough

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def trickling() -> Iterator[str]:
    """The address of a server whose answers trickle."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Trickle) as server:
        server.stopping = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.stopping.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_an_answer_that_trickles_is_given_up(
    synced: Connection, sync: Sync, differs: Differs, impatient: None, trickling: str
) -> None:
    home = synced.host
    Connection.objects.update(host=trickling)

    failed = sync()

    assert failed.state == "failed"
    assert "did not answer with whole data (PostHog's answer took too long to arrive" in failed.error
    assert not SavedQuery.objects.tombstones().exists()
    Connection.objects.update(host=home)
    assert (sync().state, differs()) == ("succeeded", {})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phase", PHASES)
def test_the_stop_button_works_while_posthog_hangs(
    connection: Connection,
    admin: User,
    client_of: Callable[[User], Client],
    sandbox: SandboxServer,
    differs: Differs,
    sync: Sync,
    when_asked: WhenAsked,
    phase: str,
) -> None:
    accounts.check_connection(connection)  # so that the sync does not, which asks as for a person: ten seconds at most
    browser = client_of(admin)
    hanging = services.start_sync(connection=connection, queue=False)

    def press_stop() -> None:
        try:
            browser.post(reverse("mirror:sync-stop", args=[hanging.pk]))
        finally:
            connections.close_all()

    sandbox.world.faults.add(Fault("slow", path_regex=PHASES[phase], times=None, seconds=AGES))
    when_asked(PHASES[phase], press_stop)
    began = time.monotonic()

    stopped = services.run_sync(hanging.pk)

    assert stopped is not None and stopped.state == "stopped"
    assert time.monotonic() - began < AGES / 30
    assert AuditEntry.objects.get(action="sync.stopped").actor == admin
    sandbox.world.faults.clear()
    assert (sync().state, differs()) == ("succeeded", {})
