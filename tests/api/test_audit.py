"""The trail over REST."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from warehouse_admin.audit import api as audit_api
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.audit.targets import Target

pytestmark = pytest.mark.django_db

VIEW = str(uuid.uuid4())


@pytest.fixture
def script(auditor, script_of):
    return script_of(auditor)


@pytest.fixture
def trail(author, reviewer):
    target = Target("saved_query", VIEW, "orders")
    audit.record(
        actor=author,
        action="saved_query.edit_query",
        target=target,
        result="asked",
        reason="faster",
        before={"query": "a"},
        after={"query": "b"},
        remote={"status": 200},
    )
    audit.record(actor=reviewer, action="change.approved", target=Target("change", "7", "orders"))
    audit.record(actor=None, action="sync.finished", target=Target("sync", "1", "demo"), result="failed")


def test_an_entry_has_every_field_of_the_contract(trail, script):
    found = script.get("audit/", {"action": "saved_query.edit_query"}).json()["results"][0]

    assert found["actor"] == "author"
    assert found["object"] == {"type": "saved_query", "id": VIEW, "name": "orders"}
    assert (found["result"], found["reason"]) == ("asked", "faster")
    assert (found["before"], found["after"], found["remote"]) == ({"query": "a"}, {"query": "b"}, {"status": 200})
    assert {"sequence", "at", "request_id", "prev_hash", "hash"} <= set(found)
    assert script.get(f"audit/{found['sequence']}/").json() == found


def test_the_newest_come_first_chained_and_without_a_gap(trail, script):
    rows = script.get("audit/").json()["results"]

    sequences = [row["sequence"] for row in rows]
    assert sequences == list(range(sequences[0], 0, -1))
    assert all(row["prev_hash"] == older["hash"] for row, older in zip(rows, rows[1:], strict=False))
    turned = script.get("audit/", {"ordering": "sequence"}).json()["results"]
    assert turned == rows[::-1]


@pytest.mark.parametrize(
    ("params", "actions"),
    [
        ({"object": VIEW}, ["saved_query.edit_query"]),
        ({"object": VIEW.upper()}, ["saved_query.edit_query"]),
        ({"object": "orders"}, ["change.approved", "saved_query.edit_query"]),
        ({"actor": "reviewer"}, ["change.approved"]),
        ({"actor": "system", "action": "sync."}, ["sync.finished"]),
        ({"action": "change."}, ["change.approved"]),
        ({"result": "asked"}, ["saved_query.edit_query"]),
        ({"result": "unknown"}, []),
        ({"request_id": "none"}, []),
        ({"search": "FAST"}, ["saved_query.edit_query"]),
    ],
)
def test_each_filter_finds_what_it_says(params, actions, trail, script):
    assert [row["action"] for row in script.get("audit/", params).json()["results"]] == actions


def test_since_and_until_limit_the_time(trail, script):
    now = timezone.now()
    everything = AuditEntry.objects.count()

    assert script.get("audit/", {"since": (now - timedelta(hours=1)).isoformat()}).json()["count"] == everything
    assert script.get("audit/", {"until": (now - timedelta(hours=1)).isoformat()}).json()["count"] == 0
    assert script.get("audit/", {"until": f"{now:%Y-%m-%d}"}).json()["count"] == everything


def test_everything_of_one_call_has_the_request_id_of_its_answer(connection, operator, script_of, script):
    one = script_of(operator).post("sync/", X_Request_ID="my-own-request-1")

    found = script.get("audit/", {"request_id": one["X-Request-ID"]}).json()["results"]
    assert [row["action"] for row in found] == ["sync.started"]
    assert script.get("audit/", {"request_id": "my-own-request-1"}).json()["results"] == []


def test_nobody_writes_into_the_rows_of_anothers_click(connection, operator, viewer, script_of, script):
    click = script_of(operator).post("sync/")["X-Request-ID"]

    refused = script_of(viewer).post("sync/", X_Request_ID=click)

    assert refused.status_code == 403 and refused["X-Request-ID"] != click
    found = script.get("audit/", {"request_id": click}).json()["results"]
    assert [(row["actor"], row["action"]) for row in found] == [("operator", "sync.started")]


@pytest.mark.parametrize(
    ("params", "field"), [({"result": "fine"}, "result"), ({"since": "yesterday"}, "since"), ({"until": "x"}, "until")]
)
def test_a_value_that_cannot_be_used_is_named(params, field, script):
    assert is_problem(script.get("audit/", params), 400)["errors"][field]


def test_people_see_their_own_entries_only(trail, author, script_of):
    script = script_of(author)
    rows = script.get("audit/").json()["results"]

    assert rows and {row["actor"] for row in rows} == {"author"}
    foreign = AuditEntry.objects.exclude(actor=author).latest("sequence").sequence
    is_problem(script.get(f"audit/{foreign}/"), 404)


def test_what_is_too_dear_to_count_is_estimated_and_said_so(script, author, monkeypatch):
    monkeypatch.setattr(audit_api, "COUNTED_EXACTLY", 10)
    for number in range(60):
        audit.record(actor=author, action="test.even" if number % 2 else "test.odd")

    body = script.get("audit/", {"action": "test.even", "limit": 5}).json()
    assert body["count_is_estimate"] is True
    assert 25 <= body["count"] <= 35
    exact = script.get("audit/").json()
    assert (exact["count_is_estimate"], exact["count"]) == (False, AuditEntry.objects.count())


def test_every_entry_is_reached_over_the_pages_of_an_estimated_list(script, author, monkeypatch):
    monkeypatch.setattr(audit_api, "COUNTED_EXACTLY", 3)
    for _ in range(20):
        audit.record(actor=author, action="test.done")

    seen, url = [], "/api/v1/audit/?action=test.done&limit=6"
    while url:
        body = script.client.get(url, headers=script.headers).json()
        seen += [row["sequence"] for row in body["results"]]
        url = body["next"]
    assert len(set(seen)) == len(seen) == 20
