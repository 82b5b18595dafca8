"""Bulk resume, single runs and syncs over REST."""

from __future__ import annotations

import uuid

import pytest

from tests.api.caller import is_problem
from tests.schedules.conftest import SUSPENDED
from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db(transaction=True)

OUTCOMES = {"queued", "sent", "accepted", "resumed", "not_paused", "ignored", "failed_again", "failed", "unknown"}


@pytest.fixture
def script(synced, operator, script_of):
    accounts.check_connection(synced)
    return script_of(operator)


@pytest.fixture
def ids(synced):
    names = SavedQuery.objects.filter(name__in=SUSPENDED).values_list("posthog_id", flat=True)
    return [str(one) for one in names]


def test_a_resume_is_202_and_every_view_gets_an_outcome(script, ids):
    response = script.post("schedules/resume/", {"saved_queries": ids, "reason": "the source is back"})

    assert response.status_code == 202, response.content
    begun = response.json()
    assert set(begun) >= {"id", "state", "url"}
    body = script.client.get(begun["url"], headers=script.headers).json()
    assert body["id"] == begun["id"]
    assert {item["saved_query"] for item in body["items"]} == set(ids)
    assert {item["outcome"] for item in body["items"]} <= OUTCOMES - {"queued", "sent"}
    assert sum(body["counts"].values()) == len(ids)
    campaign = AuditEntry.objects.filter(action="schedules.resume", object_id=begun["id"], result="asked")
    assert campaign.get().reason == "the source is back"
    each = AuditEntry.objects.filter(action="schedules.resume", object_type="saved_query")
    assert {entry.object_id for entry in each} == set(ids)


UNUSABLE = [
    ({"reason": ""}, "reason"),
    ({"reason": None}, "reason"),
    ({"saved_queries": []}, "saved_queries"),
    ({"saved_queries": "x"}, "saved_queries"),
    ({"saved_queries": ["nonsense"]}, "saved_queries"),
    ({"saved_queries": [str(uuid.uuid4())]}, "saved_queries"),
    ({"confirm_count": "many"}, "confirm_count"),
]


def test_what_cannot_be_used_is_named_and_nothing_starts(script, ids):
    for change, field in UNUSABLE:
        problem = is_problem(script.post("schedules/resume/", {"saved_queries": ids, "reason": "r", **change}), 400)
        assert any(name.split(".")[0] == field for name in problem["errors"]), change
    assert not Campaign.objects.exists()


def test_above_the_guard_the_number_is_asked_for(script, synced):
    many = [str(one) for one in SavedQuery.objects.filter(is_materialized=True).values_list("posthog_id", flat=True)]
    body = {"saved_queries": many, "reason": "all"}

    assert str(len(many)) in is_problem(script.post("schedules/resume/", body), 400)["errors"]["confirm_count"][0]
    assert script.post("schedules/resume/", {**body, "confirm_count": len(many)}).status_code == 202


def test_campaigns_are_listed_and_ended_ones_cannot_be_stopped(script, ids):
    begun = script.post("schedules/resume/", {"saved_queries": ids, "reason": "r"}).json()

    (row,) = script.get("schedules/resumes/").json()["results"]
    assert (row["id"], row["started_by"]) == (begun["id"], "operator")
    Campaign.objects.update(state="succeeded")
    is_problem(script.post(f"schedules/resumes/{begun['id']}/stop/"), 409)


def test_a_campaign_is_stopped_before_its_next_chunk(script, ids):
    begun = script.post("schedules/resume/", {"saved_queries": ids, "reason": "r"}).json()
    Campaign.objects.update(state="running")

    assert script.post(f"schedules/resumes/{begun['id']}/stop/").status_code == 200
    assert Campaign.objects.get().stop_requested
    assert AuditEntry.objects.latest("sequence").action == "schedules.stop"


def test_a_run_is_202_and_its_end_is_in_the_trail(script, view_named, sandbox):
    view = view_named("stg_fx_rates")
    response = script.post(f"saved-queries/{view.posthog_id}/run/", {"reason": "fresh rates"})

    assert response.status_code == 202, response.content
    assert Mutation.objects.get().state == "happened"
    trail = AuditEntry.objects.filter(action="saved_query.run").order_by("sequence")
    assert [entry.result for entry in trail] == ["asked", "ok"]
    assert {entry.reason for entry in trail} >= {"fresh rates"}


