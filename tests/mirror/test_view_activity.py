"""Where the project's log is refused, each changed view is asked for its own, and nobody else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db.models import QuerySet
from django.utils import timezone

from tests.mirror.logs import PROJECT_LOG, VIEW_LOG, allow_everything, doubled_entries, missing_entries, refuse
from tests.mirror.test_kills import Killed, break_at
from warehouse_admin.accounts import budget
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery, SyncRun
from warehouse_admin.mirror.sync import run, view_activity
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]
ANA = "ana@harborgoods.example"


def plain_view(skip: int = 0) -> SavedQuery:
    editable = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None)
    return editable.order_by("pk")[skip]


def asked(sandbox: SandboxServer) -> list[str]:
    """The ids of the views whose own log was asked for, in order."""
    return [request.path.split("/")[-3] for request in sandbox.world.requests_to("/activity/")]


def news() -> QuerySet[RemoteActivity]:
    """Entries about what happened after the first sync."""
    return RemoteActivity.objects.filter(created_at__gte=SyncRun.objects.earliest("started_at").started_at)


@pytest.fixture
def refused(connection: Connection, sync: Sync, sandbox: SandboxServer) -> Connection:
    """A mirrored connection whose key may not read the project's log."""
    refuse(sandbox, PROJECT_LOG)
    assert sync().state == "succeeded"
    sandbox.world.requests.clear()
    connection.refresh_from_db()
    return connection


@pytest.mark.parametrize("generation", "ABCD")
@pytest.mark.parametrize("status", [402, 404])
def test_a_changed_view_costs_one_request_and_an_unchanged_one_none(
    connection: Connection, sync: Sync, sandbox: SandboxServer, generation: str, status: int
) -> None:
    sandbox.world.set_generation(generation)
    refuse(sandbox, PROJECT_LOG, status)
    first = sync()
    assert (first.state, asked(sandbox), RemoteActivity.objects.count()) == ("succeeded", [], 0)
    assert first.counts["notes"]["activity"]

    view = plain_view()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    assert sync().state == "succeeded"
    assert asked(sandbox) == [str(view.posthog_id)]
    told = RemoteActivity.objects.filter(posthog_id=view.posthog_id).order_by("-created_at")[0]
    assert (told.activity, told.user_email) == ("updated", ANA)

    sync()
    assert len(asked(sandbox)) == 1


@pytest.mark.parametrize(("syncs", "requests"), [(1, 1), (2, 0)], ids=["read before the view", "read after it"])
def test_a_view_is_asked_only_about_what_the_projects_log_was_not_read_after(
    synced: Connection, sync: Sync, sandbox: SandboxServer, syncs: int, requests: int
) -> None:
    sandbox.world.edit_outside(plain_view().name, "SELECT 1 AS one")
    for _ in range(syncs):
        sync()
    assert asked(sandbox) == []
    refuse(sandbox, PROJECT_LOG)

    sync()
    sync()

    assert len(asked(sandbox)) == requests


