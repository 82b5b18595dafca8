"""The timeline of one view, through its page: who did what, in one order, of every source."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.changes import services as changes
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import history
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules.models import Campaign, CampaignItem

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
WOKE = "The portal could not wake int_order_margins on its date; somebody has to resume it"
Page = Callable[..., str]


@pytest.fixture
def view(connection: Connection, sandbox: SandboxServer) -> SavedQuery:
    """A view of the server, first read long ago."""
    there = sandbox.world.view("int_order_margins")
    made = SavedQuery.objects.create(connection=connection, posthog_id=there.id, name=there.name)
    mirror.read_live(made)
    made.versions.update(seen_at=ago(90))
    return made


@pytest.fixture
def page(viewer: User, client_of: Callable[[User], Client], view: SavedQuery) -> Page:
    client = client_of(viewer)

    def get(**params: Any) -> str:
        answer = client.get(reverse("mirror:view-detail", args=[view.posthog_id]), {"tab": "history", **params})
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    return get


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def told(text: str) -> list[str]:
    """The sentences of the timeline, in its order."""
    part = text.split('id="view-timeline"')[1].split("</section>")[0]
    lines = re.findall(r'<div class="timeline-text">\s*<p>(.*?) <span class="timeline-at">', part, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", line).strip() for line in lines]


def run(view: SavedQuery, status: str, days: float, error: str = "") -> None:
    view.runs.create(status=status, started_at=ago(days), error=error)


def outside(view: SavedQuery, days: float, **fields: Any) -> ActivityEntry:
    known = {"source": "outside", "kind": "edited", "author": "ana@example.com", "needs_review": True, **fields}
    return ActivityEntry.objects.create(
        connection=view.connection, saved_query=view, object_name=view.name, occurred_at=ago(days), **known
    )


def item(view: SavedQuery, by: User, action: str, outcome: str, days: float) -> CampaignItem:
    campaign = Campaign.objects.create(connection=view.connection, action=action, reason="night work", started_by=by)
    return campaign.items.create(
        saved_query=view, position=1, is_open=False, outcome=outcome, settled_at=ago(days), detail="read again"
    )


def test_everything_is_in_one_order_with_who_did_it(
    page: Page, view: SavedQuery, author: User, reviewer: User, operator: User
) -> None:
    change = changes.create(author=author, saved_query=view, query="SELECT 2", reason="two is better", submit=True)
    changes.comment(change, reviewer, "Why not three?")
    changes.request_changes(change, reviewer, "Name it, please.")
    flagged = outside(view, 2, kind="renamed")
    activity.review(user=reviewer, entry=flagged, verdict="flagged", note="Nobody asked for this.")
    outside(view, 3, source="system", kind="suspended", author="", needs_review=False)
    item(view, operator, "resume", "resumed", 1)
    item(view, operator, "pause", "unknown", 4)
    run(view, "Completed", 7)
    run(view, "Failed", 6, "Code: 60")
    run(view, "Failed", 5.5)
    run(view, "Cancelled", 5.2)
    run(view, "Completed", 5)

    text = page()

    newest, rest = told(text)[:2], told(text)[2:]
    assert set(newest) == {
        f"reviewer asked for changes to r1 of #{change.pk}",
        f"#{change.pk} Edit query by author: changes requested",
    }
    assert rest == [
        f"reviewer commented on #{change.pk}",
        "operator resumed it",
        "ana@example.com renamed int_order_margins outside the portal",
        "PostHog itself suspended int_order_margins",
        "operator tried to pause it: unknown",
        "A run went well again (Completed)",
        "A run failed, the first one after runs that went well",
        "The mirror first read its SQL",
    ]
    for said in ("two is better", "Why not three?", "Name it, please.", "night work", "Code: 60"):
        assert said in text
    assert "Flagged by reviewer." in text and "Nobody asked for this." in text
    for url in (reverse("changes:detail", args=[change.pk]), reverse("activity:detail", args=[flagged.pk])):
        assert f'href="{url}"' in text


def test_a_name_that_is_somebody_elses_user_name_stays_as_it_is(
    page: Page, view: SavedQuery, author: User, reviewer: User, person: Callable[..., User]
) -> None:
    User.objects.filter(pk=author.pk).update(first_name="Erin", last_name="Castellano")
    person("erin", Role.EDITOR)
    User.objects.filter(username="erin").update(first_name="Somebody", last_name="Else")
    changes.create(author=author, saved_query=view, query="SELECT 2", reason="two", submit=True)

    assert any("Edit query by Erin Castellano:" in line for line in told(page()))


def test_an_applied_change_names_its_author_and_who_approved_it(
    page: Page, view: SavedQuery, author: User, reviewer: User
) -> None:
    change = changes.create(author=author, saved_query=view, query="SELECT 2", reason="two", submit=True)
    changes.approve(change, reviewer)

    assert any(line.startswith(f"#{change.pk} Edit query by author, approved by reviewer") for line in told(page()))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["runs"], ["A run failed"]),
        (["outside"], ["ana@example.com edited int_order_margins outside the portal"]),
        (["schedule"], ["PostHog itself suspended int_order_margins", WOKE]),
        (["runs", "outside"], ["A run failed", "ana@example.com edited int_order_margins outside the portal"]),
        (["changes"], []),
        (["nonsense"], None),
    ],
)
def test_the_url_says_which_kinds_are_shown(
    page: Page, view: SavedQuery, kinds: list[str], expected: list[str] | None
) -> None:
    run(view, "Failed", 1)
    outside(view, 2)
    outside(view, 3, source="system", kind="suspended", author="")
    outside(view, 3, kind="run_started")
    outside(view, 4, source="portal", kind="wake_failed", author="")

    text = page(kind=kinds)

    assert told(text) == (expected if expected is not None else told(page()))
    assert len(told(page())) == 5
    if kinds == ["runs"]:
        assert "kind=runs&kind=outside" in text or "kind=outside&kind=runs" in text


def test_a_long_history_is_paged_without_loss_also_where_much_happened_at_once(page: Page, view: SavedQuery) -> None:
    for number in range(50):
        outside(view, 1, author=f"person {number}")
    for number in range(45):
        run(view, "Failed" if number % 2 else "Completed", 1 + number / 100)

    seen: list[str] = []
    text = page()
    for _ in range(10):
        seen += told(text)
        link = re.search(r'href="([^"]+)" rel="next"', text)
        if link is None:
            break
        text = page(older=re.search(r"older=([^&]+)", link[1])[1].replace("%3A", ":").replace("%2B", "+"))  # type: ignore[index]

    assert len(seen) == 50 + 44 + 1
    assert {f"person {number} edited int_order_margins outside the portal" for number in range(50)} <= set(seen)
    assert "more like these" in page()
    assert told(page(older="nonsense")) == told(page())


def test_drafts_of_others_stay_private(page: Page, view: SavedQuery, author: User) -> None:
    change = changes.create(author=author, saved_query=view, query="SELECT 2", reason="not yet")
    changes.comment(change, author, "a secret note")

    assert change.state == ChangeRequest.State.DRAFT and ChangeEvent.objects.filter(kind="commented").exists()
    assert "secret note" not in page() and f"#{change.pk}" not in page()


@pytest.mark.parametrize("rows", [2, 60])
def test_it_costs_twelve_queries_whatever_its_length(
    page: Page, view: SavedQuery, author: User, reviewer: User, rows: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(rows):
        outside(view, number, reviewed_by=reviewer, verdict="accepted")
        run(view, "Failed" if number % 2 else "Completed", number)
        item(view, author, "pause", "paused", number)
    change = changes.create(author=author, saved_query=view, query="SELECT 2", reason="two", submit=True)
    for number in range(rows):
        changes.comment(change, reviewer, f"note {number}")
    changes.approve(change, reviewer)

    page()
    with django_assert_max_num_queries(12) as asked:
        history.page_of(view, author)
    assert len(asked) <= 10  # one of them for the roles of whoever looks
    with django_assert_max_num_queries(22):  # with the head of the page and the menu
        page()


def test_any_two_versions_are_compared_without_javascript_also_with_the_present_one(
    page: Page, view: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    for number in range(2, 31):
        sql = f"SELECT {number}"
        view.versions.create(
            number=number, query=sql, query_hash=text_digest(sql), origin="outside", seen_at=ago(60 - number)
        )

    text = page()
    assert text.count('name="from"') == 20 and "versions=all" in text
    whole = page(versions="all")
    assert whole.count('name="from"') == whole.count('name="to"') == 30
    diff = reverse("mirror:view-diff", args=[view.posthog_id])
    assert f'action="{diff}"' in whole and f'href="{diff}?from=1"' in whole
    compared = client_of(viewer).get(diff, {"from": "1"}).content.decode()
    assert "v1" in compared and "v30" in compared
