"""Every action over REST, as other people's scripts send it."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db(transaction=True)
LEAF = "mart_refunds_disputes"


@pytest.fixture
def script(generation, author, script_of):
    generation("D")
    return script_of(author)


def body(action: str, of: str = LEAF, /, **fields: object) -> dict[str, object]:
    view = SavedQuery.objects.present().get(name=of)
    return {"action": action, "saved_query": str(view.posthog_id), "reason": "why", "submit": True, **fields}


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("rename", {"name": "elsewhere"}),
        ("materialize", {}),
        ("delete", {}),
    ],
)
def test_an_action_is_proposed_approved_and_applied(action, fields, script, reviewer, browser_of):
    made = script.post("changes/", body(action, **fields))
    assert made.status_code == 201
    told = made.json()
    assert (told["action"], told["state"], told["name"]) == (action, "in_review", LEAF)
    assert told["request"]["method"] in ("PATCH", "POST", "DELETE")
    assert told["title"] and told["field_changes"]

    assert browser_of(reviewer).post(f"changes/{told['number']}/approve/", {}).status_code == 200

    assert script.get(f"changes/{told['number']}/").json()["state"] == "applied"


def test_a_view_is_created_and_the_change_leads_to_it(script, reviewer, browser_of):
    wanted = {"action": "create_view", "name": "kpi_new", "query": "SELECT 1 AS one", "reason": "why", "submit": True}
    made = script.post("changes/", wanted).json()
    assert (made["saved_query"], made["base"], made["name"]) == (None, None, "kpi_new")

    browser_of(reviewer).post(f"changes/{made['number']}/approve/", {})

    applied = script.get(f"changes/{made['number']}/").json()
    assert applied["state"] == "applied"
    assert script.get(f"saved-queries/{applied['saved_query']}/").json()["name"] == "kpi_new"


def test_a_cadence_names_its_field_when_it_is_wrong(script):
    table = SavedQuery.objects.present().filter(is_materialized=True, managed_viewset_kind="").first()

    for wrong in ("hourly", "1min", ""):
        told = is_problem(script.post("changes/", body("set_cadence", table.name, sync_frequency=wrong)), 400)
        assert "sync_frequency" in told["errors"]
    assert "sync_frequency" in is_problem(script.post("changes/", body("set_cadence", table.name)), 400)["errors"]


def test_what_is_missing_is_named(script):
    assert "saved_query" in is_problem(script.post("changes/", {"action": "delete"}), 400)["errors"]
    assert "name" in is_problem(script.post("changes/", body("rename")), 400)["errors"]
    told = is_problem(script.post("changes/", {"action": "create_view", "query": "SELECT 1"}), 400)
    assert "name" in told["errors"]


def test_with_several_projects_a_new_view_says_where_it_goes(script, connection):
    Connection.objects.create(slug="other", name="Other", host=connection.host, project_id="2", api_key="k" * 40)
    wanted = {"action": "create_view", "name": "kpi_new", "query": "SELECT 1 AS one"}

    assert "connection" in is_problem(script.post("changes/", wanted), 400)["errors"]
    assert "connection" in is_problem(script.post("changes/", {**wanted, "connection": "nowhere"}), 400)["errors"]
    assert script.post("changes/", {**wanted, "connection": "demo"}).status_code == 201


def test_dependents_that_the_server_refuses_for_are_409_with_blockers(script, connection):
    lineage.refresh(connection)

    told = is_problem(script.post("changes/", body("delete", "stg_app_orders")), 409)

    assert "int_orders_enriched" in told["blockers"][0]["text"]
    assert not ChangeRequest.objects.exists()


def test_a_field_of_an_action_is_revised_and_the_rest_stays(script):
    number = script.post("changes/", body("rename", name="one")).json()["number"]

    told = script.post(f"changes/{number}/revise/", {"name": "two", "revision": 1}).json()

    assert (told["revision"], told["proposal"], told["reason"]) == (2, {"name": "two"}, "why")
    assert is_problem(script.post(f"changes/{number}/revise/", {"name": "three", "revision": 1}), 409)


@pytest.fixture
def edited(script):
    """An edit in review, and the view it is of."""
    number = script.post("changes/", body("edit_query", query="SELECT 1 AS one")).json()["number"]
    return number, SavedQuery.objects.present().get(name=LEAF)


def test_a_change_gives_way_to_what_others_wrote(edited, script, sandbox):
    number, view = edited
    sandbox.world.edit_outside(LEAF, "SELECT 2 AS theirs")

    told = script.post(f"changes/{number}/drop/", {}).json()

    assert told["state"] == "superseded"
    assert sandbox.world.view(LEAF).sql == "SELECT 2 AS theirs"
    assert AuditEntry.objects.filter(action="change.dropped", result="ok").count() == 1


def test_a_change_of_a_view_made_anew_is_carried_over_and_answers_with_the_new_one(edited, script, sandbox, connection):
    number, view = edited
    sandbox.world.delete_outside(LEAF)
    sandbox.world.create_outside(LEAF, "SELECT 3 AS anew")
    sync(connection, "full")

    made = script.post(f"changes/{number}/carry-over/", {})

    assert made.status_code == 201
    assert made.json()["number"] != number and made.json()["saved_query"] != str(view.posthog_id)
    assert script.get(f"changes/{number}/").json()["state"] == "superseded"
    assert is_problem(script.post(f"changes/{made.json()['number']}/carry-over/", {}), 409)
