"""The inbox over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from tests.api.entries import outside_edit
from tests.mirror.builders import make_view
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(db):
    return outside_edit()


@pytest.fixture
def view(entry):
    return entry.saved_query


@pytest.fixture
def script(auditor, script_of):
    return script_of(auditor)


def test_an_entry_names_view_author_source_and_what_differs(entry, view, script):
    body = script.get(f"activity/{entry.pk}/").json()

    assert (body["saved_query"], body["name"], body["connection"]) == (str(view.posthog_id), "orders", "demo")
    assert (body["author"], body["source"], body["kind"]) == ("ana@example.com", "outside", "edited")
    assert (body["verdict"], body["note"], body["reviewer"], body["needs_review"]) == (None, None, None, True)
    assert (body["before"], body["after"]) == ({"query": "SELECT 1"}, {"query": "SELECT 2"})


def test_nobody_is_named_where_nobody_is_known(entry, script):
    ActivityEntry.objects.update(author="", source="unknown", saved_query=None)

    (row,) = script.get("activity/").json()["results"]
    assert (row["author"], row["source"], row["saved_query"]) == (None, "unknown", None)


def test_a_review_is_kept_audited_and_may_be_changed(entry, script, auditor):
    body = script.post(f"activity/{entry.pk}/review/", {"verdict": "accepted"}).json()
    assert (body["verdict"], body["reviewer"], bool(body["reviewed_at"])) == ("accepted", "auditor", True)

    body = script.post(f"activity/{entry.pk}/review/", {"verdict": "flagged", "note": "who is ana?"}).json()
    assert (body["verdict"], body["note"]) == ("flagged", "who is ana?")
    trail = AuditEntry.objects.filter(action="activity.reviewed", actor=auditor, object_id=str(entry.pk))
    assert [one.after["verdict"] for one in trail.order_by("sequence")] == ["accepted", "flagged"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "verdict"),
        ({"verdict": "fine"}, "verdict"),
        ({"verdict": "flagged"}, "note"),
        ({"verdict": None}, "verdict"),
    ],
)
def test_a_review_that_cannot_be_used_is_400(body, field, entry, script):
    assert is_problem(script.post(f"activity/{entry.pk}/review/", body), 400)["errors"][field]
    entry.refresh_from_db()
    assert entry.verdict == ""


def test_what_waits_can_be_asked_for(entry, script):
    assert script.get("activity/", {"unreviewed": "true"}).json()["count"] == 1
    script.post(f"activity/{entry.pk}/review/", {"verdict": "accepted"})

    assert script.get("activity/", {"unreviewed": "true"}).json()["count"] == 0
    assert script.get("activity/", {"verdict": "accepted", "source": "outside"}).json()["count"] == 1
    assert script.get("activity/", {"reviewer": "auditor"}).json()["count"] == 1


def test_the_activity_of_a_view_is_its_own(entry, view, script):
    other = make_view(view.connection, "other")

    assert script.get(f"saved-queries/{view.posthog_id}/activity/").json()["count"] == 1
    assert script.get(f"saved-queries/{other.posthog_id}/activity/").json()["count"] == 0


def test_what_others_decided_since_it_was_read_is_not_overwritten(entry, script, operator, script_of):
    body = {"verdict": "accepted", "seen_at": (timezone.now() - timedelta(minutes=1)).isoformat()}
    script_of(operator).post(f"activity/{entry.pk}/review/", {"verdict": "flagged", "note": "wrong"})

    is_problem(script.post(f"activity/{entry.pk}/review/", body), 409)
    many = script.post("activity/bulk/", {"entries": [entry.pk], **body})

    assert many.json() == {"entries": []}
    assert ActivityEntry.objects.get().verdict == "flagged"
    assert script.post(f"activity/{entry.pk}/review/", {"verdict": "accepted"}).json()["verdict"] == "accepted"
