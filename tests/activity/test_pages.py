"""The inbox in a browser's eyes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.activity.conftest import EDITED, sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def fill(connection: Connection, count: int) -> None:
    views = SavedQuery.objects.bulk_create(
        SavedQuery(connection=connection, posthog_id=uuid.uuid4(), name=f"view_{number}") for number in range(count)
    )
    now = timezone.now()
    ActivityEntry.objects.bulk_create(
        ActivityEntry(
            connection=connection,
            saved_query=view,
            source=["outside", "unknown", "system", "portal"][number % 4],
            kind="edited",
            object_name=view.name,
            author="ana@harborgoods.example",
            before={"query": "SELECT 1"},
            after={"query": "SELECT 2"},
            occurred_at=now - timedelta(minutes=number),
            needs_review=number % 4 < 2,
        )
        for number, view in enumerate(views)
    )


@pytest.mark.parametrize("path", ["/activity/?folder=all", "/activity/?folder=all&q=view&source=outside&kind=edited"])
def test_the_inbox_costs_the_same_at_ten_and_at_sixty_entries(
    connection: Connection,
    reviewer: User,
    client_of: ClientOf,
    django_assert_max_num_queries: Callable[..., object],
    path: str,
) -> None:
    client = client_of(reviewer)
    fill(connection, 10)
    client.get(path)  # what is the same for a minute is looked up once
    with django_assert_max_num_queries(12) as few:
        client.get(path)
    fill(connection, 50)
    with django_assert_max_num_queries(12) as many:
        assert client.get(path).status_code == 200

    assert len(many) == len(few)


def test_an_outside_edit_is_shown_with_its_diff_and_dealt_with(
    synced: Connection, sandbox: SandboxServer, reviewer: User, client_of: ClientOf
) -> None:
    from warehouse_admin.activity import services

    services.ingest(synced)
    sandbox.world.edit_outside(EDITED, "SELECT '<b>bold</b>' AS mark\nFROM events")
    sync(synced)
    client = client_of(reviewer)

    page = client.get("/activity/").content.decode()

    assert f"Ana Ruiz edited {EDITED} outside the portal" in page
    assert "diff-insert" in page
    assert "<b>bold</b>" not in page
    entry = ActivityEntry.objects.get(needs_review=True)
    client.post(f"/activity/{entry.pk}/review/", {"verdict": "accepted", "note": "fine"})
    after = client.get("/activity/").content.decode()
    assert "Nothing waits for you" in after
    assert f"Ana Ruiz edited {EDITED} outside the portal: accepted." in after
    assert "fine" in client.get(f"/activity/?folder=done&entry={entry.pk}").content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("folder=unreviewed", 4),
        ("folder=outside", 4),
        ("folder=all", 8),
        ("folder=all&source=system", 2),
        ("folder=all&q=view_3", 1),
        ("folder=all&author=ana", 8),
        ("folder=all&author=nobody", 0),
        ("folder=all&kind=deleted", 0),
        ("folder=all&period=1d", 8),
        ("folder=all&until=2001-01-01", 0),
        ("folder=all&since=nonsense&view=nonsense&page=nonsense&entry=nonsense&q=%00", 8),
        ("folder=nonsense", 4),
    ],
)
def test_filters_come_from_the_address(
    connection: Connection, viewer: User, client_of: ClientOf, query: str, expected: int
) -> None:
    fill(connection, 8)

    answer = client_of(viewer).get(f"/activity/?{query}")

    assert answer.status_code == 200
    assert len(answer.context["rows"]) == expected


def test_while_somebody_types_the_pane_is_asked_for_after_the_list(
    connection: Connection, reviewer: User, client_of: ClientOf
) -> None:
    fill(connection, 3)
    client = client_of(reviewer)
    newest, chosen = ActivityEntry.objects.order_by("-occurred_at")[:2]
    name = newest.object_name

    def pane(query: str, **headers: str) -> tuple[bool, bool]:
        text = client.get(f"/activity/?folder=all{query}", headers=headers).content.decode()
        is_there = f'aria-label="Entry" tabindex="-1" data-entry="{newest.pk}"' in text
        return is_there, f'hx-get="/activity/{newest.pk}/?folder=all&amp;q={name}" hx-trigger="load' in text

    typed = {"HX-Request": "true"}
    assert pane(f"&q={name}", **typed) == (False, True)
    assert pane(f"&q={name}") == pane("", **typed) == (True, False)
    kept = client.get(f"/activity/?folder=all&q={name}&entry={chosen.pk}", headers=typed).content.decode()
    assert f'tabindex="-1" data-entry="{chosen.pk}"' in kept
    opened = client.get(f"/activity/{newest.pk}/?folder=all&q={name}", headers=typed).content.decode()
    assert f'name="back" value="folder=all&amp;q={name}"' in opened


def test_htmx_gets_the_fragment_and_everybody_else_the_page(
    connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    fill(connection, 1)
    client, entry = client_of(viewer), ActivityEntry.objects.get()

    for path in ("/activity/", f"/activity/{entry.pk}/", f"/saved-queries/{entry.saved_query.posthog_id}/activity/"):
        assert b"<html" in client.get(path).content
        fragment = client.get(path, headers={"HX-Request": "true"})
        assert fragment.status_code == 200
        assert b"<html" not in fragment.content
        assert "HX-Request" in fragment["Vary"]


def test_unknown_entries_and_views_are_not_found(viewer: User, client_of: ClientOf) -> None:
    client = client_of(viewer)

    assert client.get("/activity/999/").status_code == 404
    assert client.get(f"/saved-queries/{uuid.uuid4()}/activity/").status_code == 404


def test_who_may_not_review_is_told_so(connection: Connection, viewer: User, client_of: ClientOf) -> None:
    fill(connection, 1)

    page = client_of(viewer).get("/activity/?folder=all").content.decode()

    assert "Reviewers, operators, auditors and administrators review activity." in page
    assert "data-bulk-item" not in page


@pytest.mark.parametrize("did", ["accepted", "adopt", "revert", "reopen"])
def test_a_page_left_open_does_not_overwrite_what_somebody_else_decided(
    connection: Connection, reviewer: User, operator: User, client_of: ClientOf, did: str
) -> None:
    fill(connection, 1)
    (entry,) = ActivityEntry.objects.all()
    path = f"/activity/{entry.pk}/"
    stale = client_of(reviewer).get(path).context["seen_at"]
    client_of(operator).post(f"{path}review/", {"verdict": "flagged", "note": "this is wrong", "seen_at": stale})
    verb = "review" if did == "accepted" else did

    answer = client_of(reviewer).post(f"{path}{verb}/", {"verdict": "accepted", "note": "mine", "seen_at": stale})

    assert answer.status_code == 409
    assert f"{operator.display_name} has dealt with this meanwhile (flagged)" in answer.content.decode()
    entry.refresh_from_db()
    assert (entry.verdict, entry.note, entry.reviewed_by) == ("flagged", "this is wrong", operator)
    assert AuditEntry.objects.filter(actor=reviewer, action__startswith="activity.").count() == 0
    if did == "accepted":  # the text is kept, and whoever has looked may decide again
        assert answer.context["form"]["note"].value() == "mine"
        again = {"verdict": "accepted", "note": "mine", "seen_at": answer.context["seen_at"]}
        assert client_of(reviewer).post(f"{path}review/", again).status_code == 302
        entry.refresh_from_db()
        assert (entry.verdict, entry.reviewed_by) == ("accepted", reviewer)


def test_accepting_many_leaves_alone_what_somebody_else_decided_since(
    connection: Connection, reviewer: User, operator: User, client_of: ClientOf
) -> None:
    fill(connection, 2)
    first, second = ActivityEntry.objects.order_by("pk")
    stale = client_of(reviewer).get("/activity/").context["seen_at"]
    client_of(operator).post(f"/activity/{first.pk}/review/", {"verdict": "flagged", "note": "this is wrong"})

    body = {"entries": [first.pk, second.pk], "verdict": "accepted", "seen_at": stale}
    answer = client_of(reviewer).post("/activity/review/", body, follow=True)

    assert "1 of them has been dealt with by somebody else since" in answer.content.decode()
    assert [ActivityEntry.objects.get(pk=one.pk).verdict for one in (first, second)] == ["flagged", "accepted"]
