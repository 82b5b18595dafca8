"""Wake a pause before its date, or change the date, over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from tests.schedules.conftest import HEALTHY, YEAR
from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db(transaction=True)
NEXT_YEAR = datetime(YEAR, 1, 1, 8, tzinfo=UTC)


@pytest.fixture
def script(synced, operator, script_of):
    accounts.check_connection(synced)
    return script_of(operator)


@pytest.fixture
def pause(script):
    """The address of the one pause there is."""
    key = SavedQuery.objects.get(name=HEALTHY).posthog_id
    until = timezone.now() + timedelta(days=1)
    body = {"saved_queries": [str(key)], "reason": "source moves", "until": until.isoformat()}
    assert script.post("schedules/pause/", body).status_code == 202
    return f"schedules/pauses/{key}/"


def test_programs_wake_a_pause_once(pause, script, sandbox):
    assert set(is_problem(script.post(f"{pause}wake/", {"reason": ""}), 400)["errors"]) == {"reason"}

    answer = script.key("once").post(f"{pause}wake/", {"reason": "it moved"})

    assert answer.status_code == 202 and answer.json()["method"] == "restore_cadence"
    told = script.client.get(answer.json()["url"], headers=script.headers).json()
    assert [item["outcome"] for item in told["items"]] == ["resumed"]
    assert not sandbox.world.view(HEALTHY).schedule.paused
    assert script.key("once").post(f"{pause}wake/", {"reason": "it moved"}).json()["id"] == told["id"]
    is_problem(script.post(f"{pause}wake/", {"reason": "it moved"}), 404)
    assert Campaign.objects.filter(action="resume").count() == 1


def test_programs_change_the_date_and_take_it_away(pause, script):
    answer = script.post(f"{pause}date/", {"until": f"{YEAR}-01-01T08:00:00Z", "reason": "late"})

    assert (answer.status_code, answer.json()["until"]) == (200, f"{YEAR}-01-01T08:00:00Z")
    assert script.post(f"{pause}date/", {"until": None}).json()["until"] is None
    entries = AuditEntry.objects.filter(action="schedules.change_wake_up").order_by("sequence")
    assert [entry.after["until"] for entry in entries] == [NEXT_YEAR.isoformat(), None]
    assert [entry.reason for entry in entries] == ["late", ""]


@pytest.mark.parametrize("body", [{}, {"until": "2001-01-01T00:00:00Z"}, {"until": "soon"}])
def test_a_date_that_cannot_be_used_is_named(pause, script, body):
    assert list(is_problem(script.post(f"{pause}date/", body), 400)["errors"]) == ["until"]
    assert Hold.objects.get().until is not None


def test_strange_fields_and_other_roles_are_refused(pause, script, script_of, viewer):
    problem = is_problem(script.post(f"{pause}date/", {"until": None, "when": 1}), 400)
    assert list(problem["errors"]) == ["when"]

    for verb, body in (("wake", {"reason": "r"}), ("date", {"until": None})):
        is_problem(script_of(viewer, name=verb).post(f"{pause}{verb}/", body), 403)

    assert Hold.objects.get().until is not None
    denied = AuditEntry.objects.filter(result="denied", actor=viewer, object_name=HEALTHY)
    assert set(denied.values_list("action", flat=True)) == {"schedules.resume", "schedules.change_wake_up"}


def test_a_view_that_another_campaign_has_is_told_with_its_id(pause, script):
    key = pause.split("/")[2]
    Hold.objects.update(ended_at=None)
    open_one = Campaign.objects.get()
    Campaign.objects.update(state="running", finished_at=None, heartbeat_at=timezone.now(), claim="x")
    open_one.items.update(is_open=True)

    problem = is_problem(script.post(f"{pause}wake/", {"reason": "now"}), 409)

    assert problem["resumes"] == [str(open_one.pk)] and HEALTHY in problem["detail"]
    body = {"saved_queries": [key], "reason": "r", "method": "restore_cadence"}
    assert is_problem(script.post("schedules/resume/", body), 409)["resumes"] == [str(open_one.pk)]
