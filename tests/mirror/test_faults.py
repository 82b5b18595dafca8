"""Whatever goes wrong between us and PostHog: nothing lost, nothing invented, and the next sync converges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.mirror.paths import DETAIL, JOBS, LIST, LOG, TABLES
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import services, tasks
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.sync import details
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]


def strike(sandbox: SandboxServer, kind: str, path: str, **options: object) -> None:
    sandbox.world.faults.add(Fault(kind, path_regex=path, **options))


@pytest.mark.parametrize("path", [LIST, TABLES, JOBS, LOG], ids=["list", "tables", "jobs", "log"])
@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("html_200", {}, "did not answer with whole data"),
        ("truncated", {"length": "cut"}, "did not answer with whole data"),
        ("redirect", {}, "redirect"),
        ("status_500", {}, "PostHog failed"),
    ],
)
def test_a_broken_answer_fails_the_sync_in_words_and_loses_nothing(
    synced: Connection,
    sync: Sync,
    sandbox: SandboxServer,
    differs: Differs,
    path: str,
    kind: str,
    options: dict,
    words: str,
) -> None:
    strike(sandbox, kind, path, times=None, **options)

    failed = sync()

    assert failed.state == "failed"
    assert words in failed.error
    assert differs() == {}
    sandbox.world.faults.clear()
    assert sync().state == "succeeded"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status_429", {"retry_after": 1}),
        ("status_429", {}),
        ("status_503_html", {}),
        ("drop_before", {}),
        ("drop_after", {}),
        ("truncated", {"length": "full"}),
    ],
)
@pytest.mark.parametrize("path", [LIST, DETAIL], ids=["list", "detail"])
def test_a_passing_fault_is_ridden_out(
    connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, path: str, kind: str, options: dict
) -> None:
    strike(sandbox, kind, path, **options)

    assert (sync().state, differs()) == ("succeeded", {})


@pytest.mark.parametrize("kind", ["empty_list", "shrink_list"])
def test_a_list_that_shrank_all_at_once_asks_a_person(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, kind: str
) -> None:
    strike(sandbox, kind, LIST, keep=0.4)

    done = sync()

    assert done.state == "needs_attention"
    assert "Nothing was marked as deleted" in done.error
    assert len(done.vanished) > 10
    assert differs() == {}
    assert (sync().state, differs()) == ("succeeded", {})


def test_a_few_missing_rows_are_asked_for_and_kept(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    strike(sandbox, "shrink_list", LIST, keep=0.96)

    done = sync()

    assert (done.state, differs()) == ("succeeded", {})
    assert done.counts["still_there"] == 3


def test_a_list_that_moves_while_it_is_read_tombstones_nothing(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.page_size = 20
    strike(sandbox, "shift", LIST, by=-1, times=None)

    done = sync()

    assert done.state == "succeeded" and not SavedQuery.objects.tombstones().exists()
    assert "twice" in done.counts["notes"]["views"]
    sandbox.world.faults.clear()
    assert (sync().state, differs()) == ("succeeded", {})


def test_a_list_that_moves_once_is_read_once_more(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.page_size = 20
    strike(sandbox, "shift", LIST, by=1)

    done = sync()

    assert (done.state, differs()) == ("succeeded", {})
    assert "notes" not in done.counts


def test_a_revoked_key_stops_everything_and_says_what_to_do(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    strike(sandbox, "revoke_key", DETAIL)
    SavedQuery.objects.update(needs_detail=True)

    failed = sync()

    assert failed.state == "failed" and "does not accept the API key" in failed.error
    assert not SavedQuery.objects.tombstones().exists()
    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(synced)
    assert (sync().state, differs()) == ("succeeded", {})


def test_a_host_that_is_down_is_said_in_words(connection: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.stop()

    failed = sync()

    assert failed.state == "failed" and "could not be reached" in failed.error


def test_a_connection_without_a_key_fails_in_words(connection: Connection, sync: Sync) -> None:
    connection.api_key = ""
    connection.save()

    failed = sync()

    assert failed.state == "failed" and "key" in failed.error.lower()


def test_views_that_cannot_be_read_are_left_for_the_next_sync(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    SavedQuery.objects.update(needs_detail=True)
    strike(sandbox, "status_500", DETAIL, times=3)

    done = sync()

    assert (done.state, done.counts["detail_errors"]) == ("succeeded", 3)
    assert "3 views could not be read" in done.counts["notes"]["details"]
    assert SavedQuery.objects.filter(needs_detail=True).count() == 3
    assert (sync().counts["details"], differs()) == (3, {})


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on(
    connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing in the portal catches this, as nothing survives a kill."""

    stored: list[int] = []
    store = details.store_details

    def die_at_the_second_batch(job: object, batch: list) -> None:
        if stored:
            raise Killed
        store(job, batch)
        stored.append(len(batch))

    monkeypatch.setattr(details, "BATCH", 20)
    monkeypatch.setattr(details, "store_details", die_at_the_second_batch)
    dying = services.start_sync(connection=connection)
    with pytest.raises(Killed):
        services.run_sync(dying.pk)
    monkeypatch.undo()
    dying.refresh_from_db()
    assert dying.state == "running"

    SyncRun.objects.filter(pk=dying.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    sandbox.world.requests.clear()
    tasks.close_stuck_syncs.apply()

    dying.refresh_from_db()
    assert dying.state == "failed" and "worker stopped" in dying.error
    follower = SyncRun.objects.get(state="queued")
    services.run_sync(follower.pk)
    follower.refresh_from_db()
    assert (follower.state, differs()) == ("succeeded", {})
    assert follower.counts["details"] == SavedQuery.objects.count() - 20
    assert not any(r.path.rstrip("/").endswith("warehouse_saved_queries") for r in sandbox.world.requests)


def test_a_dead_sync_blocks_nobody_even_without_a_beat(connection: Connection) -> None:
    dead = services.start_sync(connection=connection)
    SyncRun.objects.filter(pk=dead.pk).update(state="running", heartbeat_at=timezone.now() - timedelta(seconds=61))

    fresh = services.start_sync(connection=connection)

    dead.refresh_from_db()
    assert (dead.state, fresh.state) == ("failed", "queued")


def test_a_sync_that_no_worker_took_blocks_nobody(connection: Connection) -> None:
    lost = services.start_sync(connection=connection)
    SyncRun.objects.filter(pk=lost.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=100))

    assert services.start_sync(connection=connection).state == "queued"
    assert services.run_sync(lost.pk) is None


