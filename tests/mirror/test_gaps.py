"""What a broken read, a clock that is off or a glance in between could make the mirror overlook."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.mirror.logs import missing_entries
from tests.mirror.paths import JOBS, LIST, LOG
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import RemoteActivity, Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.mirror.sync import remote_activity
from warehouse_admin.sandbox import pagination
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.messages import Request
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]


def plain_view(skip: int = 0) -> SavedQuery:
    editable = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None)
    return editable.order_by("pk")[skip]


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log and the feed of runs three at a time."""

    def few(request: Request, rows: Sequence[Any], size: int, *rest: Any) -> dict[str, Any]:
        return pagination.by_cursor(request, rows, 3, *rest)

    monkeypatch.setattr("warehouse_admin.sandbox.activity.by_cursor", few)


def test_a_rename_and_back_is_noticed_when_somebody_looked_in_between(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    view = plain_view()
    old = view.name
    sandbox.world.rename_outside(old, "for_a_moment")
    services.read_live(view)
    sandbox.world.rename_outside("for_a_moment", old)

    sync()

    view.refresh_from_db()
    assert (view.name, differs()) == (old, {})


def test_an_edit_and_back_is_noticed_where_the_list_has_the_sql(
    connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.set_generation("A")
    sync()
    view = plain_view()
    there = sandbox.world.view(view.name)
    sql, before = view.query, copy.deepcopy(vars(there))
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    services.read_live(view)
    vars(there).update(before)
    sandbox.world.log_of[there.id].remove(sandbox.world.log.pop())

    sync()

    view.refresh_from_db()
    assert (view.query, differs()) == (sql, {})


def test_a_log_that_broke_off_is_read_down_to_where_it_was_known(
    synced: Connection, sync: Sync, sandbox: SandboxServer, short_pages: None, differs: Differs
) -> None:
    for number in range(8):
        sandbox.world.edit_outside(plain_view(number).name, f"SELECT {number} AS n")
        sandbox.world.advance(600)
    sandbox.world.faults.add(Fault("status_500", path_regex=LOG, after=1))
    assert sync().state == "failed"

    sync()

    assert missing_entries(sandbox.world) == set()
    assert differs() == {}


def test_a_feed_of_runs_that_broke_off_is_read_down_to_where_it_was_known(
    synced: Connection, sync: Sync, sandbox: SandboxServer, short_pages: None
) -> None:
    materialized = SavedQuery.objects.filter(is_materialized=True).order_by("pk")[:8]
    for view in materialized:
        sandbox.world.run_outside(view.name, finish=True)
        sandbox.world.advance(1200)
    sandbox.world.faults.add(Fault("status_500", path_regex=JOBS, after=1))
    assert sync().state == "failed"

    sync()

    there = {job.id for view in materialized for job in sandbox.world.jobs[str(view.posthog_id)]}
    assert there <= set(Run.objects.values_list("job_id", flat=True))


def test_views_that_come_to_light_late_bring_their_old_runs(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("empty_list", path_regex=LIST))
    sync()
    assert not Run.objects.exists()

    sync()

    assert Run.objects.count() > 500


def test_an_empty_log_is_not_taken_for_the_whole_of_it(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("empty_list", path_regex=LOG))
    sync()

    sync()

    assert RemoteActivity.objects.exists()


def test_a_log_too_long_to_read_has_every_view_read_again(
    synced: Connection, sync: Sync, sandbox: SandboxServer, short_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_activity, "MAX_PAGES", 1)
    for number in range(5):
        sandbox.world.edit_outside(plain_view(number).name, f"SELECT {number} AS n")
        sandbox.world.advance(600)

    done = sync()

    assert done.counts["details"] == SavedQuery.objects.present().count()
    assert "too long" in done.counts["notes"]["activity"]
    assert sync().counts.get("details", 0) == 0


@pytest.mark.parametrize("hours", [-3, 3], ids=["behind", "ahead"])
def test_posthogs_clock_may_be_hours_off(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, hours: int
) -> None:
    view = plain_view()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    sync()
    sandbox.world.clock.offset += hours * 3_600
    # The row of the list stays as it was: only the log tells of this edit.
    sandbox.world.edit_outside(view.name, "SELECT 2 AS one")

    sync()

    view.refresh_from_db()
    assert (view.query, differs()) == ("SELECT 2 AS one", {})


def test_our_own_clock_may_have_been_set_back(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    SavedQuery.objects.update(synced_at=tomorrow, detail_synced_at=tomorrow)
    WarehouseTable.objects.update(synced_at=tomorrow)
    edited, renamed, gone = (plain_view(number) for number in range(3))
    sandbox.world.edit_outside(edited.name, "SELECT 2 AS two")
    sandbox.world.rename_outside(renamed.name, "renamed_elsewhere")
    sandbox.world.delete_outside(gone.name)

    sync()

    assert differs() == {}
