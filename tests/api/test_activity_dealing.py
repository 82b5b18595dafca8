"""Everything that a page of the inbox can do, over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from tests.api.entries import outside_edit
from warehouse_admin.activity.models import ActivityEntry, SavedSearch
from warehouse_admin.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(db):
    return outside_edit()


@pytest.fixture
def script(auditor, script_of):
    return script_of(auditor)


def in_hours(hours):
    return (timezone.now() + timedelta(hours=hours)).isoformat()


DEEDS = {
    "adopt": (lambda: {"note": "agreed"}, "adopted", "verdict", "adopted"),
    "assign": (lambda: {"assignee": "auditor"}, "assigned", "assignee", "auditor"),
    "snooze": (lambda: {"until": in_hours(3)}, "snoozed", None, None),
    "ask": (lambda: {"question": "What for?"}, "asked", "asked", True),
}


@pytest.mark.parametrize("name", list(DEEDS))
def test_each_deed_answers_with_the_entry_is_audited_and_undone(name, entry, script, auditor):
    body, action, field, value = DEEDS[name]

    told = script.post(f"activity/{entry.pk}/{name}/", body())

    assert told.status_code == 200, told.content
    assert field is None or told.json()[field] == value
    assert AuditEntry.objects.filter(action=f"activity.{action}", actor=auditor, object_id=str(entry.pk)).count() == 1
    assert script.get("activity/", {"unreviewed": "true"}).json()["count"] == 0
    assert script.post("activity/undo/").json() == {"entries": [entry.pk]}
    assert script.get("activity/", {"unreviewed": "true"}).json()["count"] == 1
    is_problem(script.post("activity/undo/"), 409)


@pytest.mark.parametrize("name", [*DEEDS, "revert", "reopen"])
def test_who_may_not_is_refused_and_on_record(name, entry, author, script_of):
    body = DEEDS[name][0]() if name in DEEDS else {}

    is_problem(script_of(author).post(f"activity/{entry.pk}/{name}/", body), 403)

    assert AuditEntry.objects.filter(actor=author, result="denied", action__startswith="activity.").count() == 1


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("assign", {"assignee": "nobody"}, "assignee"),
        ("assign", {}, "assignee"),
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("snooze", {"until": "soon"}, "until"),
        ("ask", {"question": " "}, "question"),
        ("adopt", {"note": "x" * 2001}, "note"),
    ],
)
def test_what_cannot_be_used_names_its_field(name, body, field, entry, script):
    assert field in is_problem(script.post(f"activity/{entry.pk}/{name}/", body), 400)["errors"]
    is_problem(script.post(f"activity/99999999/{name}/", body), 404)


def test_a_question_is_answered_and_told(entry, script):
    script.post(f"activity/{entry.pk}/ask/", {"question": "What for?"})

    body = script.post(f"activity/{entry.pk}/answer/", {"answer": "The year moved"}).json()

    assert body["question"] == {
        "by": "auditor",
        "to": "ana@example.com",
        "text": "What for?",
        "answer": "The year moved",
        "answered_by": "auditor",
    }
    assert body["asked"] is False
    is_problem(script.post(f"activity/{entry.pk}/answer/", {"answer": "again"}), 409)


def test_what_cannot_be_reverted_says_why(entry, script):
    ActivityEntry.objects.update(kind="run_started")

    assert "run" in is_problem(script.post(f"activity/{entry.pk}/revert/", {}), 409)["detail"]


def test_many_at_once_by_id_or_by_filter(entry, script):
    seen = script.get("activity/folders/").json()
    counts = {row["name"]: row["count"] for row in seen["folders"]}
    assert (counts["unreviewed"], counts["all"]) == (1, 1)
    matching = {"matching": "folder=unreviewed", "seen_at": seen["seen_at"], "total": 1}

    assert script.post("activity/bulk/", {**matching, "verdict": "accepted"}).json() == {"entries": [entry.pk]}
    assert script.post("activity/bulk/", {"entries": [entry.pk], "assignee": "auditor"}).status_code == 200

    held = ActivityEntry.objects.get(pk=entry.pk)
    assert (held.verdict, held.assignee.username) == ("accepted", "auditor")
    for bad in ({"verdict": "accepted"}, {"entries": [1], "matching": ""}, {"entries": [entry.pk]}):
        is_problem(script.post("activity/bulk/", bad), 400)


def test_searches_are_kept_listed_and_removed(script):
    made = script.post("activity/searches/", {"name": "Li", "query": "author=li&page=2", "shared": True})

    assert made.status_code == 201
    assert script.get("activity/searches/").json()["results"] == [
        {"id": made.json()["id"], "name": "Li", "query": "author=li", "shared": True, "owner": "auditor"}
    ]
    assert script.delete(f"activity/searches/{made.json()['id']}/").status_code == 204
    is_problem(script.delete(f"activity/searches/{made.json()['id']}/"), 404)
    assert not SavedSearch.objects.exists()


def test_the_meter_and_what_is_known_only_here(entry, script):
    ActivityEntry.objects.update(known_only_here=True)

    assert script.get("activity/meter/").json()["percent"] is None
    (row,) = script.get("activity/", {"known_only_here": "true"}).json()["results"]
    assert row["known_only_here"] is True
    assert "Known only here" in script.get(f"activity/{entry.pk}/").json()["how_known"]
