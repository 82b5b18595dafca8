"""The sync pages: how connections are doing, what a sync does and did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.budget import SharedBudget
from warehouse_admin.accounts.consumers import spending_as
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import Observation, SyncRun
from warehouse_admin.mirror.sync import rereads
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def portal(viewer: User, client_of: ClientOf) -> Client:
    return client_of(viewer)


def page(portal: Client, name: str, *args: object, **params: str) -> str:
    answer = portal.get(reverse(name, args=args), params)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def ended(connection: Connection, **fields: Any) -> SyncRun:
    now = timezone.now()
    known = {"state": "succeeded", "started_at": now - timedelta(seconds=90), "finished_at": now}
    return SyncRun.objects.create(connection=connection, **{**known, **fields})


def test_the_last_hour_is_drawn_by_who_spent_it(portal: Client, connection: Connection) -> None:
    Connection.objects.update(budget_per_minute=50)
    connection.refresh_from_db()
    for consumer, times in (("sync views", 7), ("page", 2)):
        with spending_as(consumer):
            for _ in range(times):
                SharedBudget(connection).acquire("background", block=False)

    text = page(portal, "mirror:sync-list")

    assert 'aria-label="Requests by who sent them: 9 requests in the last hour: page 2, sync views 7"' in text
    assert text.count("<rect class=") == 2 and "· sync views 7</title>" in text
    assert '<td class="num" data-label="sync views">7</td>' in text
    assert "41 of 50" in text


def test_a_key_that_sent_nothing_has_no_chart(portal: Client, connection: Connection) -> None:
    assert "None was sent with this key." in page(portal, "mirror:sync-list")


def test_what_is_refused_is_told_with_its_cost(portal: Client, connection: Connection) -> None:
    assert "the connection was not checked yet" in page(portal, "mirror:sync-list")
    connection.capabilities = {"activity_log": {"state": "yes"}, "jobs": {"state": "yes"}}
    connection.save()
    assert "Nothing that is known to be refused." in page(portal, "mirror:sync-list")

    connection.capabilities = {
        "activity_log": {"state": "no", "reason": "add the scope <activity_log:read>"},
        "jobs": {"state": "no", "reason": "too old"},
    }
    connection.save()
    text = page(portal, "mirror:sync-list")
    assert "read from the own activity of each changed view, one request for each" in text
    assert "Who made a change outside the portal is unknown" not in text
    assert "add the scope &lt;activity_log:read&gt;" in text
    assert "run history" in text and "New runs are not seen" not in text

    connection.capabilities |= {"run_history": {"state": "no"}, "activity": {"state": "no", "reason": "no such route"}}
    connection.save()
    text = page(portal, "mirror:sync-list")
    assert "New runs are not seen" in text
    assert "Who made a change outside the portal is unknown" in text and "no such route" in text
    assert "one request for each" not in text

    connection.capabilities["activity_log"] = {"state": "yes"}
    connection.save()
    assert "Nothing while the project&#x27;s log can be read" in page(portal, "mirror:sync-list")


def test_the_rolling_reread_is_told_with_its_price(portal: Client, connection: Connection) -> None:
    for number in range(20):
        make_view(connection, f"view_{number}")
    Connection.objects.update(sync_every_minutes=60)

    text = page(portal, "mirror:sync-list")
    assert "Silent edits surface within 16 h: up to 5 of the views" in text
    assert "at most 40 requests a day" in text

    Connection.objects.update(generation="A")
    assert "Every list carries the SQL" in page(portal, "mirror:sync-list")


@pytest.mark.parametrize(("views", "minutes"), [(0, 5), (7, 5), (412, 5), (10_000, 5), (10_000, 60), (20_000, 1440)])
def test_every_view_has_its_turn_within_a_day_or_a_turn(views: int, minutes: int) -> None:
    plan = rereads.plan(views, minutes)

    assert plan.per_sync * (timedelta(hours=12) / timedelta(minutes=minutes)) >= views
    assert plan.period <= timedelta(hours=24) + timedelta(minutes=minutes)
    assert plan.requests_per_day <= 2 * views


def test_a_connection_is_paused_and_goes_on(admin: User, client_of: ClientOf, connection: Connection) -> None:
    portal = client_of(admin)
    pause = reverse("accounts:connection-pause", args=[connection.slug])
    assert pause in page(portal, "mirror:sync-list")

    portal.post(pause, {"active": "0"})
    portal.post(pause, {"active": "0"})

    connection.refresh_from_db()
    assert not connection.is_active
    entry = AuditEntry.objects.get(action="connection.updated")
    assert (entry.actor, entry.before, entry.after) == (admin, {"is_active": True}, {"is_active": False})
    text = page(portal, "mirror:sync-list")
    assert "Go on" in text and "The connection is paused" in text
    portal.post(pause, {"active": "1"})
    connection.refresh_from_db()
    assert connection.is_active


def test_only_who_manages_connections_may_pause_one(
    operator: User, client_of: ClientOf, connection: Connection
) -> None:
    portal = client_of(operator)
    pause = reverse("accounts:connection-pause", args=[connection.slug])

    assert portal.post(pause, {"active": "0"}).status_code == 403
    assert pause not in page(portal, "mirror:sync-list")
    connection.refresh_from_db()
    assert connection.is_active
    assert AuditEntry.objects.get(action="connection.updated").result == "denied"


def test_the_history_is_filtered_by_connection_state_and_kind(portal: Client, connection: Connection) -> None:
    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:9", project_id="1")
    ended(connection, kind="full", counts={"details": 4321, "waited_seconds": 61})
    ended(other, state="failed", error="PostHog was away.")

    everything = page(portal, "mirror:sync-list")
    assert "4,321" in everything and "1 m 1 s waiting" in everything and "1 m 30 s" in everything
    fragment = {"HX-Request": "true"}
    for wanted, unwanted, params in (
        ("4,321", "PostHog was away.", {"kind": "full"}),
        ("PostHog was away.", "4,321", {"state": "failed"}),
        ("PostHog was away.", "4,321", {"connection": "other"}),
    ):
        text = portal.get(reverse("mirror:sync-list"), params, headers=fragment).content.decode()
        assert wanted in text and unwanted not in text
    assert "No sync matches" in page(portal, "mirror:sync-list", kind="nonsense")


def test_a_running_sync_tells_its_phase_its_wait_and_the_time_left(portal: Client, connection: Connection) -> None:
    until = timezone.now() + timedelta(seconds=55)
    counts = {
        "requests": 60,
        "waited_seconds": 12,
        "waiting_until": until.isoformat(),
        "notes": {"runs": "Runs <cannot> be read."},
        "phases": [["Reading the list of views", 3.0], ["Reading views", 20.0]],
    }
    with time_machine.travel(timezone.now(), tick=False):
        sync = ended(connection, state="running", phase="Reading views", done=50, total=200, counts=counts)
        text = page(portal, "mirror:sync-detail", sync.pk)

    assert "50 of 200" in text and "about 1 m" in text and "Running for</dt><dd>1 m 30 s" in text
    assert "is used up" in text and timezone.localtime(until).strftime("%H:%M:%S") in text
    assert "Waited for the rate</dt><dd>12 s" in text
    assert "Runs &lt;cannot&gt; be read." in text
    assert 'Reading the list of views</span> <span class="end num">3 s' in text


def test_what_cannot_be_told_is_called_unknown(portal: Client, connection: Connection) -> None:
    sync = ended(connection, state="running", phase="Reading runs", done=3, finished_at=None)

    assert "Left of this phase</dt><dd>unknown" in page(portal, "mirror:sync-detail", sync.pk)


def test_what_a_sync_found_is_grouped_bounded_and_leads_on(
    portal: Client, connection: Connection, django_assert_max_num_queries: Any
) -> None:
    sync, now = ended(connection), timezone.now()
    for number in range(14):
        view = make_view(connection, f"edited_{number:02}")
        Observation.objects.create(
            connection=connection, saved_query=view, sync_run=sync, kind="edited", seen_at=now, since=now
        )
    gone = make_view(connection, "gone_one", deleted_at=now)
    Observation.objects.create(connection=connection, saved_query=gone, sync_run=sync, kind="deleted", seen_at=now)

    with django_assert_max_num_queries(12):
        text = page(portal, "mirror:sync-detail", sync.pk)

    assert ">Edited</h3>" in text and ">Deleted</h3>" in text and "gone_one" in text
    assert "edited_09" in text and "edited_10" not in text and "and 4 more" in text
    link = reverse("activity:list") + f"?folder=all&amp;connection=demo&amp;kind=edited&amp;since={now:%Y-%m-%d}"
    assert link in text


def test_the_views_of_a_first_sync_are_counted_not_listed(
    portal: Client, synced: Connection, sandbox: SandboxServer
) -> None:
    sync = SyncRun.objects.get()
    text = page(portal, "mirror:sync-detail", sync.pk)

    assert f"The first sync: {sync.counts['created']} views taken over" in text
    assert "Reading views</span>" in text and "Reading runs</span>" in text


def test_no_cache_may_give_the_fragment_of_a_sync_for_its_page(portal: Client, connection: Connection) -> None:
    sync = SyncRun.objects.create(connection=connection, state="running", started_at=timezone.now())
    address = reverse("mirror:sync-detail", args=[sync.pk])

    for answer in (portal.get(address), portal.get(address, headers={"HX-Request": "true"})):
        assert "HX-Request" in answer["Vary"]


def test_the_cards_and_the_rail_keep_to_the_connection_that_was_chosen(portal: Client, connection: Connection) -> None:
    Connection.objects.create(slug="second", name="Second", host="http://127.0.0.1:9", project_id="2")

    chosen = portal.get(reverse("mirror:sync-list"), {"connection": "demo"})
    every = portal.get(reverse("mirror:sync-list"), {"connection": "all"})

    assert [state.connection.slug for state in chosen.context["standings"]] == ["demo"]
    assert [state.connection.slug for state in every.context["standings"]] == ["demo", "second"]
    assert f'href="{reverse("mirror:view-list")}?connection=demo"' in chosen.content.decode()
    assert f'href="{reverse("mirror:view-list")}"' in every.content.decode()
