"""A worker that dies, a database that fails and two workers at once, in every phase of a sync."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]

PHASES = (
    "crawl.store_page",
    "remote_activity.store_entries",
    "details.store_details",
    "tables.store_page",
    "runs.keep_jobs",
    "vanished.tombstone",
    "run.refresh_states",
)


class Killed(BaseException):
    """Nothing in the portal catches this, as nothing survives a kill."""


@pytest.fixture
def changed(synced: Connection, sandbox: SandboxServer) -> Connection:
    """Something for every phase to do."""
    plain = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None)
    edited, renamed, gone = plain.order_by("pk")[:3]
    scheduled = SavedQuery.objects.filter(schedule_state="on_time").order_by("pk")[0]
    sandbox.world.edit_outside(edited.name, "SELECT 1 AS one")
    sandbox.world.rename_outside(renamed.name, "renamed_elsewhere")
    sandbox.world.delete_outside(gone.name)
    sandbox.world.create_outside("brand_new", "SELECT 2 AS two")
    sandbox.world.run_outside(scheduled.name, finish=True)
    return synced


def break_at(monkeypatch: pytest.MonkeyPatch, place: str, when: str, error: BaseException) -> None:
    """Let the first call of a function of the sync raise, before or after its work."""
    module, name = place.split(".")
    target = importlib.import_module(f"warehouse_admin.mirror.sync.{module}")
    real = getattr(target, name)

    def broken(*args: Any, **named: Any) -> None:
        if when == "after":
            real(*args, **named)
        raise error

    monkeypatch.setattr(target, name, broken)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", PHASES)
def test_a_worker_killed_in_any_phase_loses_nothing(
    changed: Connection, differs: Differs, monkeypatch: pytest.MonkeyPatch, place: str, when: str
) -> None:
    dying = services.start_sync(connection=changed)
    with monkeypatch.context() as patch:
        break_at(patch, place, when, Killed())
        with pytest.raises(Killed):
            services.run_sync(dying.pk)
    SyncRun.objects.filter(pk=dying.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))

    assert services.close_stuck_syncs() == 1
    follower = services.run_sync(SyncRun.objects.get(state="queued").pk)

    dying.refresh_from_db()
    assert (dying.state, follower.state, differs()) == ("failed", "succeeded", {})
    assert AuditEntry.objects.filter(action="sync.tombstoned").count() == 1
    assert AuditEntry.objects.filter(action="sync.finished", result="failed").count() == 1


@pytest.mark.parametrize("place", PHASES)
def test_a_database_that_fails_ends_the_sync_in_words(
    changed: Connection, sync: Sync, differs: Differs, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        break_at(patch, place, "before", OperationalError("database is locked"))
        failed = sync()

    assert failed.state == "failed" and "database failed" in failed.error
    assert (sync().state, differs()) == ("succeeded", {})


def test_a_worker_taken_for_dead_does_not_disturb_the_next(
    changed: Connection, differs: Differs, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = services.start_sync(connection=changed)
    finished: list[SyncRun | None] = []
    real = Watch.beat

    def overtaken(watch: Watch, *, force: bool = False) -> None:
        if watch.sync.pk == slow.pk and watch.finished("list") and not finished:
            finished.append(None)
            SyncRun.objects.filter(pk=slow.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
            follower = services.start_sync(connection=changed)
            finished[0] = services.run_sync(follower.pk)
        real(watch, force=True)

    monkeypatch.setattr(Watch, "beat", overtaken)
    services.run_sync(slow.pk)

    slow.refresh_from_db()
    assert finished[0] is not None and finished[0].state == "succeeded"
    assert (slow.state, differs()) == ("failed", {})
    assert AuditEntry.objects.filter(action="sync.finished").count() == 3
