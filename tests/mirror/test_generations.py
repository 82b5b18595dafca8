"""The four generations of servers, each with what it tells and what it hides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Observation, Run, SavedQuery, SyncRun
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]


@pytest.fixture(params=["A", "B", "C", "D"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    with SandboxServer(generation=request.param) as server:
        yield server


def test_the_mirror_converges(connection: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs) -> None:
    first = sync()
    assert (first.state, first.error, differs()) == ("succeeded", "", {})
    assert Run.objects.count() > 100
    connection.refresh_from_db()
    assert connection.generation == sandbox.world.generation.name

    plain = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False, origin__in=["", "data_warehouse"])
    edited, renamed, gone = list(plain.order_by("name")[:3])
    sandbox.world.edit_outside(edited.name, "SELECT 5 AS five, 6 AS six")
    sandbox.world.rename_outside(renamed.name, "another_name")
    leaf = sandbox.world.create_outside("short_lived", "SELECT 1 AS one")
    sync()
    sandbox.world.delete_outside("short_lived")
    sync()

    assert differs() == {}
    edited.refresh_from_db()
    assert edited.versions.first().origin == "outside"
    kinds = set(Observation.objects.filter(is_history=False).values_list("kind", flat=True))
    assert {"edited", "renamed", "created", "deleted"} <= kinds
    assert SavedQuery.objects.get(posthog_id=leaf.id).deleted_at is not None


def test_details_are_only_read_where_the_list_does_not_have_them(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    counts = sync().counts

    assert ("details" in counts and counts["details"] > 0) == (sandbox.world.generation.name != "A")
    assert not SavedQuery.objects.filter(needs_detail=True).exists()


def test_a_paused_and_a_suspended_schedule_are_told_apart_as_far_as_the_server_tells(
    connection: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sync()
    running = SavedQuery.objects.filter(schedule_state="on_time").order_by("name")
    paused, suspended = running[0], running[1]
    sandbox.world.pause(paused.name)
    sandbox.world.suspend(suspended.name)

    sync()

    paused.refresh_from_db()
    suspended.refresh_from_db()
    assert (paused.schedule_state, suspended.schedule_state) == ("paused", "suspended")
    assert paused.last_cadence == "6hour"
    assert "The last one seen was every 6 h." in paused.schedule_evidence
