"""What every list has in common."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.caller import is_problem
from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit import services as audit
from warehouse_admin.changes.models import ChangeRequest, Item, Revision
from warehouse_admin.mirror.models import Run, SavedQueryVersion, SyncRun, WarehouseTable
from warehouse_admin.schedules.models import Campaign, CampaignItem

pytestmark = pytest.mark.django_db

LISTS = [
    "saved-queries/",
    "tables/",
    "changes/",
    "activity/",
    "audit/",
    "sync/",
    "schedules/resumes/",
    "saved-queries/{view}/versions/",
    "saved-queries/{view}/runs/",
    "saved-queries/{view}/activity/",
]
BAD = [
    ({"limit": "x"}, "limit"),
    ({"limit": "0"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"offset": "-1"}, "offset"),
    ({"offset": "9" * 40}, "offset"),
    ({"ordering": "password"}, "ordering"),
    ({"colour": "red"}, "colour"),
]


@pytest.fixture
def here(db):
    return Connection.objects.create(slug="here", name="Here", host="http://127.0.0.1:1", project_id="1", api_key="k")


@pytest.fixture
def there(db):
    return Connection.objects.create(slug="there", name="There", host="http://127.0.0.1:1", project_id="2", api_key="k")


@pytest.fixture
def script(admin, script_of):
    return script_of(admin)


@pytest.fixture
def fill(here, admin):
    """Add rows of every kind, all about one view."""
    view = make_view(here, "the_view")

    def add(count: int) -> str:
        now = timezone.now()
        start = WarehouseTable.objects.count()
        for number in range(start, start + count):
            other = make_view(here, f"view_{number:03}")
            WarehouseTable.objects.create(connection=here, posthog_id=uuid.uuid4(), name=f"table_{number:03}")
            change = ChangeRequest.objects.create(
                connection=here,
                action="edit_query",
                saved_query=other,
                object_name=other.name,
                author=admin,
                state="in_review",
                state_changed_at=now,
            )
            Item.objects.create(
                revision=Revision.objects.create(change=change, number=1, editor=admin),
                action="edit_query",
                saved_query=other,
                object_name=other.name,
                base={
                    "name": other.name,
                    "query": "SELECT 1",
                    "latest_history_id": None,
                    "fetched_at": now.isoformat(),
                },
                proposal={"query": "SELECT 2"},
            )
            ActivityEntry.objects.create(
                connection=here, saved_query=view, source="outside", kind="edited", occurred_at=now, reviewed_by=admin
            )
            SyncRun.objects.create(connection=here, state="succeeded", started_by=admin)
            resume = Campaign.objects.create(connection=here, state="succeeded", reason="x", started_by=admin)
            CampaignItem.objects.create(campaign=resume, saved_query=other, position=1, is_open=False)
            SavedQueryVersion.objects.create(
                saved_query=view, number=number + 1, query="SELECT 1", query_hash="x", origin="outside", seen_at=now
            )
            Run.objects.create(saved_query=view, job_id=str(number), status="Completed", started_at=now)
            audit.record(actor=admin, action="test.done")
        return str(view.posthog_id)

    return add


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_pages_that_lead_to_each_other(path, script, fill):
    path = path.format(view=fill(5))

    first = script.get(path, {"limit": 2}).json()
    assert set(first) >= {"count", "next", "previous", "results"}
    assert (len(first["results"]), first["previous"]) == (2, None)
    assert first["count"] >= 5
    second = script.client.get(first["next"], headers=script.headers).json()
    assert len(second["results"]) == 2
    assert not [row for row in second["results"] if row in first["results"]]
    assert script.get(path, {"limit": 1000, "offset": 900}).json()["results"] == []


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_however_many_rows_it_shows(path, script, fill):
    view = fill(10)
    script.get(path.format(view=view))
    with CaptureQueriesContext(database) as few:
        shown = len(script.get(path.format(view=view), {"limit": 1000}).json()["results"])
    fill(50)
    with CaptureQueriesContext(database) as many:
        found = script.get(path.format(view=view), {"limit": 1000}).json()["results"]

    assert len(found) >= shown + 50
    assert len(few) == len(many) <= 12


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("params", "field"), BAD)
def test_a_parameter_that_cannot_be_used_is_400_and_named(path, params, field, script, fill):
    problem = is_problem(script.get(path.format(view=fill(1)), params), 400)

    assert problem["errors"][field]


@pytest.mark.parametrize("path", [path for path in LISTS if "{" not in path])
def test_a_list_can_be_limited_to_a_connection(path, script, fill, here, there):
    fill(2)
    audit.record(actor=None, action="test.done", connection="here")

    assert script.get(path, {"connection": "here"}).json()["count"] >= 1
    assert script.get(path, {"connection": "there"}).json()["count"] == 0


def test_below_a_view_the_connection_says_which_view_is_meant(script, fill, here, there):
    view = fill(1)
    same = make_view(there, "same_id")
    same.posthog_id = view
    same.save()

    assert script.get(f"saved-queries/{view}/versions/", {"connection": "here"}).json()["count"] == 1
    assert script.get(f"saved-queries/{view}/versions/", {"connection": "there"}).json()["count"] == 0
    assert script.get(f"saved-queries/{view}/", {"connection": "there"}).json()["name"] == "same_id"


def test_an_unknown_connection_is_400_and_the_known_are_named(script, here):
    problem = is_problem(script.get("saved-queries/", {"connection": "nowhere"}), 400)

    assert "here" in problem["errors"]["connection"][0]


def test_a_thousand_rows_fit_on_a_page_and_more_are_never_sent(script, here):
    from warehouse_admin.mirror.models import SavedQuery

    SavedQuery.objects.bulk_create(
        SavedQuery(connection=here, posthog_id=uuid.uuid4(), name=f"v{n:04}") for n in range(1_001)
    )

    assert len(script.get("saved-queries/").json()["results"]) == 100
    assert len(script.get("saved-queries/", {"limit": 1000}).json()["results"]) == 1_000
    body = script.get("saved-queries/", {"limit": 5000}).json()
    assert (len(body["results"]), body["count"]) == (1_000, 1_001)


def test_ordering_goes_both_ways_and_over_several_fields(script, here):
    for name, state in [("b", "late"), ("a", "late"), ("c", "failing")]:
        make_view(here, name, schedule_state=state)

    def names(ordering: str) -> list[str]:
        return [row["name"] for row in script.get("saved-queries/", {"ordering": ordering}).json()["results"]]

    assert names("name") == ["a", "b", "c"]
    assert names("-name") == ["c", "b", "a"]
    assert names("schedule_state,-name") == ["c", "b", "a"]


def test_what_never_ran_comes_last_in_either_order(script, here):
    make_view(here, "ran", last_run_at=timezone.now())
    make_view(here, "never")

    for ordering in ("last_run_at", "-last_run_at"):
        rows = script.get("saved-queries/", {"ordering": ordering}).json()["results"]
        assert [row["name"] for row in rows] == ["ran", "never"]


def test_a_search_looks_into_name_and_sql_for_every_word(script, here):
    make_view(here, "orders", "SELECT total FROM Payments")
    make_view(here, "other", "SELECT 1")

    found = script.get("saved-queries/", {"search": "order payments"}).json()["results"]
    assert [row["name"] for row in found] == ["orders"]
    is_problem(script.get("saved-queries/", {"search": "x" * 500}), 400)


def test_a_filter_may_be_repeated_to_mean_any(script, here):
    for state in ("late", "failing", "on_time"):
        make_view(here, state, schedule_state=state)

    found = script.get("saved-queries/", {"schedule_state": ["late", "failing"]}).json()
    assert found["count"] == 2
    problem = is_problem(script.get("saved-queries/", {"schedule_state": "fine"}), 400)
    assert "on_time" in problem["errors"]["schedule_state"][0]


def test_tombstones_are_left_out_unless_asked_for(script, here):
    make_view(here, "present")
    gone = make_view(here, "gone", "SELECT 'kept'", deleted_at=timezone.now())

    def names(**params: str) -> list[str]:
        return [row["name"] for row in script.get("saved-queries/", params).json()["results"]]

    assert names() == ["present"]
    assert names(deleted="only") == ["gone"]
    assert names(deleted="any") == ["gone", "present"]
    is_problem(script.get("saved-queries/", {"deleted": "yes"}), 400)
    by_id = script.get(f"saved-queries/{gone.posthog_id}/").json()
    assert (by_id["name"], by_id["query"], bool(by_id["deleted_at"])) == ("gone", "SELECT 'kept'", True)


def test_activity_and_runs_are_limited_by_time(script, here):
    view = make_view(here, "v")
    now = timezone.now()
    for days in (1, 3):
        at = now - timedelta(days=days)
        Run.objects.create(saved_query=view, job_id=str(days), status="Completed", started_at=at)
        ActivityEntry.objects.create(connection=here, source="outside", kind="edited", occurred_at=at)

    since = {"since": (now - timedelta(days=2)).isoformat()}
    assert script.get(f"saved-queries/{view.posthog_id}/runs/", since).json()["count"] == 1
    assert script.get("activity/", since).json()["count"] == 1
    assert "since" in is_problem(script.get("activity/", {"since": "2026-02-30"}), 400)["errors"]
