"""The main job over REST: propose, approve, applied, audited; resume; review what happened outside; sync."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from tests.schedules.conftest import SUSPENDED
from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit import services as audit
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db(transaction=True)

SQL = "SELECT 1 AS rate -- só 💶\r\n"


def test_the_whole_way_over_rest(synced, sandbox: SandboxServer, people, script_of, browser_of):
    accounts.check_connection(synced)
    erin, olga, audra = (script_of(people[role]) for role in ("editor", "operator", "auditor"))
    remy = browser_of(people["reviewer"])

    # Find a view and propose an edit of it, with a token.
    (row,) = erin.get("saved-queries/", {"search": "stg_fx_rates", "name": "stg_fx_rates"}).json()["results"]
    held = erin.get(f"saved-queries/{row['id']}/").json()["query"]
    body = {"action": "edit_query", "saved_query": row["id"], "query": SQL, "reason": "round less", "submit": True}
    posted = erin.key("erin-1").post("changes/", body)
    assert (posted.status_code, posted.json()["state"]) == (201, "in_review")
    number = posted.json()["number"]
    assert erin.key("erin-1").post("changes/", body).json()["number"] == number

    # Nobody but another signed-in person approves it.
    is_problem(erin.post(f"changes/{number}/approve/"), 403)
    is_problem(browser_of(people["editor"]).post(f"changes/{number}/approve/"), 403)
    shown = remy.get(f"changes/{number}/").json()
    assert shown["base"]["query"] == held and shown["proposal"]["query"] == SQL
    writes_before = len(sandbox.world.requests_to("warehouse_saved_queries", "PATCH"))
    assert remy.post(f"changes/{number}/approve/", {"revision": shown["revision"]}).status_code == 200

    # It is applied: once, byte for byte.
    applied = erin.get(f"changes/{number}/").json()
    assert (applied["state"], applied["mutation"]["state"], applied["blockers"]) == ("applied", "happened", [])
    assert sandbox.world.view("stg_fx_rates").query["query"] == SQL
    assert len(sandbox.world.requests_to("warehouse_saved_queries", "PATCH")) == writes_before + 1
    assert erin.get(f"saved-queries/{row['id']}/").json()["query"] == SQL

    # The trail says who asked, who approved, what was sent and what came back.
    asked, done = audra.get("audit/", {"action": "saved_query.edit_query", "ordering": "sequence"}).json()["results"]
    assert (asked["result"], done["result"]) == ("asked", "ok")
    assert (asked["object"]["id"], asked["reason"]) == (row["id"], "round less")
    assert done["remote"]["status"] == 200
    said = {one["action"]: one for one in audra.get("audit/", {"object": str(number)}).json()["results"]}
    assert (said["change.created"]["actor"], said["change.created"]["token"]) == ("editor", "nightly")
    assert said["change.applied"]["result"] == "ok"
    approvals = audra.get("audit/", {"action": "change.approved"}).json()["results"]
    assert [(one["actor"], one["result"]) for one in approvals] == [
        ("reviewer", "ok"),
        ("editor", "denied"),
        ("editor", "denied"),
    ]

    # Resume what is suspended, and see an outcome for each.
    rows = olga.get("saved-queries/", {"schedule_state": "suspended"}).json()["results"]
    paused = [one["id"] for one in rows if one["name"] in SUSPENDED]
    begun = olga.post("schedules/resume/", {"saved_queries": paused, "reason": "source is back"})
    assert begun.status_code == 202
    outcome = olga.client.get(begun.json()["url"], headers=olga.headers).json()
    assert {item["saved_query"] for item in outcome["items"]} == set(paused)
    assert "queued" not in outcome["counts"] and sum(outcome["counts"].values()) == len(paused)

    # A change made outside shows up after a sync, and somebody deals with it.
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 1 AS rate")
    sync = olga.post("sync/", {"kind": "full"}).json()
    assert olga.get(f"sync/{sync['id']}/").json()["state"] == "succeeded"
    seen = audra.get("activity/", {"source": ["outside", "unknown"], "unreviewed": "true"}).json()["results"]
    (outside,) = [one for one in seen if one["saved_query"] == row["id"] and one["kind"] == "edited"]
    reviewed = audra.post(f"activity/{outside['id']}/review/", {"verdict": "flagged", "note": "ask ana"}).json()
    assert (reviewed["verdict"], reviewed["reviewer"]) == ("flagged", "auditor")
    ours = [one for one in audra.get("activity/", {"source": "portal"}).json()["results"] if one["change"] == number]
    assert ours

    assert audit.verify().bad_sequence is None