def test_a_sync_that_was_closed_by_others_writes_nothing_more(
    synced: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    SavedQuery.objects.update(needs_detail=True)
    sync = services.start_sync(connection=synced)

    def close_it(job: object, batch: list) -> None:
        SyncRun.objects.filter(pk=sync.pk).update(state="failed", error="closed")

    monkeypatch.setattr(details, "store_details", close_it)
    services.run_sync(sync.pk)

    sync.refresh_from_db()
    assert (sync.state, sync.error) == ("failed", "closed")


def test_a_running_sync_stops_when_asked(
    synced: Connection, admin: object, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    SavedQuery.objects.update(needs_detail=True)
    sync = services.start_sync(connection=synced)
    store = details.store_details

    def stop_after_this(job: object, batch: list) -> None:
        store(job, batch)
        services.request_stop(sync=sync, user=admin)

    monkeypatch.setattr(details, "BATCH", 10)
    monkeypatch.setattr(details, "store_details", stop_after_this)
    monkeypatch.setattr("warehouse_admin.mirror.sync.watch.WRITE_EVERY", 0)
    services.run_sync(sync.pk)

    sync.refresh_from_db()
    assert sync.state == "stopped"
    assert SavedQuery.objects.filter(needs_detail=True).exists()


def test_odd_values_are_kept_as_they_are(connection: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    view = next(v for v in sandbox.world.views.values() if not v.deleted and v.origin == "data_warehouse")
    view.sync_frequency, view.query, view.created_by = "3fortnights", None, None

    assert sync().state == "succeeded"

    kept = SavedQuery.objects.get(posthog_id=view.id)
    assert (kept.sync_frequency, kept.query, kept.created_by_email) == ("3fortnights", None, "")
    assert kept.versions.count() == 0


def test_nul_bytes_and_long_names_find_a_place(connection: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    view = next(v for v in sandbox.world.views.values() if not v.deleted and v.origin == "data_warehouse")
    view.query = {"kind": "HogQLQuery", "query": "SELECT 'a\x00b'"}

    assert sync().state == "succeeded"

    assert SavedQuery.objects.get(posthog_id=view.id).query == "SELECT 'a\ufffdb'"


def test_tables_that_vanish_are_confirmed_too(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    table = next(
        t for t in sandbox.world.tables.values() if not t.deleted and t.source_id is None and t.view_id is None
    )
    table.deleted = True
    strike(sandbox, "shrink_list", TABLES, keep=0.97)

    done = sync()

    assert done.state == "succeeded"
    assert [str(gone.posthog_id) for gone in WarehouseTable.objects.tombstones()] == [table.id]
    assert not Observation.objects.filter(is_history=False).exists()


def test_what_schedules_do_is_known_before_the_sql_of_all_views_was_read(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    connection.budget_per_minute = 100_000  # so that views are read after all lists
    connection.save()
    strike(sandbox, "status_500", DETAIL, times=None)

    assert sync().state == "failed"

    views = SavedQuery.objects.present()
    assert not views.filter(schedule_evidence="").exists()
    assert views.filter(schedule_state="suspended").count() >= 5
    sandbox.world.faults.clear()
    assert sync().state == "succeeded"
    assert views.filter(schedule_state="suspended").count() >= 5


def test_a_bug_in_a_thread_that_fetches_fails_the_sync_in_words_and_is_seen(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("warehouse_admin.posthog.reads.get_saved_query", buggy)
    started = services.start_sync(connection=connection, queue=False)

    with pytest.raises(RuntimeError, match="a bug"):
        services.run_sync(started.pk)

    started.refresh_from_db()
    assert (started.state, "made a mistake" in started.error) == ("failed", True)
    assert AuditEntry.objects.filter(action="sync.finished", result="failed").count() == 1


@pytest.mark.parametrize("before", [{"kind": "OtherQuery"}, {"kind": "HogQLQuery", "query": "SELECT 2 AS rate"}])
def test_an_edit_of_which_only_the_view_itself_tells_is_kept_with_its_time(
    connection: Connection, sync: Sync, sandbox: SandboxServer, before: dict[str, str]
) -> None:
    view = sandbox.world.view("stg_fx_rates")
    view.query = before
    assert sync().state == "succeeded"
    assert SavedQuery.objects.get(name="stg_fx_rates").edited_at is None

    view.query = {"kind": "HogQLQuery", "query": "SELECT 1 AS rate"}  # neither the list nor the log says a word
    assert sync(SyncRun.Kind.FULL).state == "succeeded"

    assert SavedQuery.objects.get(name="stg_fx_rates").edited_at is not None
