"""Workers that are processes of their own: killed with SIGKILL in the middle of each phase, and two with one sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.mirror.paths import DETAIL, JOBS, LIST, LOG, TABLES
from tests.mirror.processes import worker
from tests.running import wait_for
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import services, tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync.details import BATCH
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db(transaction=True)

Differs = Callable[[], dict[str, object]]

LANDS_WITHIN = 20.0  # seconds
PHASES = {
    "Reading the list of views": LIST,
    "Reading PostHog's activity log": LOG,
    "Reading the list of tables": TABLES,
    "Reading runs": JOBS,
}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """More views than fit into one batch, in four pages."""
    monkeypatch.setattr("warehouse_admin.sandbox.synthetic.TABLES", 8)
    with SandboxServer(generation="D", size=BATCH + 20) as server:
        server.world.page_size = 20
        yield server


@pytest.fixture
def connection(connection: Connection, sandbox: SandboxServer) -> Connection:
    """Checked, so that no sync has to; with a limit that is never reached, so that lists come before views."""
    Connection.objects.update(budget_per_minute=100_000)
    connection.refresh_from_db()
    accounts.check_connection(connection)
    sandbox.world.requests.clear()
    return connection


def hold(sandbox: SandboxServer, path: str, after: int = 0) -> Fault:
    """Let the answer to one request, after so many others, never come."""
    return sandbox.world.faults.add(Fault("slow", path_regex=path, after=after, seconds=600))


def kill_when(sync: SyncRun, condition: Callable[[], bool]) -> None:
    """Have a worker carry the sync out and kill it once `condition` holds."""
    with worker() as victim:
        victim.run_sync(sync.pk)
        wait_for(condition, LANDS_WITHIN, lambda: f"{SyncRun.objects.get(pk=sync.pk).phase}: the kill never came")
        victim.kill()
    sync.refresh_from_db()
    assert sync.state == "running"
    SyncRun.objects.filter(pk=sync.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))


def go_on(dead: SyncRun) -> SyncRun:
    """What the beat does about the dead one, and the sync that follows it."""
    tasks.close_stuck_syncs.apply()
    dead.refresh_from_db()
    assert dead.state == "failed" and "worker stopped" in dead.error
    return SyncRun.objects.exclude(pk=dead.pk).latest("created_at")


def repeated(sandbox: SandboxServer) -> list[str]:
    """Pages of the list and single views that were asked for more than once."""
    asked = Counter(f"{one.path} {one.query.get('page', 1)}" for one in sandbox.world.requests_to("saved_queries"))
    return [what for what, times in asked.items() if times > 1]


@pytest.mark.parametrize("phase", PHASES)
def test_a_kill_in_a_phase_that_lists_is_followed_by_a_sync_that_goes_on(
    connection: Connection, sandbox: SandboxServer, differs: Differs, phase: str
) -> None:
    dying = services.start_sync(connection=connection, queue=False)
    is_list = PHASES[phase] == LIST
    fault = hold(sandbox, PHASES[phase], after=1 if is_list else 0)

    def stored() -> bool:  # the next page is asked for while the one before is written
        return not is_list or SyncRun.objects.get(pk=dying.pk).cursor.get("page") == 2

    kill_when(dying, lambda: fault.struck == 1 and stored())
    assert dying.phase == phase

    follower = go_on(dying)

    assert (follower.state, differs()) == ("succeeded", {})
    unanswered = "/api/projects/1/warehouse_saved_queries/ 2"
    assert repeated(sandbox) == ([unanswered] if is_list else [])
    assert audit.verify().bad_sequence is None


def test_a_kill_between_details_asks_for_none_again_that_was_stored(
    connection: Connection, sandbox: SandboxServer, differs: Differs
) -> None:
    dying = services.start_sync(connection=connection, queue=False)
    fault = hold(sandbox, DETAIL, after=BATCH)
    stored = SavedQuery.objects.filter(needs_detail=False)
    kill_when(dying, lambda: fault.struck == 1 and stored.count() == BATCH + 19)
    assert dying.phase == "Reading views"
    paid_for = {f"/api/projects/1/warehouse_saved_queries/{view.posthog_id}/ 1" for view in stored}

    follower = go_on(dying)

    assert (follower.state, differs()) == ("succeeded", {})
    assert follower.counts["details"] == 1
    assert paid_for.isdisjoint(repeated(sandbox))
    assert not SavedQuery.objects.filter(versions=None).exists()


def test_a_kill_while_views_are_read_ahead_of_their_list_asks_again_for_what_was_not_stored(
    connection: Connection, sandbox: SandboxServer, differs: Differs
) -> None:
    Connection.objects.update(budget_per_minute=0)
    dying = services.start_sync(connection=connection, queue=False)
    listing = hold(sandbox, LIST, after=1)
    kill_when(dying, lambda: listing.struck == 1 and len(sandbox.world.requests_to("saved_queries")) == 2 + 20)
    assert dying.phase == "Reading the list of views"
    stored = set(SavedQuery.objects.filter(needs_detail=False).values_list("posthog_id", flat=True))

    follower = go_on(dying)

    assert (follower.state, differs()) == ("succeeded", {})
    assert {f"/api/projects/1/warehouse_saved_queries/{key}/ 1" for key in stored}.isdisjoint(repeated(sandbox))
    assert not SavedQuery.objects.filter(versions=None).exists()


def test_a_kill_while_asking_what_is_gone_makes_each_tombstone_once(
    synced: Connection, sandbox: SandboxServer, differs: Differs
) -> None:
    first, second = SavedQuery.objects.filter(is_materialized=False).order_by("pk")[:2]
    for view in (first, second):
        sandbox.world.delete_outside(view.name)
    dying = services.start_sync(connection=synced, queue=False)
    hold(sandbox, f"{second.posthog_id}/?$", after=1)  # the first question comes from what the log tells
    kill_when(dying, SavedQuery.objects.tombstones().exists)
    assert dying.phase == "Checking what is gone"

    follower = go_on(dying)

    assert (follower.state, differs()) == ("succeeded", {})
    gone = AuditEntry.objects.filter(action="sync.tombstoned").values_list("object_id", flat=True)
    assert sorted(gone) == sorted([str(first.posthog_id), str(second.posthog_id)])
    assert sorted(SavedQuery.objects.tombstones().values_list("pk", flat=True)) == [first.pk, second.pk]
    assert audit.verify().bad_sequence is None


def test_two_workers_with_one_sync_carry_it_out_once(
    connection: Connection, sandbox: SandboxServer, differs: Differs
) -> None:
    sync = services.start_sync(connection=connection, queue=False)
    with ExitStack() as both:
        workers = [both.enter_context(worker()) for _ in range(2)]
        for each in workers:
            each.run_sync(sync.pk)
        answers = sorted(each.answer() for each in workers)

    assert (answers, differs()) == (["not taken", "succeeded"], {})
    assert repeated(sandbox) == []
    assert AuditEntry.objects.filter(action="sync.finished").count() == 1
