"""The caller's own draft of a view."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from warehouse_admin.accounts.models import Connection
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


NEW = "saved-queries/new/draft/"


def test_a_draft_of_a_new_view_is_put_read_and_deleted(script_of, author, connection):
    script = script_of(author)
    is_problem(script.get(NEW), 404)

    put = script.put(NEW, {"name": "half_a_na", "query": HALF, "reason": "bec"})
    assert put.status_code == 200
    body = script.get(NEW).json()

    assert body == put.json()
    assert (body["connection"], body["name"], body["query"], body["reason"]) == ("demo", "half_a_na", HALF, "bec")
    kept = script.put(NEW, {"query": "SELECT 1", "version": body["version"]}).json()
    assert (kept["name"], kept["query"], kept["reason"]) == ("half_a_na", "SELECT 1", "bec")
    is_problem(script.put(NEW, {"query": "SELECT 2", "version": body["version"]}), 409)
    is_problem(script.put(NEW, {"query": "SELECT 2", "name": "x\0y"}), 400)
    assert script.delete(NEW).status_code == 204
    assert not Draft.objects.exists()
    is_problem(script.delete(NEW), 404)


def test_an_api_key_is_kept_as_no_name_in_a_draft(script_of, author, connection):
    answer = script_of(author).put(NEW, {"name": "phx_0123456789abcdefABCDEF", "query": HALF})

    assert "API key" in is_problem(answer, 400)["errors"]["name"][0]
    assert not Draft.objects.exists()


def test_a_draft_of_a_new_view_opens_in_the_browser_and_goes_when_it_is_proposed(
    script_of, client_of, author, connection
):
    script_of(author).put(NEW, {"name": "made_by_script", "query": "SELECT 1 AS one"})

    assert "made_by_script" in client_of(author).get("/changes/new-view/").content.decode()

    wanted = {"action": "create_view", "name": "made_by_script", "query": "SELECT 1 AS one"}
    assert script_of(author).post("changes/", wanted).status_code == 201
    is_problem(script_of(author).get(NEW), 404)


def test_where_there_are_several_connections_the_draft_names_its_own(script_of, author, connection):
    Connection.objects.create(slug="second", name="Second", host="https://second.example", project_id="2")
    script = script_of(author)

    assert "connection" in is_problem(script.put(NEW, {"query": HALF}), 400)["errors"]
    assert "connection" in is_problem(script.get(NEW + "?connection=nobodys"), 400)["errors"]
    assert script.put(NEW + "?connection=second", {"query": HALF}).json()["connection"] == "second"
    is_problem(script.get(NEW + "?connection=demo"), 404)


def test_who_may_not_propose_keeps_no_draft_of_a_new_view(script_of, viewer, author, reviewer, connection):
    is_problem(script_of(viewer).put(NEW, {"query": HALF}), 403)
    drafts.save(author, connection, query="SELECT 'secret'")
    is_problem(script_of(reviewer).get(NEW), 404)
    assert not Draft.objects.exclude(user=author).exists()
