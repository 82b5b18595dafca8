"""The inbox as people work in it: folders, folds, going on to the next, undo, searches and the meter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.activity.test_pages import fill
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import meter
from warehouse_admin.activity.filters import WAITING
from warehouse_admin.activity.models import ActivityEntry, SavedSearch
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
LI = "li@harborgoods.example"


@pytest.fixture
def burst(connection: Connection) -> list[ActivityEntry]:
    """Seven edits of one view by one person within the hour, newest last, and one by another between them."""
    import uuid

    view = SavedQuery.objects.create(connection=connection, posthog_id=uuid.uuid4(), name="orders")
    at = datetime(2026, 11, 20, 10, 2, tzinfo=UTC)
    rows = [
        ActivityEntry(
            connection=connection,
            saved_query=view,
            source="outside",
            kind="edited",
            object_name="orders",
            author=LI if number != 3 else "ben@harborgoods.example",
            occurred_at=at + timedelta(minutes=5 * number),
            needs_review=True,
        )
        for number in range(8)
    ]
    return ActivityEntry.objects.bulk_create(rows)


def test_a_noisy_run_is_folded_and_opens(burst: list[ActivityEntry], reviewer: User, client_of: ClientOf) -> None:
    client = client_of(reviewer)

    page = client.get("/activity/").content.decode()

    assert f"7 edits of orders by {LI} outside the portal" in page
    assert "10:02–10:37" in page
    assert page.count('class="fold"') == 1
    assert page.count("ben@harborgoods.example edited orders outside the portal") >= 1
    opened = client.get(f"/activity/?entry={burst[0].pk}").content.decode()
    assert 'class="fold is-open"' in opened


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("since=2026-11-20&until=2026-11-20", 8),
        ("until=2026-11-19", 0),
        ("until=2026-11-20T10:10:00", 2),
        ("author=ben@", 1),
    ],
)
def test_filters_that_need_typing(
    query: str, found: int, burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    """A day ends when it is over."""
    page = client_of(reviewer).get(f"/activity/?folder=all&{query}")

    assert page.context["page"].paginator.count == found


def test_two_of_a_kind_or_far_apart_are_no_noise(
    burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    for number, entry in enumerate(burst):
        ActivityEntry.objects.filter(pk=entry.pk).update(occurred_at=timezone.now() - timedelta(hours=2 * number))

    assert 'class="fold' not in client_of(reviewer).get("/activity/").content.decode()


def test_after_a_click_the_next_one_shows_and_undo_brings_the_first_back(
    burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    client = client_of(reviewer)
    first, second = burst[-1], burst[-2]
    page = client.get("/activity/").content.decode()
    assert f'name="next" value="{second.pk}"' in page

    answer = client.post(
        f"/activity/{first.pk}/review/", {"verdict": "accepted", "next": second.pk, "back": "q=orders"}
    )

    assert answer["Location"] == f"/activity/?q=orders&entry={second.pk}"
    after = client.get(answer["Location"]).content.decode()
    assert f'data-entry="{second.pk}"' in after and 'data-key="z"' in after
    found = re.search(r'name="batch" value="([0-9a-f-]{36})"', after)
    assert found
    taken_back = client.post("/activity/undo/", {"batch": found[1], "back": "q=orders"})
    assert taken_back["Location"] == f"/activity/?q=orders&entry={first.pk}"
    assert ActivityEntry.objects.filter(WAITING).count() == 8
    assert 'data-key="z"' not in client.get("/activity/").content.decode()


def test_the_views_history_says_what_was_adopted_and_what_is_to_be_reverted(
    burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    client, view = client_of(reviewer), burst[0].saved_query
    assert view is not None
    client.post(f"/activity/{burst[0].pk}/adopt/")
    ActivityEntry.objects.filter(pk=burst[1].pk).update(verdict="revert", revert_number=12, known_only_here=True)

    page = client.get(f"/saved-queries/{view.posthog_id}/activity/").content.decode()

    assert page.count("the agreed baseline since") == 1 and "adopted by reviewer" in page
    assert '<a href="/changes/12/">#12</a> would put back what was before · known only here' in page


@pytest.mark.parametrize(
    ("deed", "data", "held"),
    [
        ("adopt", {"note": "agreed"}, {"verdict": "adopted", "note": "agreed"}),
        ("assign", {"assignee": "reviewer"}, {"assignee__username": "reviewer"}),
        ("snooze", {"until": "week"}, {"snoozed_until__gt": timezone.now()}),
        ("ask", {"question": "What for?"}, {"asked_at__isnull": False, "assignee__username": "reviewer"}),
    ],
)
def test_each_button_of_the_pane(
    deed: str,
    data: dict[str, str],
    held: dict[str, object],
    burst: list[ActivityEntry],
    reviewer: User,
    client_of: ClientOf,
) -> None:
    client, entry = client_of(reviewer), burst[-1]
    assert f'formaction="/activity/{entry.pk}/{deed}/"' in client.get("/activity/").content.decode()

    assert client.post(f"/activity/{entry.pk}/{deed}/", data).status_code == 302

    assert ActivityEntry.objects.filter(pk=entry.pk, **held).exists()
    shown = client.get(f"/activity/{entry.pk}/").content.decode()
    assert client.post(f"/activity/{entry.pk}/reopen/").status_code == 302
    assert deed != "ask" or "What for?" in shown


def test_snoozing_for_no_time_is_refused(burst: list[ActivityEntry], reviewer: User, client_of: ClientOf) -> None:
    assert client_of(reviewer).post(f"/activity/{burst[0].pk}/snooze/", {"until": "ever"}).status_code == 400
    assert not ActivityEntry.objects.exclude(snoozed_until=None).exists()


def test_all_matching_over_pages_with_one_note(connection: Connection, reviewer: User, client_of: ClientOf) -> None:
    fill(connection, 120)
    client = client_of(reviewer)
    page = client.get("/activity/").content.decode()
    kept = dict(re.findall(r'type="hidden" name="(back|seen_at|total)" value="([^"]*)"', page))
    assert "Select all 60 matching entries" in page

    data = {**kept, "entries": [1], "all_matching": "1", "verdict": "accepted", "note": "release"}
    assert client.post("/activity/review/", data).status_code == 302

    assert not ActivityEntry.objects.filter(WAITING).exists()
    assert AuditEntry.objects.filter(action="activity.reviewed", reason="release").count() == 60


def test_all_matching_is_refused_when_more_has_come_than_was_seen(
    burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    data = {"back": "", "seen_at": timezone.now().isoformat(), "total": "7", "all_matching": "1", "verdict": "accepted"}

    assert client_of(reviewer).post("/activity/review/", data).status_code == 409
    assert client_of(reviewer).post("/activity/review/", {**data, "seen_at": "soon"}).status_code == 400
    assert ActivityEntry.objects.filter(WAITING).count() == 8


def test_a_search_is_saved_shared_and_removed_by_its_owner_alone(
    reviewer: User, auditor: User, client_of: ClientOf
) -> None:
    mine, theirs = client_of(reviewer), client_of(auditor)
    saved = mine.post(
        "/activity/searches/", {"name": "By Li", "query": "folder=all&author=li&page=3&x=1", "shared": "on"}
    )
    mine.post("/activity/searches/", {"name": "Secret", "query": "folder=failed"})
    mine.post("/activity/searches/", {"name": "Secret", "query": "folder=failed"})

    assert saved["Location"] == "/activity/?folder=all&author=li"
    assert 'href="?folder=all&amp;author=li"' in theirs.get("/activity/").content.decode()
    assert "Secret" not in theirs.get("/activity/").content.decode()
    assert AuditEntry.objects.filter(action="activity.search_saved").count() == 2
    search = SavedSearch.objects.get(name="By Li")
    assert theirs.post(f"/activity/searches/{search.pk}/remove/").status_code == 404
    assert mine.post(f"/activity/searches/{search.pk}/remove/").status_code == 302
    assert AuditEntry.objects.filter(action="activity.search_removed", object_name="By Li").count() == 1
    assert not SavedSearch.objects.filter(name="By Li").exists()


def test_an_empty_inbox_tells_of_the_last_outside_change(
    burst: list[ActivityEntry], reviewer: User, client_of: ClientOf
) -> None:
    client = client_of(reviewer)
    data = {"entries": [entry.pk for entry in burst], "verdict": "accepted"}
    client.post("/activity/review/", data)

    page = client.get("/activity/").content.decode()

    assert "Last outside change" in page and "accepted by <bdi>reviewer</bdi>" in page


def test_a_folder_counts_what_it_shows(connection: Connection, reviewer: User, client_of: ClientOf) -> None:
    fill(connection, 8)
    ActivityEntry.objects.filter(source="portal").update(outcome="failed")
    ActivityEntry.objects.filter(source="system").update(kind="run_failed")
    client = client_of(reviewer)

    page = client.get("/activity/?folder=failed")

    assert page.context["page"].paginator.count == 4
    counts = {item["folder"].name: item["folder"].count for item in page.context["folders"]}
    assert counts == {
        "unreviewed": 4,
        "mine": 0,
        "outside": 4,
        "failed": 4,
        "suspensions": 0,
        "trust": 0,
        "flagged": 0,
        "snoozed": 0,
        "done": 0,
        "all": 8,
    }


def test_the_inbox_is_cheap_at_its_dearest(
    connection: Connection,
    reviewer: User,
    client_of: ClientOf,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    """With nothing in the cache, searches, and an entry that was asked about."""
    fill(connection, 60)
    client = client_of(reviewer)
    client.post("/activity/searches/", {"name": "By Li", "query": "author=li"})
    entry = ActivityEntry.objects.filter(needs_review=True).first()
    assert entry is not None
    client.post(f"/activity/{entry.pk}/ask/", {"question": "Why?"})
    cache.clear()

    with django_assert_max_num_queries(12):
        page = client.get(f"/activity/?folder=all&entry={entry.pk}").content.decode()

    assert "Why?" in page


# the meter


def at(day: int, hour: int) -> datetime:
    """In the week of Monday, 2 November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "late"),
    [
        (at(3, 10), at(4, 10)),  # Tuesday → Wednesday
        (at(6, 15), at(9, 15)),  # Friday → Monday
        (at(7, 15), at(10, 0)),  # Saturday: from Monday on
        (at(8, 1), at(10, 0)),
    ],
)
def test_a_working_day_leaves_the_weekend_out(came: datetime, late: datetime) -> None:
    assert meter.due(came) == late


def test_the_meter_counts_what_was_due() -> None:
    now = at(4, 12)
    rows = [
        (at(3, 10), at(3, 11)),  # in time
        (at(3, 10), at(4, 11)),  # an hour late
        (at(3, 11), None),  # waits, late
        (at(4, 11), None),  # waits, not late yet
    ]

    found = meter.of(rows, now)

    assert (found.reviewed, found.late, found.percent, found.oldest_hours) == (1, 2, 33, 25)
    assert meter.of([], now).percent is None


def test_the_page_says_how_it_is_counted(burst: list[ActivityEntry], reviewer: User, client_of: ClientOf) -> None:
    client = client_of(reviewer)
    assert "none was due yet" in client.get("/activity/").content.decode()
    ActivityEntry.objects.filter(pk=burst[0].pk).update(
        verdict="accepted", reviewed_at=timezone.now(), created_at=timezone.now() - timedelta(hours=2)
    )
    cache.clear()

    page = client.get("/activity/").content.decode()

    assert '<strong class="num">100 %</strong>' in page and "Monday to Friday (UTC)" in page
