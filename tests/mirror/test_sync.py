"""A sync makes the mirror say what PostHog says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.mirror.paths import JOBS
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.mirror import services
from warehouse_admin.mirror.errors import SyncNotOpen, SyncRunning
from warehouse_admin.mirror.models import Observation, RemoteActivity, Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.signals import sync_finished
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import Job
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]
Kind = Observation.Kind


def plain_view(skip: int = 0) -> SavedQuery:
    """A view that anybody may edit."""
    editable = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None)
    return editable.order_by("name")[skip]


def test_it_copies_everything_to_the_byte(sync: Sync, differs: Differs, connection: Connection) -> None:
    done = sync()

    assert (done.state, done.error, differs()) == ("succeeded", "", {})
    assert WarehouseTable.objects.exclude(source_type="").exists()
    assert Run.objects.exclude(finished_at=None).count() > 500
    assert RemoteActivity.objects.exists()
    assert done.counts["created"] == done.counts["details"] == SavedQuery.objects.count()
    entry = AuditEntry.objects.get(action="sync.finished")
    assert (entry.result, entry.actor, entry.connection) == ("ok", None, "demo")
    connection.refresh_from_db()
    assert connection.generation == "D"


def test_what_the_first_sync_finds_is_history(synced: Connection) -> None:
    assert set(Observation.objects.values_list("kind", "is_history")) == {(Kind.CREATED, True)}
    assert not SavedQuery.objects.filter(schedule_state="").exists()
    assert set(SavedQuery.objects.first().versions.values_list("number", "origin")) == {(1, "first_seen")}


def test_nothing_is_read_twice_when_nothing_changed(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.world.requests.clear()

    done = sync()

    details = [r for r in sandbox.world.requests if r.path.rstrip("/").count("-") >= 4]
    assert (details, done.counts.get("details", 0)) == ([], 0)
    assert len(sandbox.world.requests) <= 6
    assert Observation.objects.filter(is_history=False).count() == 0


def test_an_edit_made_outside_becomes_a_version_and_an_observation(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    view = plain_view()
    before = view.query
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one -- 🙂\r\n", by="ana")

    sync()

    view.refresh_from_db()
    assert (view.query, differs()) == ("SELECT 1 AS one -- 🙂\r\n", {})
    assert list(view.versions.values_list("number", "origin")) == [(2, "outside"), (1, "first_seen")]
    seen = Observation.objects.get(is_history=False)
    assert (seen.kind, seen.saved_query, seen.sync_run) == (Kind.EDITED, view, SyncRun.objects.first())
    assert (seen.before["query"], seen.after["query"]) == (before, view.query)


def test_renames_new_views_and_cadences_are_observed(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    renamed = plain_view()
    scheduled = SavedQuery.objects.filter(schedule_state="on_time", sync_frequency="24hour").first()
    sandbox.world.rename_outside(renamed.name, "renamed_elsewhere")
    sandbox.world.create_outside("brand_new", "SELECT 2 AS two")
    sandbox.world.set_cadence_outside(scheduled.name, "6hour")

    sync()

    assert differs() == {}
    seen = {(o.saved_query.name, o.kind): (o.before, o.after) for o in Observation.objects.filter(is_history=False)}
    assert seen["renamed_elsewhere", "renamed"] == ({"name": renamed.name}, {"name": "renamed_elsewhere"})
    assert seen["brand_new", "created"][1] == {"name": "brand_new"}
    assert seen[scheduled.name, "cadence_changed"][1]["sync_frequency"] == "6hour"


def test_a_suspension_is_observed_and_shown(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    view = SavedQuery.objects.filter(schedule_state="on_time").first()
    sandbox.world.suspend(view.name, "Unknown table nowhere")

    sync()

    view.refresh_from_db()
    assert view.schedule_state == "suspended" and "Unknown table nowhere" in view.schedule_evidence
    assert Observation.objects.get(is_history=False).kind == Kind.SUSPENDED


def test_a_deleted_view_becomes_a_tombstone_that_keeps_its_sql(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    view = plain_view()
    sandbox.world.delete_outside(view.name)

    done = sync()

    kept = SavedQuery.objects.get(pk=view.pk)
    assert kept.deleted_at is not None
    assert (kept.name, kept.query, differs()) == (view.name, view.query, {})
    assert done.counts["tombstoned"] == 1
    assert Observation.objects.get(is_history=False).kind == Kind.DELETED
    entry = AuditEntry.objects.get(action="sync.tombstoned")
    assert (entry.object_id, entry.actor) == (str(view.posthog_id), None)


def test_an_old_name_under_a_new_id_is_a_new_view(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    view = plain_view()
    sandbox.world.delete_outside(view.name)
    sync()
    sandbox.world.create_outside(view.name, "SELECT 3 AS three")
    sync()

    assert SavedQuery.objects.filter(name=view.name).count() == 2
    assert SavedQuery.objects.present().get(name=view.name).query == "SELECT 3 AS three"


def test_a_view_that_comes_back_under_its_id_is_revived(synced: Connection, sync: Sync, differs: Differs) -> None:
    view = plain_view()
    SavedQuery.objects.filter(pk=view.pk).update(deleted_at=timezone.now())

    sync()

    assert differs() == {}
    assert Observation.objects.get(is_history=False).kind == Kind.CREATED


def test_a_full_sync_reads_every_view_again(synced: Connection, sync: Sync, differs: Differs) -> None:
    view = plain_view()
    SavedQuery.objects.filter(pk=view.pk).update(query="SELECT 'spoiled'", query_hash="x")

    done = sync(SyncRun.Kind.FULL)

    assert (done.counts["details"], differs()) == (SavedQuery.objects.count(), {})


def test_old_knowledge_takes_its_turn_to_be_read_again(synced: Connection, sync: Sync) -> None:
    old = list(SavedQuery.objects.order_by("pk").values_list("pk", flat=True)[:8])
    SavedQuery.objects.filter(pk__in=old).update(detail_synced_at=timezone.now() - timedelta(days=2))

    assert sync().counts["details"] == 5
    assert sync().counts["details"] == 3
    assert "details" not in sync().counts


def test_a_run_that_only_the_feed_tells_of_changes_the_state_at_the_end_of_the_sync(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = SavedQuery.objects.filter(schedule_state="on_time").first()
    now = sandbox.world.now()
    sandbox.world.add_job(Job(sandbox.world.new_id(), str(view.posthog_id), "Failed", now, now, now, error="boom"))
    sandbox.world.view(view.name).status = "Failed"
    sandbox.world.faults.add(Fault("status_500", "GET", JOBS))
    assert sync().state == SyncRun.State.FAILED, "the list was read, and the feed of runs was not"

    assert "updated" not in sync().counts

    view.refresh_from_db()
    assert (view.schedule_state, view.cause) == ("failing", "boom")


def test_runs_are_kept_and_finished_but_never_doubled(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    view = SavedQuery.objects.filter(schedule_state="on_time").first()
    count = view.runs.count()
    sandbox.world.run_outside(view.name)
    sync()
    assert view.runs.first().status == "Running"
    view.refresh_from_db()
    assert view.schedule_state == "running"

    sandbox.world.advance(600)
    sync()

    view.refresh_from_db()
    assert view.runs.filter(status="Running").count() == 0
    assert view.runs.count() > count
    assert view.runs.values("job_id").distinct().count() == view.runs.count()


def test_a_key_without_the_scopes_does_without(
    connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.add_key("phx_views_only_key", scopes=["warehouse_view:read"])
    connection.api_key = "phx_views_only_key"
    connection.save()

    done = sync()

    assert done.state == "succeeded"
    assert "activity_log:read" in done.counts.get("notes", {}).get("activity", "activity_log:read")
    assert not WarehouseTable.objects.exists() and not RemoteActivity.objects.exists()
    sandbox.world.edit_outside(plain_view().name, "SELECT 9 AS nine")
    sync()
    assert plain_view().query == "SELECT 9 AS nine"


def test_one_sync_of_a_connection_at_a_time(connection: Connection) -> None:
    first = services.start_sync(connection=connection)

    with pytest.raises(SyncRunning) as refusal:
        services.start_sync(connection=connection)

    assert refusal.value.sync == first
    assert services.run_sync(first.pk).state == "succeeded"
    assert services.run_sync(first.pk) is None
    assert services.start_sync(connection=connection).state == "queued"


def test_a_paused_connection_is_not_synced(connection: Connection) -> None:
    connection.is_active = False

    with pytest.raises(UserError, match="paused"):
        services.start_sync(connection=connection)


def test_who_starts_and_stops_is_asked_for_their_role_and_recorded(
    connection: Connection, author: User, viewer: User
) -> None:
    with pytest.raises(NotPermitted):
        services.start_sync(connection=connection, started_by=viewer)
    sync = services.start_sync(connection=connection, started_by=author)
    with pytest.raises(NotPermitted):
        services.request_stop(sync=sync, user=viewer)

    services.request_stop(sync=sync, user=author)

    assert services.run_sync(sync.pk) is None
    trail = AuditEntry.objects.filter(action__startswith="sync.").order_by("sequence")
    assert list(trail.values_list("action", "actor")) == [("sync.started", author.pk), ("sync.stopped", author.pk)]
    with pytest.raises(SyncNotOpen):
        services.request_stop(sync=sync, user=author)


def test_the_end_is_announced_after_the_commit_and_a_bad_listener_harms_nothing(
    connection: Connection, django_capture_on_commit_callbacks: Callable
) -> None:
    heard: list[str] = []

    def listen(sender: type, sync: SyncRun, **_: object) -> None:
        heard.append(sync.state)

    def fail(sender: type, sync: SyncRun, **_: object) -> None:
        raise RuntimeError("a listener's own mistake")

    sync = services.start_sync(connection=connection)
    sync_finished.connect(listen)
    sync_finished.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            services.run_sync(sync.pk)
            assert heard == []
    finally:
        sync_finished.disconnect(listen)
        sync_finished.disconnect(fail)

    assert heard == ["succeeded"]
