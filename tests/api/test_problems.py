"""Whatever is wrong with a call, the answer is problem details that say what."""

from __future__ import annotations

import uuid

import pytest

from tests.api.caller import is_problem
from warehouse_admin.mirror import selectors

pytestmark = pytest.mark.django_db

NOWHERE = uuid.UUID(int=404)  # the same in every process, for its name is part of the test ids


@pytest.fixture
def script(admin, script_of):
    return script_of(admin)


@pytest.mark.parametrize(
    "path",
    [
        "nothing/",
        "saved-queries/not-an-id/",
        f"saved-queries/{NOWHERE}/",
        f"saved-queries/{NOWHERE}/versions/",
        f"tables/{NOWHERE}/",
        "changes/999/",
        "changes/99999999999999999999999999/",
        "changes/one/",
        "activity/99999999999999999999999999/",
        "audit/99999999999999999999999999/",
        f"sync/{NOWHERE}/",
        f"schedules/resumes/{NOWHERE}/",
        "interviewees/",
    ],
)
def test_what_is_not_there_is_404(script, path):
    is_problem(script.get(path), 404)


def test_an_unknown_address_is_404_for_posts_too(script):
    is_problem(script.post("changes/1/schedule/"), 404)


def test_a_forgotten_slash_is_mended_with_method_and_body(script):
    response = script.post("sync")

    assert response.status_code == 308
    assert response["Location"] == "/api/v1/sync/"


def test_a_wrong_method_is_405_and_names_the_right_ones(script):
    response = script.post("saved-queries/")

    is_problem(response, 405)
    assert "GET" in response["Allow"]


def test_another_content_type_is_415(script):
    response = script.client.post("/api/v1/sync/", {"kind": "full"}, headers=script.headers)

    is_problem(response, 415)


@pytest.mark.parametrize("body", ["{", '{"kind": NaN}', "[" * 100_000, '{"kind": "\\ud800"}', b"\xff\xfe", '{"a": 1e'])
def test_a_body_that_is_no_json_is_400(script, body):
    response = script.client.post("/api/v1/sync/", body, "application/json", headers=script.headers)

    is_problem(response, 400)


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_a_body_that_is_no_object_is_400(script, body):
    import json

    response = script.client.post("/api/v1/changes/", json.dumps(body), "application/json", headers=script.headers)

    assert is_problem(response, 400)["errors"]


def test_a_body_above_the_limit_is_413_and_not_read(script, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000

    is_problem(script.post("changes/", {"query": "x" * 2_000}), 413)


def test_a_nul_byte_in_the_url_is_400(script):
    assert "state" in is_problem(script.get("changes/", {"state": "a\x00b"}), 400)["errors"]
    is_problem(script.get("saved-queries/", {"search": "\x00"}), 400)
    is_problem(script.get(f"saved-queries/{NOWHERE}/", {"connection": "\x00"}), 400)
    is_problem(script.get("audit/", {"actor": "\x00"}), 400)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/problem+json", ""])
def test_whatever_the_caller_accepts_it_gets_json(script, accept):
    assert script.get("saved-queries/", Accept=accept)["Content-Type"] == "application/json"


def test_a_mistake_of_ours_is_500_without_a_word_of_the_inside(script, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(selectors, "view_by_id", fail)
    script.client.raise_request_exception = False
    response = script.get(f"saved-queries/{NOWHERE}/")

    is_problem(response, 500)
    assert b"secret" not in response.content
    assert response["X-Request-ID"]
