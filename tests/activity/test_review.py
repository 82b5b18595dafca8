"""A person deals with an entry, and the trail says who did."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services
from warehouse_admin.activity.errors import BadReview
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import NotPermitted

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def entries(connection: Connection) -> list[ActivityEntry]:
    from django.utils import timezone

    rows = [
        ActivityEntry(
            connection=connection,
            source="outside",
            kind="edited",
            object_name=f"view_{number}",
            author="ana@harborgoods.example",
            occurred_at=timezone.now(),
            needs_review=True,
        )
        for number in range(3)
    ]
    return ActivityEntry.objects.bulk_create(rows)


def test_accepting_records_who_and_what_it_was_before(entries: list[ActivityEntry], reviewer: User) -> None:
    services.review(user=reviewer, entry=entries[0], verdict="accepted", note="agreed with Ana")

    entry = ActivityEntry.objects.get(pk=entries[0].pk)
    assert (entry.verdict, entry.note, entry.reviewed_by) == ("accepted", "agreed with Ana", reviewer)
    trail = AuditEntry.objects.get(action="activity.reviewed")
    assert (trail.actor, trail.result, trail.object_id) == (reviewer, "ok", str(entry.pk))
    assert trail.before == {"verdict": "", "note": "", "reviewed_by": None}
    assert trail.after == {"verdict": "accepted", "note": "agreed with Ana", "reviewed_by": "reviewer"}


def test_it_may_be_reviewed_again(entries: list[ActivityEntry], reviewer: User, auditor: User) -> None:
    services.review(user=reviewer, entry=entries[0], verdict="accepted")
    services.review(user=auditor, entry=entries[0], verdict="flagged", note="not agreed")

    last = AuditEntry.objects.filter(action="activity.reviewed").order_by("sequence").last()
    assert last.before["reviewed_by"] == "reviewer"
    assert ActivityEntry.objects.get(pk=entries[0].pk).verdict == "flagged"


@pytest.mark.parametrize(
    ("verdict", "note", "field"),
    [
        ("flagged", "  ", "note"),
        ("ignored", "x", "verdict"),
        ("accepted", "a\x00b", "note"),
        ("accepted", "x" * 2001, "note"),
    ],
)
def test_what_cannot_be_used_is_refused(
    entries: list[ActivityEntry], reviewer: User, verdict: str, note: str, field: str
) -> None:
    with pytest.raises(BadReview) as refusal:
        services.review(user=reviewer, entry=entries[0], verdict=verdict, note=note)

    assert list(refusal.value.errors) == [field]
    assert ActivityEntry.objects.get(pk=entries[0].pk).verdict == ""
    assert not AuditEntry.objects.filter(action="activity.reviewed").exists()


@pytest.mark.parametrize("role", ["author", "viewer", "outsider"])
def test_other_roles_may_not(entries: list[ActivityEntry], role: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotPermitted):
        services.review(user=request.getfixturevalue(role), entry=entries[0], verdict="accepted")

    assert ActivityEntry.objects.get(pk=entries[0].pk).verdict == ""


def test_the_denial_of_a_post_is_on_record(entries: list[ActivityEntry], viewer: User, client_of: ClientOf) -> None:
    answer = client_of(viewer).post(f"/activity/{entries[0].pk}/review/", {"verdict": "accepted"})

    assert answer.status_code == 403
    denied = AuditEntry.objects.get(action="activity.reviewed")
    assert (denied.actor, denied.result, denied.object_id) == (viewer, "denied", str(entries[0].pk))


def test_several_at_once_with_one_note(entries: list[ActivityEntry], reviewer: User, client_of: ClientOf) -> None:
    answer = client_of(reviewer).post(
        "/activity/review/",
        {
            "entries": [entries[0].pk, entries[1].pk],
            "verdict": "accepted",
            "note": "release day",
            "back": "folder=outside&q=v",
        },
    )

    assert answer.status_code == 302
    assert answer["Location"] == "/activity/?folder=outside&q=v"
    assert list(ActivityEntry.objects.order_by("pk").values_list("verdict", flat=True)) == ["accepted", "accepted", ""]
    assert AuditEntry.objects.filter(action="activity.reviewed", reason="release day").count() == 2


@pytest.mark.parametrize("bad", ["999999", "abc", "1e9", "٣"])
def test_an_unknown_entry_refuses_all(
    entries: list[ActivityEntry], reviewer: User, client_of: ClientOf, bad: str
) -> None:
    answer = client_of(reviewer).post("/activity/review/", {"entries": [entries[0].pk, bad], "verdict": "accepted"})

    assert answer.status_code == 400
    assert bad in answer.content.decode()
    assert not ActivityEntry.objects.exclude(verdict="").exists()


def test_the_pane_keeps_what_was_typed_when_a_flag_has_no_note(
    entries: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    answer = client_of(reviewer).post(
        f"/activity/{entries[0].pk}/review/", {"verdict": "flagged", "note": "", "back": "folder=all"}
    )

    assert answer.status_code == 422
    assert "a flag needs a note" in answer.content.decode()
    assert 'value="folder=all"' in answer.content.decode()


def test_the_way_back_stays_in_the_inbox(entries: list[ActivityEntry], reviewer: User, client_of: ClientOf) -> None:
    answer = client_of(reviewer).post(
        f"/activity/{entries[0].pk}/review/", {"verdict": "accepted", "back": "//evil.example/?entry=1"}
    )

    assert answer["Location"].startswith("/activity/?")