def test_every_kind_of_change_is_asked_about_but_a_suspension(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    scheduled = SavedQuery.objects.filter(schedule_state="on_time", sync_frequency="24hour").order_by("pk")
    cadence, suspended = scheduled[0], scheduled[1]
    renamed, gone = plain_view(), plain_view(1)
    sandbox.world.set_cadence_outside(cadence.name, "6hour")
    sandbox.world.suspend(suspended.name)
    sandbox.world.rename_outside(renamed.name, "renamed_elsewhere")
    sandbox.world.delete_outside(gone.name)
    fresh = sandbox.world.create_outside("brand_new", "SELECT 2 AS two")

    sync()

    about = {str(view.posthog_id) for view in (cadence, renamed, gone)} | {fresh.id}
    assert (set(asked(sandbox)), len(asked(sandbox))) == (about, 4)
    told = set(RemoteActivity.objects.filter(user_email=ANA).values_list("posthog_id", "activity"))
    assert {(cadence.posthog_id, "updated"), (gone.posthog_id, "deleted")} <= told


def test_an_edit_that_was_undone_is_asked_about_when_the_token_tells_of_it(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = plain_view()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    sandbox.world.edit_outside(view.name, view.query or "")

    sync()

    assert asked(sandbox) == [str(view.posthog_id)]


def test_what_a_glance_found_is_asked_about_by_the_next_sync(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = plain_view()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    services.read_live(view)

    sync()

    assert asked(sandbox) == [str(view.posthog_id)]


def test_many_edits_are_read_page_by_page_down_to_what_is_known(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = plain_view()
    for number in range(25):
        sandbox.world.edit_outside(view.name, f"SELECT {number} AS n")
    sync()
    edits = news().filter(posthog_id=view.posthog_id)
    assert (edits.count(), len(asked(sandbox))) == (25, 3)

    sandbox.world.edit_outside(view.name, "SELECT 26 AS other")
    sync()
    assert (edits.count(), len(asked(sandbox))) == (26, 4)


def test_what_was_logged_before_the_first_sync_is_not_paged_through(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = sandbox.world.view("stg_fx_rates")
    for number in range(25):
        sandbox.world.edit_outside(view.id, f"SELECT {number} AS n")
    refuse(sandbox, PROJECT_LOG)
    sync()
    sandbox.world.edit_outside(view.id, "SELECT 1 AS other")

    sync()

    assert (asked(sandbox), news().count()) == ([view.id], 1)


def test_what_a_glance_finds_while_the_log_is_read_is_left_for_the_next_sync(
    refused: Connection, sync: Sync, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = plain_view()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    real = view_activity.store_log

    def meanwhile(*args: Any) -> None:
        sandbox.world.rename_outside(str(view.posthog_id), "renamed_elsewhere")
        services.read_live(view)
        real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(view_activity, "store_log", meanwhile)
        sync()

    sync()

    assert asked(sandbox) == [str(view.posthog_id)] * 2


def test_one_view_whose_log_fails_does_not_fail_the_sync_and_is_asked_again(
    refused: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    for number in range(3):
        sandbox.world.edit_outside(plain_view(number).name, f"SELECT {number} AS n")
    sandbox.world.faults.add(Fault("status_500", path_regex=VIEW_LOG))

    done = sync()

    assert (done.state, differs(), done.counts["log_errors"]) == ("succeeded", {}, 1)
    assert "could not be read" in done.counts["notes"]["view_activity"]
    assert set(RemoteActivity.objects.values_list("posthog_id")) < {(plain_view(n).posthog_id,) for n in range(3)}
    sync()
    assert set(asked(sandbox)) == {str(plain_view(number).posthog_id) for number in range(3)}
    assert len(asked(sandbox)) == 4


def test_a_server_that_fails_again_and_again_is_left_alone(
    refused: Connection, sync: Sync, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_activity, "FAILURES_IN_A_ROW", 1)
    monkeypatch.setattr("warehouse_admin.mirror.sync.fetch.WINDOW", 1)
    for number in range(5):
        sandbox.world.edit_outside(plain_view(number).name, f"SELECT {number} AS n")
    sandbox.world.faults.add(Fault("status_500", path_regex=VIEW_LOG, times=None))

    assert sync().state == "succeeded"

    assert len(asked(sandbox)) <= 2, "the one that failed, and one that was under way"


@pytest.mark.parametrize("status", [402, 403, 404])
def test_a_view_log_that_is_refused_is_noted_and_not_asked_again(
    refused: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, status: int
) -> None:
    refuse(sandbox, VIEW_LOG, status)
    sandbox.world.edit_outside(plain_view().name, "SELECT 1 AS one")

    done = sync()

    assert (done.state, differs(), len(asked(sandbox))) == ("succeeded", {}, 1)
    assert done.counts["notes"]["view_activity"]
    refused.refresh_from_db()
    assert refused.capabilities["activity"]["state"] == "no"

    sandbox.world.edit_outside(plain_view().name, "SELECT 2 AS two")
    sync()
    assert len(asked(sandbox)) == 1

    allow_everything(sandbox, refused)
    refuse(sandbox, PROJECT_LOG)
    sync()
    assert len(asked(sandbox)) == 2, "what was found meanwhile is asked about"


def test_a_view_that_posthog_has_wiped_has_nothing_to_tell(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    view = plain_view()
    del sandbox.world.views[str(view.posthog_id)]
    sandbox.world.reindex()

    assert sync().counts["tombstoned"] == 1
    sync()

    assert asked(sandbox) == [str(view.posthog_id)]
    refused.refresh_from_db()
    assert refused.capabilities["activity"]["state"] == "yes"


@pytest.mark.parametrize(
    "place", ["view_activity.read_view_logs", "view_activity.store_log", "remote_activity.keep_entries"]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_killed_sync_had_found_is_asked_about_by_the_next(
    refused: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, place: str, when: str
) -> None:
    views = [plain_view(number) for number in range(3)]
    for number, view in enumerate(views):
        for edit in range(12):
            sandbox.world.edit_outside(view.name, f"SELECT {number} AS n, {edit} AS m")
    dying = services.start_sync(connection=refused)
    with monkeypatch.context() as patch:
        break_at(patch, place, when, Killed())
        with pytest.raises(Killed):
            services.run_sync(dying.pk)
    SyncRun.objects.filter(pk=dying.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))

    services.close_stuck_syncs()
    done = services.run_sync(SyncRun.objects.get(state="queued").pk)

    assert done is not None and done.state == "succeeded"
    assert (news().count(), doubled_entries()) == (36, [])
    assert not SavedQuery.objects.filter(needs_log=True).exists()


def test_a_view_edited_between_its_reading_and_its_logs_is_read_again(
    refused: Connection, sync: Sync, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = plain_view()
    real = view_activity.read_view_logs

    def too_late(job: run.Job) -> None:
        sandbox.world.edit_outside(view.name, "SELECT 2 AS one")
        real(job)

    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    with monkeypatch.context() as patch:
        patch.setattr(view_activity, "read_view_logs", too_late)
        sync()

    sync()

    view.refresh_from_db()
    assert (view.query, view.needs_log, view.needs_detail) == ("SELECT 2 AS one", False, False)


@pytest.mark.parametrize("generation", "ABCD")
def test_a_log_that_can_be_read_again_tells_nothing_twice(
    connection: Connection, sync: Sync, sandbox: SandboxServer, generation: str
) -> None:
    sandbox.world.set_generation(generation)
    sync()
    refuse(sandbox, PROJECT_LOG)
    for name in (plain_view().name, plain_view(1).name):
        sandbox.world.edit_outside(name, "SELECT 1 AS one")
        sync()
    assert len(asked(sandbox)) == 2

    allow_everything(sandbox, connection)
    sandbox.world.edit_outside(plain_view(2).name, "SELECT 1 AS one")
    sync()

    assert missing_entries(sandbox.world) == set()
    assert doubled_entries() == []
    assert len(asked(sandbox)) == 2


def test_the_requests_are_put_down_to_the_reading_of_logs(
    refused: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    Connection.objects.update(budget_per_minute=400, budget_per_hour=4000)
    before = dict(budget.spending(refused))
    sandbox.world.edit_outside(plain_view().name, "SELECT 1 AS one")

    sync()

    assert dict(budget.spending(refused))["sync log"] == before["sync log"] + 1


def test_a_press_of_stop_keeps_what_was_told_and_leaves_the_rest_to_the_next(
    refused: Connection, sync: Sync, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse_admin.mirror.sync.watch.WRITE_EVERY", 0)
    monkeypatch.setattr("warehouse_admin.mirror.sync.fetch.WINDOW", 1)
    for number in range(3):
        sandbox.world.edit_outside(plain_view(number).name, f"SELECT {number} AS n")
    real = view_activity.store_log

    def stop_after(*args: Any) -> None:
        real(*args)
        SyncRun.objects.filter(state="running").update(stop_requested=True)

    with monkeypatch.context() as patch:
        patch.setattr(view_activity, "store_log", stop_after)
        assert sync().state == "stopped"
    assert SavedQuery.objects.filter(needs_log=True).count() == 2

    assert sync().state == "succeeded"
    assert set(asked(sandbox)) == {str(plain_view(number).posthog_id) for number in range(3)}
    assert (news().count(), doubled_entries()) == (3, [])


def test_entries_that_were_known_by_their_id_are_known_by_their_content_after_an_upgrade(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    before = dict(RemoteActivity.objects.values_list("pk", "entry_key"))
    for number, pk in enumerate(before):
        RemoteActivity.objects.filter(pk=pk).update(entry_key=f"id-{number}")

    import_module("warehouse_admin.mirror.migrations.0004_keys_of_log_entries").key_by_content(apps, None)

    assert dict(RemoteActivity.objects.values_list("pk", "entry_key")) == before
