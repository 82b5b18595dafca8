"""REST: mirrored tables, and changes of them by the contract."""

from __future__ import annotations

import json
import uuid
from hashlib import sha256

import pytest
from django.test import Client

from tests.api.caller import Caller, is_problem
from tests.changes.tables import ACCESS, NEW, OWN, SECRET, SOURCED, STORAGE, planted_in
from warehouse_admin.accounts.models import IdempotentCall
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.models import Credential

pytestmark = pytest.mark.django_db
BODY = {
    "action": "create_table",
    **NEW,
    "credential": {"access_key": ACCESS, "access_secret": SECRET},
    "reason": "because",
    "submit": True,
}


@pytest.fixture
def script(synced, author, script_of) -> Caller:
    lineage.refresh(synced)
    return script_of(author)


def the(name: str) -> str:
    return str(WarehouseTable.objects.get(name=name).posthog_id)


def test_a_table_tells_all_but_secrets(script):
    body = script.get(f"tables/{the(OWN)}/").json()

    assert (body["kind"], body["locked"], body["created_by"]) == ("bucket", None, "ana@harborgoods.example")
    assert body["columns"][0] == {"name": "rate_date", "type": "date", "valid": True}
    readers = script.get(f"tables/{the(OWN)}/readers/").json()["results"]
    assert [reader["name"] for reader in readers] == ["stg_fx_rates"]
    assert script.get(f"tables/{the(OWN)}/column-history/").json()["results"] == []
    assert (body["has_credential"], body["storage_of"]) == (True, None)
    assert "credential" not in body
    storage = script.get(f"tables/{the(STORAGE)}/").json()
    assert storage["kind"] == "storage" and storage["storage_of"] and storage["locked"]
    assert script.get("tables/", {"kind": "bucket"}).json()["count"] == 3
    assert is_problem(script.get(f"tables/{uuid.uuid4()}/"), 404)


def test_create_goes_through_review_and_no_answer_has_the_keys(script, reviewer, django_capture_on_commit_callbacks):
    answer = script.key("once").post("changes/", BODY)
    assert (answer.status_code, answer.json()["state"]) == (201, "in_review")
    again = script.key("once").post("changes/", BODY)
    assert again.json()["number"] == answer.json()["number"]
    assert ChangeRequest.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        services.approve(ChangeRequest.objects.get(), reviewer)

    done = script.get(f"changes/{answer.json()['number']}/").json()

    assert (done["state"], done["saved_query"]) == ("applied", None)
    assert done["table"] == the(NEW["name"])
    assert done["proposal"]["credential"]["set"] == ["access key", "secret"]
    assert done["mutation"]["sent"]["is_exact"] is True
    assert planted_in(json.dumps([answer.json(), again.json(), done])) == []
    call = IdempotentCall.objects.get()
    assert planted_in(json.dumps(call.body)) == []
    plain = "\n".join(["POST", "/api/v1/changes/", json.dumps(BODY, sort_keys=True)])
    assert call.fingerprint != sha256(plain.encode()).hexdigest(), "nobody guesses keys by the digest of a body"
    assert script.get("changes/", {"table": done["table"]}).json()["count"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"credential": {"access_key": ACCESS}}, "credential.access_secret"),
        ({"credential": {"access_key": "", "access_secret": SECRET}}, "credential.access_key"),
        ({"credential": {"access_key": None, "access_secret": SECRET}}, "credential.access_key"),
        ({"credential": SECRET}, "credential"),
        ({"credential": None}, "credential"),
        ({"format": "XLS"}, "format"),
        ({"url_pattern": "http://files.example.com/x"}, "url_pattern"),
        ({"url_pattern": "https://192.168.1.1/x"}, "url_pattern"),
        ({"name": OWN}, "name"),
        ({"reason": ""}, "reason"),
    ],
)
def test_bad_input_is_told_by_field_without_the_keys(changes, field, script):
    answer = script.key("bad").post("changes/", {**BODY, **changes})

    problem = is_problem(answer, 400)
    assert field in problem["errors"], problem
    assert planted_in(answer.content.decode()) == []
    assert planted_in(json.dumps(IdempotentCall.objects.get().body)) == []
    assert not Credential.objects.exists()


def test_refusals_by_state_role_and_id(script, viewer, script_of):
    locked = is_problem(script.post("changes/", {"action": "delete_table", "table": the(SOURCED)}), 409)
    assert "belongs to Stripe" in locked["blockers"][0]["text"]
    missing = is_problem(script.post("changes/", {"action": "delete_table"}), 400)
    assert "table" in missing["errors"]
    for key in (str(uuid.uuid4()), "no-uuid"):
        is_problem(script.post("changes/", {"action": "update_table", "table": key, "name": "x"}), 404)
    is_problem(script_of(viewer).post("changes/", {"action": "delete_table", "table": the(OWN)}), 403)


def test_an_update_is_revised_with_new_keys(script):
    made = script.post("changes/", {"action": "update_table", "table": the(OWN), "format": "CSV", "reason": "r"}).json()
    assert made["field_changes"] == [{"field": "Format", "before": "CSVWithNames", "after": "CSV"}]
    assert made["impact"]["dependents"][0]["name"] == "stg_fx_rates"
    assert made["base"]["url_pattern"].startswith("https://hg-finance")
    keys = {"access_key": ACCESS, "access_secret": SECRET}

    answer = script.post(f"changes/{made['number']}/revise/", {"revision": 1, "credential": keys})

    assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    assert answer.json()["request"]["body"]["credential"] == {
        "access_key": "(set, not shown)",
        "access_secret": "(set, not shown)",
    }
    assert planted_in(answer.content.decode()) == []


def test_a_list_of_changes_costs_the_same_with_tables_and_keys(script, author, synced, django_assert_max_num_queries):
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        with CaptureQueriesContext(database) as captured:
            assert script.get("changes/").status_code == 200
        return len(captured)

    script.post("changes/", BODY)
    script.post("changes/", {"action": "delete_table", "table": the(OWN), "reason": "r", "submit": True})
    script.get("changes/")
    before = cost()
    for place in range(4):
        script.post("changes/", {**BODY, "name": f"t_{place}"})
        script.post(
            "changes/", {"action": "update_table", "table": the("marketing_spend"), "format": "CSV", "reason": "r"}
        )
    assert cost() == before


def test_the_schema_describes_the_keys_as_written_only():
    schema = Client().get("/api/v1/schema/?format=json").json()["components"]["schemas"]
    assert schema["KeysRequest" if "KeysRequest" in schema else "Keys"]["properties"]["access_key"].get("writeOnly")
