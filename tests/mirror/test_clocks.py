"""Clocks that jump between two syncs, or that are off from one machine to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.mirror.paths import DETAIL
from tests.mirror.story import Still
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import services, tasks
from warehouse_admin.mirror.due import is_due
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]

JUMPS = [timedelta(hours=-3), timedelta(hours=3)]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Only the portal's clock jumps."""
    monkeypatch.setattr("warehouse_admin.sandbox.store.Clock", Still)
    with SandboxServer(generation="D") as server:
        yield server


def editable() -> SavedQuery:
    return SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None).earliest("pk")


@pytest.mark.parametrize("off", JUMPS, ids=["behind", "ahead"])
def test_a_clock_put_right_hides_nothing_that_changed_before(
    connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, off: timedelta
) -> None:
    with time_machine.travel(timezone.now() + off):
        sync()
    view = editable()
    edited = f"{view.query}\n-- the list does not show that this was edited"
    sandbox.world.edit_outside(view.name, edited)
    sandbox.world.view(view.name).status = view.status
    sandbox.world.advance(1_800)

    with time_machine.travel(timezone.now() + timedelta(seconds=1_800)):
        done, again = sync(), sync()

    view.refresh_from_db()
    assert (done.state, view.query, differs()) == ("succeeded", edited, {})
    assert (again.state, again.counts.get("details", 0)) == ("succeeded", 0)
    assert not SavedQuery.objects.tombstones().exists()


@pytest.mark.parametrize("jump", JUMPS, ids=["back", "forward"])
def test_a_sync_that_broke_off_before_a_jump_is_followed_by_one_that_converges(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, jump: timedelta
) -> None:
    SavedQuery.objects.update(needs_detail=True)
    fault = sandbox.world.faults.add(Fault("status_500", path_regex=DETAIL, times=None))
    assert sync().state == "failed" and fault.struck >= 10
    sandbox.world.faults.clear()
    sandbox.world.create_outside("made_after_the_list_was_read", "SELECT 1 AS one")

    with time_machine.travel(timezone.now() + jump):
        assert (sync().state, differs()) == ("succeeded", {})


def test_a_clock_set_back_in_the_middle_of_a_sync_loses_nothing(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.page_size = 20
    gone = editable()
    sandbox.world.delete_outside(gone.name)
    sandbox.world.create_outside("brand_new", "SELECT 1 AS one")
    real, pages = Watch.step, []
    with time_machine.travel(timezone.now() + timedelta(hours=3)) as clock:

        def step(watch: Watch, *args: int, **named: int) -> None:
            pages.append(args)
            if len(pages) == 2:
                clock.move_to(timezone.now() - timedelta(hours=3))
            real(watch, *args, **named)

        with monkeypatch.context() as during:
            during.setattr(Watch, "step", step)
            assert sync().state == "succeeded"
        assert (sync().state, differs()) == ("succeeded", {})

    assert [view.pk for view in SavedQuery.objects.tombstones()] == [gone.pk]
    assert AuditEntry.objects.filter(action="sync.tombstoned").count() == 1


def test_a_sync_from_the_future_does_not_put_off_the_next_ones(connection: Connection, sync: Sync) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        sync()

    assert is_due(connection)
    sync()
    assert not is_due(connection)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert is_due(connection)


def test_a_sync_that_ended_in_the_future_counts_from_its_start(connection: Connection, sync: Sync) -> None:
    done = sync()
    SyncRun.objects.filter(pk=done.pk).update(finished_at=timezone.now() + timedelta(hours=3))

    assert not is_due(connection)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert is_due(connection)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_off_is_not_taken_for_dead(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    sync = services.start_sync(connection=connection)
    closed: list[int] = []
    real = Watch.finish

    def looked_at(watch: Watch, step: str) -> None:
        real(watch, step)
        with time_machine.travel(timezone.now() - timedelta(minutes=minutes)):
            closed.append(services.close_stuck_syncs())

    monkeypatch.setattr(Watch, "finish", looked_at)
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        done = services.run_sync(sync.pk)

    assert closed and not any(closed)
    assert done is not None and done.state == "succeeded"


def test_a_sign_of_life_from_the_future_keeps_no_dead_sync_open(connection: Connection) -> None:
    dead = services.start_sync(connection=connection)
    SyncRun.objects.filter(pk=dead.pk).update(state="running", heartbeat_at=timezone.now() + timedelta(hours=3))

    assert services.close_stuck_syncs() == 1

    dead.refresh_from_db()
    assert (dead.state, SyncRun.objects.get(state="queued").connection) == ("failed", connection)
    assert AuditEntry.objects.get(action="sync.finished").object_id == str(dead.pk)


def test_a_queued_sync_whose_task_was_lost_is_queued_again(
    connection: Connection, differs: Differs, django_capture_on_commit_callbacks: Callable
) -> None:
    lost = services.start_sync(connection=connection)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.close_stuck_syncs.apply()
    lost.refresh_from_db()
    assert lost.state == "queued"
    SyncRun.objects.filter(pk=lost.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=91))

    with django_capture_on_commit_callbacks(execute=True):
        tasks.close_stuck_syncs.apply()

    lost.refresh_from_db()
    assert (lost.state, differs()) == ("succeeded", {})
    assert AuditEntry.objects.filter(action="sync.finished").count() == 1
