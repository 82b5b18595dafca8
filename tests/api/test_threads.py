"""Threads and suggestions over REST."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services as changes
from warehouse_admin.changes.models import ThreadComment

pytestmark = pytest.mark.django_db(transaction=True)

LINES = "SELECT\n    1 AS rate,\n    2 AS other\n"
ONE = {"revision": 1, "line": 2, "comment": "Why 1?"}


@pytest.fixture
def number(author, view_named):
    view = view_named("stg_fx_rates")
    return changes.create(author=author, saved_query=view, query=LINES, reason="why", submit=True).pk


@pytest.fixture
def script(viewer, script_of):
    return script_of(viewer)


@pytest.fixture
def writes(author, script_of):
    return script_of(author)


def test_a_thread_is_opened_replied_to_resolved_and_reopened(number, script, viewer):
    made = script.post(f"changes/{number}/threads/", {**ONE, "to": 3})
    assert made.status_code == 201
    thread = made.json()
    assert (thread["line"], thread["to"], thread["side"]) == (2, 3, "proposal")
    assert thread["now"] == {"revision": 1, "line": 2, "to": 3} and thread["quoted"] == "    1 AS rate,\n    2 AS other"
    at = f"changes/{number}/threads/{thread['id']}"

    said = script.post(f"{at}/reply/", {"comment": "And 2?"}).json()
    assert [one["text"] for one in said["comments"]] == ["Why 1?", "And 2?"]
    assert script.get(f"changes/{number}/").json()["unresolved_threads"] == 1
    settled = script.post(f"{at}/resolve/", {"comment": "Clear."}).json()
    assert (settled["resolved"], settled["resolved_by"], len(settled["comments"])) == (True, viewer.username, 3)
    assert script.get(f"changes/{number}/").json()["unresolved_threads"] == 0
    assert script.post(f"{at}/reopen/").json()["resolved"] is False
    assert script.get(f"{at}/").json()["resolved_at"] is None
    assert AuditEntry.objects.filter(action="change.thread_resolved", actor=viewer).count() == 1


def test_they_are_listed_a_page_at_a_time_at_a_constant_cost(number, script, django_assert_max_num_queries):
    for _ in range(5):
        script.post(f"changes/{number}/threads/", ONE)
    key = script.get(f"changes/{number}/threads/").json()["results"][0]["id"]
    script.post(f"changes/{number}/threads/{key}/resolve/")

    with django_assert_max_num_queries(25):
        listed = script.get(f"changes/{number}/threads/", {"limit": 2, "resolved": "false"}).json()

    assert listed["count"] == 4 and len(listed["results"]) == 2
    assert script.get(f"changes/{number}/threads/", {"resolved": "true"}).json()["count"] == 1
    is_problem(script.get(f"changes/{number}/threads/", {"resolved": "perhaps"}), 400)


def test_an_accepted_suggestion_is_a_revision_and_the_answer_is_the_change(number, script, writes, viewer):
    thread = script.post(f"changes/{number}/threads/", {**ONE, "comment": "", "suggestion": "    3 AS rate,"}).json()
    one = thread["comments"][0]
    assert (one["suggestion"], one["decision"]) == ("    3 AS rate,", "open")

    body = {"suggestions": [one["id"]], "revision": 1}
    done = writes.key("k").post(f"changes/{number}/suggestions/accept/", body)
    again = writes.key("k").post(f"changes/{number}/suggestions/accept/", body)

    assert done.status_code == again.status_code == 200 and again.json() == done.json()
    assert (done.json()["revision"], done.json()["proposal"]["query"]) == (2, LINES.replace("1 AS", "3 AS"))
    told = script.get(f"changes/{number}/threads/{thread['id']}/").json()["comments"][0]
    assert (told["decision"], told["accepted_in"], told["decided_by"]) == ("accepted", 2, "author")


def test_declining_needs_no_reason_and_a_stale_one_is_409(number, script, writes):
    one = script.post(f"changes/{number}/threads/", {**ONE, "suggestion": ""}).json()["comments"][0]
    revised = {"query": LINES.replace("1 AS", "4 AS"), "revision": 1}
    assert writes.post(f"changes/{number}/revise/", revised).status_code == 200

    for revision in (1, 2):
        body = {"suggestions": [one["id"]], "revision": revision}
        is_problem(writes.post(f"changes/{number}/suggestions/accept/", body), 409)
    assert ThreadComment.objects.get().is_open_suggestion
    declined = writes.post(f"changes/{number}/suggestions/{one['id']}/decline/")
    assert declined.json()["comments"][0]["decision"] == "declined" and declined.json()["now"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"comment": ""}, "comment"),
        ({"line": 0}, "line"),
        ({"line": 99}, "line"),
        ({"line": "x"}, "line"),
        ({"to": 1}, "line"),
        ({"revision": 9}, "revision"),
        ({"side": "remote"}, "side"),
        ({"suggestion": "    1 AS rate,"}, "suggestion"),
        ({"suggestion": "a\x00"}, "suggestion"),
        ({"side": "base", "line": 1, "suggestion": "x"}, "suggestion"),
    ],
)
def test_each_field_that_cannot_be_used_is_named(body, field, number, script):
    problem = is_problem(script.post(f"changes/{number}/threads/", {**ONE, **body}), 400)

    assert problem["errors"][field]
    assert not ThreadComment.objects.exists()


def test_what_is_not_there_is_404_and_a_reader_who_may_not_write_is_refused(number, script, viewer, script_of):
    for path in (f"changes/{number}/threads/9/", f"changes/{number}/threads/{2**70}/", "changes/99/threads/"):
        is_problem(script.get(path), 404)
    is_problem(script.post(f"changes/{number}/suggestions/{2**70}/decline/"), 403)
    is_problem(script_of(viewer, read_only=True).post(f"changes/{number}/threads/", ONE), 403)
