"""Runs that turned: told once, whenever and under whatever key they come to light."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.run_changes import take_in
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun

pytestmark = pytest.mark.django_db
START = timezone.now() - timedelta(days=1)


@pytest.fixture
def view(db: None) -> SavedQuery:
    here = Connection.objects.create(slug="demo", name="Demo", host="http://127.0.0.1:1", project_id="1", api_key="k")
    SyncRun.objects.create(connection=here, kind="full", state=SyncRun.State.SUCCEEDED, started_at=START)
    return make_view(here, "orders")


def run(view: SavedQuery, hours: float, status: str, job: str = "") -> Run:
    at = START + timedelta(hours=hours)
    ended = None if status == "Running" else at + timedelta(minutes=5)
    return Run.objects.create(saved_query=view, job_id=job, status=status, started_at=at, finished_at=ended)


def told(view: SavedQuery) -> list[tuple[str, datetime]]:
    while take_in(view.connection):
        pass
    return list(ActivityEntry.objects.order_by("occurred_at").values_list("kind", "occurred_at"))


def test_only_the_first_of_a_kind_is_told_and_nothing_from_before(view: SavedQuery) -> None:
    states = {-3: "Completed", -2: "Failed", -1: "Completed", 1: "Completed", 2: "Failed", 3: "Failed", 4: "Completed"}
    runs = {hours: run(view, hours, status, f"job{hours}") for hours, status in states.items()}

    assert told(view) == [("run_failed", runs[2].finished_at), ("run_recovered", runs[4].finished_at)]
    assert told(view) == told(view)
    entry = ActivityEntry.objects.get(kind="run_failed")
    assert (entry.source, entry.needs_review, entry.run) == ("system", False, runs[2])


def test_a_run_under_way_is_told_once_it_has_ended(view: SavedQuery) -> None:
    run(view, -1, "Completed", "a")
    slow = run(view, 1, "Running", "b")
    assert told(view) == []
    Run.objects.filter(pk=slow.pk).update(status="Failed", finished_at=START + timedelta(hours=2))

    assert told(view) == [("run_failed", START + timedelta(hours=2))]
    assert told(view) == [("run_failed", START + timedelta(hours=2))]


def test_a_cancelled_run_turns_nothing(view: SavedQuery) -> None:
    run(view, -1, "Completed", "a")
    run(view, 1, "Cancelled", "b")
    run(view, 2, "Completed", "c")

    assert told(view) == []


def test_a_run_that_comes_again_with_its_id_is_not_told_again(view: SavedQuery) -> None:
    """The short history has no ids; the feed of jobs tells the same run with one."""
    run(view, -1, "Completed", "a")
    nameless = Run.objects.create(saved_query=view, status="Failed", started_at=START + timedelta(hours=1, minutes=5))
    once = told(view)
    assert [kind for kind, _ in once] == ["run_failed"]
    nameless.delete()
    run(view, 1, "Failed", "b")

    assert told(view) == once
