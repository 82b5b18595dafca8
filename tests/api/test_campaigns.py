"""Pauses, runs, cadences and the steering of campaigns over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from tests.schedules.conftest import HEALTHY, SUSPENDED, YEAR
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script(synced, operator, script_of):
    accounts.check_connection(synced)
    return script_of(operator)


def ids(*names):
    return [str(one) for one in SavedQuery.objects.filter(name__in=names).values_list("posthog_id", flat=True)]


def detail(script, response, status=202):
    assert response.status_code == status, response.content
    return script.client.get(response.json()["url"], headers=script.headers).json()


def test_a_pause_with_a_wake_up_date(script, sandbox):
    body = {"saved_queries": ids(HEALTHY), "reason": "source moves", "until": f"{YEAR}-01-01T00:00:00Z"}

    told = detail(script, script.post("schedules/pause/", body))

    assert (told["action"], told["method"], told["until"]) == ("pause", "never", f"{YEAR}-01-01T00:00:00Z")
    assert [item["outcome"] for item in told["items"]] == ["paused"]
    assert sandbox.world.view(HEALTHY).schedule.paused
    is_problem(script.post("schedules/pause/", {**body, "until": "2001-01-01T00:00:00Z"}), 400)


def test_a_run_of_several_views(script, sandbox):
    told = detail(script, script.post("schedules/run/", {"saved_queries": ids(HEALTHY), "reason": "late data"}))

    assert (told["action"], told["counts"]) == ("run", {"accepted": 1})
    assert len(sandbox.world.requests_to("/run", "POST")) == 1


def test_a_cadence_opens_changes_and_tells_which(script):
    body = {"saved_queries": ids(HEALTHY), "reason": "cheaper", "sync_frequency": "12hour"}

    (item,) = detail(script, script.post("schedules/cadence/", body))["items"]

    change = ChangeRequest.objects.get()
    assert (item["outcome"], item["change"], change.state) == ("proposed", change.pk, "in_review")
    problem = is_problem(script.post("schedules/cadence/", {**body, "sync_frequency": "often"}), 400)
    assert "sync_frequency" in problem["errors"]


def test_a_resume_tells_its_plan_and_method(script, sandbox):
    body = {"saved_queries": ids(*SUSPENDED), "reason": "r", "canary_size": 1, "wave_size": 2, "stop_percent": 10}

    told = detail(script, script.post("schedules/resume/", body))

    assert told["plan"] == {"canary_size": 1, "wave_size": 2, "per_minute": None, "stop_percent": 10}
    assert (told["method"], told["follow_up"]) == ("resume_schedules", {"waiting": 3})
    assert [len(sent.body["view_ids"]) for sent in sandbox.world.requests_to("resume_schedules")] == [1, 2]
    for field in ("canary_size", "wave_size", "stop_percent"):
        problem = is_problem(script.post("schedules/resume/", {**body, field: -1}), 400)
        assert list(problem["errors"]) == [field]


def test_where_keys_may_not_resume_the_answer_names_what_works(script, sandbox, synced):
    sandbox.world.set_generation("B")
    accounts.check_connection(synced)
    body = {"saved_queries": ids(*SUSPENDED), "reason": "r"}

    assert "restore_cadence" in is_problem(script.post("schedules/resume/", body), 409)["detail"]
    SavedQuery.objects.filter(name__in=SUSPENDED).update(suspended=None, sync_frequency="", last_cadence="6hour")
    told = detail(script, script.post("schedules/resume/", {**body, "method": "restore_cadence"}))

    assert (told["method"], told["counts"]) == ("restore_cadence", {"accepted": 3})


def test_a_campaign_is_paused_continued_and_filtered_by_its_action(script):
    begun = script.post("schedules/resume/", {"saved_queries": ids(*SUSPENDED), "reason": "r"}).json()
    path = f"schedules/resumes/{begun['id']}/"
    Campaign.objects.update(state="running", finished_at=None, heartbeat_at=timezone.now(), claim="x")

    paused = script.post(path + "pause/").json()
    assert (paused["state"], paused["paused_at"] is not None) == ("running", True)
    assert script.post(path + "continue/").json()["paused_at"] is None
    is_problem(script.post(path + "continue/"), 409)
    assert [entry.action for entry in AuditEntry.objects.order_by("-sequence")[:2]] == [
        "schedules.continue",
        "schedules.pause_campaign",
    ]
    assert script.get("schedules/resumes/?action=pause").json()["count"] == 0
    assert script.get("schedules/resumes/?action=resume").json()["count"] == 1


def test_a_token_is_no_second_person(script, script_of, person):
    Connection.objects.update(guard_count=1, guard_percent=1, guard_second_person=True)
    many = [
        str(one) for one in SavedQuery.objects.filter(schedule_state="suspended").values_list("posthog_id", flat=True)
    ]
    body = {"saved_queries": many, "reason": "r", "confirm_count": len(many)}
    begun = script.post("schedules/resume/", body).json()
    assert (begun["state"], begun["needs_second"], begun["confirmed_by"]) == ("queued", True, None)
    second = script_of(person("second", Role.OPERATOR))

    problem = is_problem(second.post(f"schedules/resumes/{begun['id']}/confirm/"), 403)

    assert "signed-in person" in problem["detail"]
    assert AuditEntry.objects.filter(action="schedules.confirm", result="denied").count() == 1
    assert Campaign.objects.get().state == "queued"


@pytest.mark.parametrize("verb", ["pause", "run", "cadence"])
def test_viewers_may_not(verb, viewer, script_of, synced):
    body = {"saved_queries": ids(HEALTHY), "reason": "r", "sync_frequency": "12hour"}
    is_problem(script_of(viewer).post(f"schedules/{verb}/", body), 403)
    assert AuditEntry.objects.filter(action=f"schedules.{verb}", result="denied").count() == 1


@pytest.mark.parametrize("field", ["canary_size", "per_minute"])
def test_numbers_that_no_campaign_can_have_are_named(script, field):
    body = {"saved_queries": ids(HEALTHY), "reason": "because", field: 10**30}

    for path in ("schedules/resume/", "schedules/pause/", "schedules/run/"):
        problem = is_problem(script.post(path, body), 400)
        assert list(problem["errors"]) == [field]
    assert not Campaign.objects.exists()


def test_a_cadence_that_waits_for_its_review_is_not_proposed_again(script):
    body = {"saved_queries": ids(HEALTHY), "reason": "because", "sync_frequency": "1hour"}
    [first] = detail(script, script.post("schedules/cadence/", body))["items"]
    assert first["outcome"] == "proposed"

    [again] = detail(script, script.post("schedules/cadence/", body))["items"]

    assert again["outcome"] == "failed"
    number = ChangeRequest.objects.get().pk
    assert again["detail"] == f"#{number} proposes this already and waits: in review."


def test_a_campaign_tells_of_a_silent_worker_and_is_told_to_stop_once(script, monkeypatch):
    monkeypatch.setattr("warehouse_admin.schedules.tasks.run_campaign.delay_on_commit", lambda *_: None)
    url = script.post("schedules/resume/", {"saved_queries": ids(*SUSPENDED), "reason": "because"}).json()["url"]
    Campaign.objects.update(state="running", heartbeat_at=timezone.now(), claim="a worker")
    path = f"{url.removeprefix('/api/v1/')}stop/"

    assert script.client.get(url, headers=script.headers).json()["waits_for"] is None
    Campaign.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=30))
    assert "was stopped" in script.client.get(url, headers=script.headers).json()["waits_for"]
    assert script.post(path, {}).status_code == 200
    assert "stopping already" in is_problem(script.post(path, {}), 409)["detail"]

    assert AuditEntry.objects.filter(action="schedules.stop").count() == 1


@pytest.mark.parametrize(
    ("act", "field", "value", "said"),
    [
        ("resume", "until", f"{YEAR}-01-01T00:00:00Z", "it belongs to `schedules/pause/`"),
        ("resume", "sync_frequency", "6hour", "it belongs to `schedules/cadence/`"),
        ("pause", "wave_size", 5, "it belongs to `schedules/resume/`"),
        ("pause", "method", "never", "it belongs to `schedules/resume/`"),
        ("run", "cadence", "6hour", "it belongs to `schedules/resume/`"),
        ("cadence", "canary_size", 1, "it belongs to `schedules/resume/` and `schedules/pause/` and `schedules/run/`"),
        ("run", "confirmcount", 3, "There is no such field here; this takes `saved_queries`, `reason`,"),
    ],
)
def test_a_field_of_another_act_and_one_of_none_are_refused_by_name(script, sandbox, act, field, value, said):
    body = {"saved_queries": ids(HEALTHY), "reason": "r", field: value}
    if act == "cadence":
        body["sync_frequency"] = "12hour"

    problem = is_problem(script.post(f"schedules/{act}/", body), 400)

    assert list(problem["errors"]) == [field] and said in problem["errors"][field][0]
    problem = is_problem(script.post(f"schedules/{act}/", {**body, "reason": None}), 400)
    assert set(problem["errors"]) == {field, "reason"}
    assert not Campaign.objects.exists()


def test_single_runs_and_steering_take_no_strange_fields_either(script):
    (view,) = ids(HEALTHY)
    problem = is_problem(script.post(f"saved-queries/{view}/run/", {"reason": "r", "full_refresh": True}), 400)
    assert list(problem["errors"]) == ["full_refresh"]
    begun = script.post("schedules/pause/", {"saved_queries": [view], "reason": "r"}).json()
    problem = is_problem(script.post(f"schedules/resumes/{begun['id']}/stop/", {"reason": "enough"}), 400)
    assert problem["errors"] == {"reason": ["This takes no fields."]}
