"""The OpenAPI description is whole and valid, and people can read it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from warehouse_admin.api import urls


def test_it_is_valid_and_nothing_is_guessed(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


@pytest.fixture
def schema(db):
    return Client().get("/api/v1/schema/", headers={"Accept": "application/json"}).json()


def test_every_address_is_described(schema):
    described = set(schema["paths"])
    routes = {f"/{route.pattern}" for route in urls.urlpatterns if hasattr(route.callback, "cls")}
    own = {"/api/v1/schema/", "/api/v1/docs/"}

    assert len(described) == len(routes - own)


def test_every_call_says_how_to_sign_in_and_what_a_refusal_looks_like(schema):
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert {"token": []} in operation["security"] and {"session": []} in operation["security"]
            for status in ("400", "401", "403", "404"):
                assert "application/problem+json" in operation["responses"][status]["content"]
    proposing = schema["paths"]["/api/v1/changes/"]["post"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in proposing["parameters"]]
    assert proposing["requestBody"]["content"]["application/json"]["schema"]
    assert "201" in proposing["responses"]


def test_answers_have_the_fields_that_are_described(schema, synced, viewer, script_of):
    rows = script_of(viewer).get("saved-queries/", {"limit": 1}).json()["results"]

    described = schema["components"]["schemas"]["SavedQueryRow"]
    assert set(rows[0]) == set(described["properties"])


def test_the_docs_are_a_page_whose_script_the_policy_allows(db):
    page = Client().get("/api/v1/docs/")

    assert page.status_code == 200
    assert "script-src 'self'" in page["Content-Security-Policy"]
    script = Client().get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