@pytest.mark.parametrize("verb", ["run", "cancel"])
def test_a_run_or_a_cancellation_needs_a_reason(verb, script, view_named):
    path = f"saved-queries/{view_named('stg_fx_rates').posthog_id}/{verb}/"

    assert "reason" in is_problem(script.post(path), 400)["errors"]
    assert "reason" in is_problem(script.post(path, {"reason": " "}), 400)["errors"]
    assert not Mutation.objects.exists()


def test_what_the_server_refuses_to_keys_is_409_in_words(script, view_named):
    path = f"saved-queries/{view_named('stg_fx_rates').posthog_id}/cancel/"

    assert "API keys" in is_problem(script.post(path, {"reason": "stuck"}), 409)["detail"]
    assert not Mutation.objects.exists()


def test_a_running_view_is_cancelled(script, view_named, sandbox, synced):
    sandbox.world.set_generation("C")
    accounts.check_connection(synced)
    view = view_named("stg_fx_rates")
    sandbox.world.run_outside("stg_fx_rates")

    response = script.post(f"saved-queries/{view.posthog_id}/cancel/", {"reason": "stuck"})
    assert response.status_code == 202, response.content
    assert Mutation.objects.get().kind == "cancel"


def test_a_sync_is_202_and_tells_how_it_went(script, synced):
    response = script.post("sync/", {"kind": "full"})

    assert response.status_code == 202
    begun = response.json()
    assert set(begun) >= {"id", "state", "url"}
    body = script.client.get(begun["url"], headers=script.headers).json()
    assert (body["state"], body["kind"], body["error"]) == ("succeeded", "full", None)
    assert set(body["progress"]) == {"phase", "done", "total", "waiting_until"}
    assert body["counts"]
    assert body["started_by"] == "operator"


def test_a_sync_needs_no_body(script):
    assert script.client.generic("POST", "/api/v1/sync/", headers=script.headers).status_code == 202
    assert SyncRun.objects.latest("created_at").kind == "incremental"


def test_a_second_sync_is_409_with_the_id_of_the_first(script, synced):
    running = SyncRun.objects.create(connection=synced, state="queued")

    assert is_problem(script.post("sync/"), 409)["id"] == str(running.pk)


@pytest.mark.parametrize(("body", "field"), [({"kind": "fast"}, "kind"), ({"connection": "nowhere"}, "connection")])
def test_a_sync_of_something_unknown_is_400(body, field, script):
    assert is_problem(script.post("sync/", body), 400)["errors"][field]


def test_a_failed_sync_says_why_in_words(script, sandbox):
    sandbox.world.revoke_key(sandbox.key)
    begun = script.post("sync/").json()

    body = script.get(f"sync/{begun['id']}/").json()
    assert body["state"] == "failed"
    assert "key" in body["error"].lower()


def test_an_open_sync_is_stopped_and_an_ended_one_is_not(script, synced):
    waiting = SyncRun.objects.create(connection=synced, state="queued")

    assert script.post(f"sync/{waiting.pk}/stop/").json()["state"] == "stopped"
    assert AuditEntry.objects.latest("sequence").action == "sync.stopped"
    is_problem(script.post(f"sync/{waiting.pk}/stop/"), 409)


def test_what_vanished_is_kept_or_confirmed_by_a_person(script, synced):
    asked = SyncRun.objects.create(connection=synced, state="needs_attention", vanished=[], error="9 views vanished")
    assert script.get(f"sync/{asked.pk}/").json()["error"] == "9 views vanished"

    assert script.post(f"sync/{asked.pk}/dismiss/").json()["state"] == "stopped"
    is_problem(script.post(f"sync/{asked.pk}/confirm/"), 409)


def test_without_a_connection_nothing_can_be_synced(admin, script_of):
    is_problem(script_of(admin).post("sync/"), 409)
