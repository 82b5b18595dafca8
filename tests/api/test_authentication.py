"""Who may call at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.caller import Caller, is_problem
from warehouse_admin.accounts.models import ApiToken
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SyncRun

pytestmark = pytest.mark.django_db


def test_nobody_gets_401_and_is_told_how_to_sign_in():
    response = Caller(Client()).get("saved-queries/")

    is_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer wa_wrong", "Bearer", "Basic YTpi", "wa_x", "Bearer wa_\udcff"])
def test_a_header_that_opens_nothing_is_401_even_with_a_session(header, viewer, client_of):
    client = client_of(viewer)

    response = client.get("/api/v1/saved-queries/", headers={"Authorization": header})

    is_problem(response, 401)
    assert "wa_" not in response.json()["detail"]


@pytest.mark.parametrize(
    "change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
)
def test_a_token_that_has_ended_opens_nothing(change, viewer, script_of):
    script = script_of(viewer)
    ApiToken.objects.update(**change)

    is_problem(script.get("saved-queries/"), 401)


def test_a_token_of_a_deactivated_person_opens_nothing(viewer, script_of):
    script = script_of(viewer)
    viewer.is_active = False
    viewer.save()

    is_problem(script.get("saved-queries/"), 401)


def test_token_and_session_read_the_same(viewer, script_of, browser_of):
    assert script_of(viewer).get("saved-queries/").json() == browser_of(viewer).get("saved-queries/").json()


def test_a_session_needs_the_csrf_token_to_change_something(connection, operator, browser_of):
    browser = browser_of(operator)
    browser.headers.clear()

    assert "CSRF" in is_problem(browser.post("sync/"), 403)["detail"]
    assert not SyncRun.objects.exists()


def test_a_read_only_token_reads_and_changes_nothing(connection, operator, script_of):
    script = script_of(operator, read_only=True)

    assert script.get("sync/").status_code == 200
    assert "only read" in is_problem(script.post("sync/"), 403)["detail"]
    assert not SyncRun.objects.exists()
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.action, entry.result) == (operator, "api.call", "denied")
    assert (entry.object_name, entry.token_name) == ("POST /api/v1/sync/", "nightly")


def test_a_person_without_a_role_sees_nothing_and_the_trail_tells(outsider, script_of):
    is_problem(script_of(outsider).get("saved-queries/"), 403)

    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.result) == (outsider, "denied")


def test_a_denial_names_the_action_the_person_and_the_token(connection, viewer, script_of):
    is_problem(script_of(viewer, name="cron").post("sync/"), 403)

    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor_name, entry.action, entry.result) == ("viewer", "sync.started", "denied")
    assert (entry.actor_kind, entry.token_name) == ("token", "cron")


def test_the_name_of_a_token_does_not_stay_for_the_next_request(connection, operator, script_of, browser_of):
    script_of(operator).post("sync/")
    sync = SyncRun.objects.get()
    sync.state = "failed"
    sync.save()

    assert browser_of(operator).post("sync/").status_code == 202
    entry = AuditEntry.objects.filter(action="sync.started").latest("sequence")
    assert (entry.actor_kind, entry.token_name) == ("person", "")
