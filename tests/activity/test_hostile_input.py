"""What a page or a program sends that makes no sense: told in words, and nothing half done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity.models import ActivityEntry, Question
from warehouse_admin.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
NO_TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01", "2026-02-31")
KEY = "phx_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2


@pytest.fixture
def entry(connection: Connection) -> ActivityEntry:
    given = {"source": "outside", "kind": "edited", "object_name": "orders", "author": "ana@harborgoods.example"}
    return ActivityEntry.objects.create(
        connection=connection, occurred_at=timezone.now(), needs_review=True, before={"query": "a"}, **given
    )


@pytest.mark.parametrize("moment", NO_TIMES)
@pytest.mark.parametrize("path", ["/activity/?since=", "/activity/?until=", "/activity/moments/?from=2026-01-01&to="])
def test_a_time_that_is_none_does_not_break_a_page(
    entry: ActivityEntry, viewer: User, client_of: ClientOf, path: str, moment: str
) -> None:
    assert client_of(viewer).get(f"{path}{moment.replace('+', '%2B')}").status_code in (200, 422)


@pytest.mark.parametrize("moment", NO_TIMES)
def test_nor_an_answer_of_the_api(entry: ActivityEntry, viewer: User, client_of: ClientOf, moment: str) -> None:
    sent = moment.replace("+", "%2B")
    for path in (f"/api/v1/activity/?since={sent}", f"/api/v1/activity/difference/?from={sent}"):
        assert client_of(viewer).get(path).status_code in (400, 404)


def test_an_entry_to_go_on_with_that_is_no_number_is_left_out(
    entry: ActivityEntry, reviewer: User, client_of: ClientOf
) -> None:
    client = client_of(reviewer)
    answer = client.post(f"/activity/{entry.pk}/review/", {"verdict": "accepted", "next": "9" * 5_000})
    assert (answer.status_code, answer["Location"]) == (302, "/activity/?")
    entry.refresh_from_db()
    assert entry.verdict == "accepted"


@pytest.mark.parametrize("seen_at", NO_TIMES)
@pytest.mark.parametrize("total", ["1", "²", "9" * 30])
def test_a_list_that_does_not_say_what_was_seen_is_opened_again(
    entry: ActivityEntry, reviewer: User, client_of: ClientOf, seen_at: str, total: str
) -> None:
    sent = {"all_matching": "1", "seen_at": seen_at, "total": total, "verdict": "accepted"}
    answer = client_of(reviewer).post("/activity/review/", sent)
    assert answer.status_code in (400, 422)
    entry.refresh_from_db()
    assert not entry.verdict


@pytest.mark.parametrize(
    ("deed", "field"), [("review", "note"), ("adopt", "note"), ("ask", "question"), ("revert", "note")]
)
def test_a_key_is_kept_nowhere(
    entry: ActivityEntry, reviewer: User, client_of: ClientOf, deed: str, field: str
) -> None:
    sent = {"verdict": "accepted", field: f"see {KEY}"}
    answer = client_of(reviewer).post(f"/activity/{entry.pk}/{deed}/", sent)
    assert answer.status_code in (400, 409, 422)
    entry.refresh_from_db()
    assert (entry.verdict, entry.note, Question.objects.count()) == ("", "", 0)
    assert KEY not in "".join(str(row) for row in AuditEntry.objects.values_list("reason", "before", "after"))


def test_nor_with_many_at_once(entry: ActivityEntry, reviewer: User, client_of: ClientOf) -> None:
    sent = {"entries": [entry.pk], "verdict": "accepted", "note": KEY}
    assert client_of(reviewer).post("/activity/review/", sent).status_code in (400, 422)
    entry.refresh_from_db()
    assert not entry.note


def test_whoever_may_not_put_off_is_on_record_whatever_they_sent(
    entry: ActivityEntry, viewer: User, client_of: ClientOf
) -> None:
    assert client_of(viewer).post(f"/activity/{entry.pk}/snooze/", {"until": "2027-01-01"}).status_code == 403
    denied = AuditEntry.objects.get(result="denied")
    assert (denied.action, denied.actor_name) == ("activity.snoozed", viewer.username)
