"""The caller's own draft of a view."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from warehouse_admin.changes import drafts
from warehouse_admin.changes.models import Draft

HALF = "SELECT 9 AS "


@pytest.fixture
def view(view_named):
    return view_named("stg_fx_rates")


@pytest.fixture
def path(view) -> str:
    return f"saved-queries/{view.posthog_id}/draft/"


def test_a_draft_is_put_read_and_deleted(script_of, author, view, path):
    script = script_of(author)
    is_problem(script.get(path), 404)

    put = script.put(path, {"query": HALF, "reason": "bec"})
    assert put.status_code == 200
    body = script.get(path).json()

    assert body == put.json()
    assert (body["query"], body["reason"], body["saved_query"]) == (HALF, "bec", str(view.posthog_id))
    assert (body["base_moved"], body["others"]) == (False, [])
    assert script.delete(path).status_code == 204
    assert not Draft.objects.exists()
    is_problem(script.delete(path), 404)


def test_a_version_that_is_not_kept_any_more_is_409(script_of, author, path):
    script = script_of(author)
    first = script.put(path, {"query": HALF, "version": 0}).json()
    second = script.put(path, {"query": "SELECT 1", "version": first["version"]}).json()
    assert second["version"] > first["version"]

    is_problem(script.put(path, {"query": "SELECT 2", "version": first["version"]}), 409)

    assert script.get(path).json()["query"] == "SELECT 1"


def test_without_a_version_it_replaces_the_text_and_leaves_the_reason(script_of, author, path):
    script = script_of(author)
    script.put(path, {"query": HALF, "reason": "bec"})

    body = script.put(path, {"query": "SELECT 1"}).json()

    assert (body["query"], body["reason"]) == ("SELECT 1", "bec")


def test_another_persons_draft_is_told_by_name_and_time_alone(script_of, author, reviewer, view, path):
    drafts.save(reviewer, view, query="SELECT 'secret'")

    is_problem(script_of(author).get(path), 404)
    body = script_of(author).put(path, {"query": HALF}).json()

    assert [(other["person"], set(other)) for other in body["others"]] == [("reviewer", {"person", "since"})]
    assert "secret" not in str(body)


@pytest.mark.parametrize("body", [{}, {"query": "SELECT '\0'"}, {"query": HALF, "version": -1}])
def test_what_cannot_be_kept_is_400(script_of, author, path, body):
    is_problem(script_of(author).put(path, body), 400)


def test_who_may_not_propose_keeps_none(script_of, viewer, author, path):
    is_problem(script_of(viewer).put(path, {"query": HALF}), 403)
    is_problem(script_of(author, read_only=True).put(path, {"query": HALF}), 403)
