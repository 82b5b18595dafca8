"""The database in the way of a sync: locked by somebody else, or restarted. With real locks and real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from tests.mirror.paths import PHASES
from tests.mirror.processes import WriteLock, database_url
from tests.running import wait_for
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import tasks
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun
from warehouse_admin.mirror.sync import run
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db(transaction=True)

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]
WhenAsked = Callable[[str, Callable[[], object]], None]

TIMEOUT = 0.2  # seconds

on_sqlite = pytest.mark.skipif("database.vendor != 'sqlite'", reason="only SQLite has one lock for all writers")
on_postgresql = pytest.mark.skipif(
    "database.vendor != 'postgresql'", reason="SQLite has no server to end a connection, and no row locks"
)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    monkeypatch.setattr("warehouse_admin.sandbox.synthetic.TABLES", 8)
    with SandboxServer(generation="D", size=30) as server:
        server.world.page_size = 10
        yield server


@pytest.fixture
def changed(synced: Connection, sandbox: SandboxServer) -> Connection:
    """Something for every phase to do."""
    edited, gone = SavedQuery.objects.filter(is_materialized=False).order_by("pk")[:2]
    scheduled = SavedQuery.objects.filter(is_materialized=True).earliest("pk")
    sandbox.world.edit_outside(edited.name, "SELECT 1 AS one")
    sandbox.world.delete_outside(gone.name)
    sandbox.world.create_outside("brand_new", "SELECT 2 AS two")
    sandbox.world.run_outside(scheduled.name, finish=True)
    return synced


@pytest.fixture
def impatient() -> Iterator[None]:
    """Nobody waits long for a lock."""
    options = database.settings_dict["OPTIONS"]
    kept = dict(options)
    options.update({"timeout": TIMEOUT} if database.vendor == "sqlite" else {"options": "-c lock_timeout=200"})
    database.close()
    yield
    options.clear()
    options.update(kept)
    database.close()


@pytest.fixture
def lock() -> Iterator[WriteLock]:
    held = WriteLock()
    yield held
    held.release()


def assert_whole(differs: Differs) -> None:
    """The mirror is as the server is, each thing told once."""
    assert differs() == {}
    assert SavedQuery.objects.tombstones().count() == 1
    assert AuditEntry.objects.filter(action="sync.tombstoned").count() == 1
    seen = Observation.objects.filter(is_history=False).values_list("kind", flat=True)
    assert sorted(seen) == ["created", "deleted", "edited"]
    assert audit.verify().bad_sequence is None


@on_sqlite
@pytest.mark.parametrize("phase", PHASES)
def test_a_lock_held_too_long_ends_the_sync_in_words(
    changed: Connection,
    sync: Sync,
    differs: Differs,
    when_asked: WhenAsked,
    impatient: None,
    lock: WriteLock,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    real = run.finish

    def let_go(*args: object, **named: object) -> SyncRun:
        lock.release()
        return real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "finish", let_go)
    when_asked(PHASES[phase], lock.take)

    failed = sync()

    assert (failed.state, failed.error) == ("failed", run.DATABASE_FAILED)
    assert AuditEntry.objects.get(action="sync.finished", result="failed").object_id == str(failed.pk)
    assert sync().state == "succeeded"
    assert_whole(differs)


@on_sqlite
def test_a_lock_held_for_a_moment_is_waited_for(
    changed: Connection, sync: Sync, differs: Differs, when_asked: WhenAsked, lock: WriteLock
) -> None:
    def hold_for_a_moment() -> None:
        lock.take()
        threading.Timer(0.3, lock.release).start()

    when_asked(PHASES["details"], hold_for_a_moment)

    assert sync().state == "succeeded"
    assert_whole(differs)


@on_sqlite
def test_a_lock_that_outlasts_the_sync_leaves_a_row_that_is_closed_later(
    changed: Connection, sync: Sync, differs: Differs, when_asked: WhenAsked, impatient: None, lock: WriteLock
) -> None:
    when_asked(PHASES["tables"], lock.take)
    with pytest.raises(OperationalError, match="locked"):
        sync()
    lock.release()
    left = SyncRun.objects.get(state="running")
    SyncRun.objects.filter(pk=left.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))

    tasks.close_stuck_syncs.apply()

    left.refresh_from_db()
    assert (left.state, SyncRun.objects.latest("created_at").state) == ("failed", "succeeded")
    assert_whole(differs)


@pytest.fixture
def somebody() -> Iterator[psycopg.Connection]:
    """Another session on the same database."""
    with closing(psycopg.connect(database_url())) as link:
        yield link


LOCKS = {
    "views": "SELECT 1 FROM mirror_savedquery FOR UPDATE",
    "tables": "SELECT 1 FROM mirror_warehousetable FOR UPDATE",
    "the sync": "SELECT 1 FROM mirror_syncrun FOR UPDATE",
    "the trail": "SELECT 1 FROM audit_chainhead FOR UPDATE",
}


@on_postgresql
@pytest.mark.parametrize("what", LOCKS)
def test_rows_locked_by_somebody_else_are_waited_for(
    changed: Connection,
    sync: Sync,
    differs: Differs,
    when_asked: WhenAsked,
    somebody: psycopg.Connection,
    what: str,
) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def let_go() -> None:
        with closing(psycopg.connect(database_url(), autocommit=True)) as look:
            wait_for(lambda: look.execute(waiting).fetchone() == (1,), 10, lambda: "nobody waits")
        somebody.rollback()

    def hold_until_it_waits() -> None:
        somebody.execute(LOCKS[what])
        threading.Thread(target=let_go).start()

    when_asked(PHASES["list"], hold_until_it_waits)

    assert sync().state == "succeeded"
    assert_whole(differs)


@on_postgresql
@pytest.mark.parametrize("what", ["views", "tables"])
def test_rows_locked_for_too_long_end_the_sync_in_words(
    changed: Connection,
    sync: Sync,
    differs: Differs,
    when_asked: WhenAsked,
    somebody: psycopg.Connection,
    impatient: None,
    what: str,
) -> None:
    when_asked(PHASES["list"], lambda: somebody.execute(LOCKS[what]))

    failed = sync()

    assert (failed.state, failed.error) == ("failed", run.DATABASE_FAILED)
    somebody.rollback()
    assert sync().state == "succeeded"
    assert_whole(differs)


@on_postgresql
@pytest.mark.parametrize("phase", PHASES)
def test_a_restart_of_the_database_ends_the_sync_in_words_and_not_the_worker(
    changed: Connection,
    sync: Sync,
    differs: Differs,
    when_asked: WhenAsked,
    somebody: psycopg.Connection,
    phase: str,
) -> None:
    database.ensure_connection()
    ours = database.connection.info.backend_pid
    when_asked(PHASES[phase], lambda: somebody.execute("SELECT pg_terminate_backend(%s, 5000)", [ours]))

    failed = sync()

    assert database.connection.info.backend_pid != ours
    assert (failed.state, failed.error) == ("failed", run.DATABASE_FAILED)
    assert AuditEntry.objects.get(action="sync.finished", result="failed").object_id == str(failed.pk)
    assert sync().state == "succeeded"
    assert_whole(differs)


@on_postgresql
def test_a_connection_lost_at_the_very_end_loses_no_success(
    changed: Connection, sync: Sync, differs: Differs, monkeypatch: pytest.MonkeyPatch, somebody: psycopg.Connection
) -> None:
    real = run.finish

    def lost(*args: object, **named: object) -> SyncRun:
        somebody.execute("SELECT pg_terminate_backend(%s, 5000)", [database.connection.info.backend_pid])
        return real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "finish", lost)

    assert sync().state == "succeeded"
    assert AuditEntry.objects.filter(action="sync.finished").count() == 2
    assert_whole(differs)


@on_postgresql
def test_the_table_of_views_does_not_grow_with_each_sync_that_finds_nothing_new(synced: Connection, sync: Sync) -> None:
    def size() -> int:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size('mirror_savedquery')")
            return cursor.fetchone()[0]

    with database.cursor() as cursor:
        cursor.execute("TRUNCATE mirror_savedquery CASCADE")  # what other tests left behind would be filled first
    sync()
    before = size()
    for _again in range(4):
        assert sync().counts["unchanged"] == 30

    assert size() == before
