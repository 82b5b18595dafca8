"""Probes and metrics."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.api import health
from warehouse_admin.management import doctor
from warehouse_admin.mirror.models import SyncRun

pytestmark = pytest.mark.django_db

EVERYWHERE = ["/health/{}", "/health/{}/", "/api/v1/health/{}", "/api/v1/health/{}/"]


@pytest.fixture(autouse=True)
def forget():
    health._require_migrated.cache_clear()


@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_living_process_says_so_to_anybody(address):
    response = Client().get(address.format("live"))

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("address", EVERYWHERE)
def test_it_is_ready_without_any_sync(address):
    response = Client().get(address.format("ready"))

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "broker": "ok"}}


@pytest.mark.parametrize("name", ["database", "migrations", "broker"])
def test_it_is_not_ready_while_something_is_missing(name, monkeypatch):
    monkeypatch.setattr(doctor, f"check_{name}", lambda: doctor.Finding(name, False, "secret text"))
    response = Client().get("/health/ready")

    assert response.status_code == 503
    assert response.json()["checks"][name] == "failed"
    assert b"secret" not in response.content


def test_metrics_tell_how_the_portal_is_doing(settings):
    here = Connection.objects.create(slug="demo", name="D", host="http://127.0.0.1:1", project_id="1", api_key="k")
    SyncRun.objects.create(connection=here, state="succeeded", finished_at=timezone.now())
    ActivityEntry.objects.create(
        connection=here,
        saved_query=make_view(here, "v"),
        source="outside",
        kind="edited",
        occurred_at=timezone.now(),
        needs_review=True,
    )

    text = Client().get("/metrics").content.decode()
    assert 'portal_sync_age_seconds{connection="demo"}' in text
    assert "portal_unreviewed_activity 1.0" in text
    assert "portal_unconfirmed_mutations 0.0" in text
    assert 'portal_budget_left_minute{connection="demo"} 450.0' in text
    assert "django_http_requests" in text


def test_metrics_are_for_this_machine_or_for_those_with_a_token(settings, viewer, script_of):
    settings.METRICS_TOKEN = "scrape-me"
    script = script_of(viewer)

    def status(client: Client | None = None, **extra: str) -> int:
        return (client or Client()).get("/metrics", **extra).status_code

    assert status() == 200
    assert status(REMOTE_ADDR="10.0.0.1") == 403
    assert status(HTTP_X_FORWARDED_FOR="10.0.0.1") == 403
    assert status(REMOTE_ADDR="") == 403
    assert status(REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION="Bearer scrape-me") == 200
    assert status(REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION="Bearer wrong") == 403
    assert status(HTTP_AUTHORIZATION="Bearer wrong") == 403
    assert status(REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION=script.headers["Authorization"]) == 200


def test_without_a_metrics_token_an_empty_one_opens_nothing(settings):
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION="Bearer ").status_code == 403
