"""A wake-up that fails is tried again, ever more rarely; then a person is told. Page, state, inbox and trail say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.mirror.builders import make_view
from tests.schedules.conftest import HEALTHY, work
from warehouse_admin.accounts import redis
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.budget import budget_name
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import tasks
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import known_people
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services, waking
from warehouse_admin.schedules.models import MOST_WAKE_TRIES, Campaign, Hold

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
ClientOf = Callable[[User], Client]
DAY = timedelta(days=1)


@pytest.fixture
def until(synced: Connection, begin: Begin) -> datetime:
    """When the one pause there is wakes up."""
    moment = timezone.now() + DAY
    work(begin("pause", HEALTHY, reason="source moves", until=moment))
    return moment


def beat(moment: datetime) -> None:
    """What the beat does then: wake, carry the campaign out, see what came of it, tell people."""
    with time_machine.travel(moment):
        services.wake_due()
        for campaign in Campaign.objects.filter(action="resume", state__in=Campaign.OPEN):
            work(campaign)
        services.wake_due()
        tasks.watch_overdue()


def entries() -> list[dict]:
    rows = AuditEntry.objects.filter(action="schedules.wake_up", result="failed", object_name=HEALTHY)
    return [entry.after for entry in rows.order_by("sequence")]


def minutes_after(moment: datetime) -> int:
    """When it is tried again."""
    return int((Hold.objects.get().wake_not_before - moment).total_seconds() // 60)


def refuse_writes(sandbox: SandboxServer, times: int | None = None) -> None:
    sandbox.world.faults.add(Fault("refuse", "PATCH", status=404, times=times))


def test_it_is_tried_again_and_wakes_once_posthog_takes_it(
    until: datetime, sandbox: SandboxServer, operator: User, client_of: ClientOf
) -> None:
    refuse_writes(sandbox, times=2)
    beat(until + timedelta(minutes=1))

    hold, client = Hold.objects.get(), client_of(operator)
    assert (hold.wake_tries, hold.needs_person_at) == (1, None)
    assert minutes_after(until) == 6
    view = SavedQuery.objects.get(name=HEALTHY)
    assert "Its wake-up failed (1 of 5 tries), next try at " in view.schedule_evidence
    shown = client.get("/schedules/pauses/").content.decode(), client.get(f"/saved-queries/{view.posthog_id}/")
    assert "1 of 5 tries" in shown[0] and "1 of 5 tries" in shown[1].content.decode()
    (told,) = client.get("/api/v1/schedules/pauses/").json()["results"]
    assert (told["name"], told["wake_tries"], told["wake"]) == (HEALTHY, 1, str(hold.wake_id))
    beat(until + timedelta(minutes=5))
    assert Campaign.objects.filter(action="resume").count() == 1

    beat(until + timedelta(minutes=7))
    assert minutes_after(until) == 22
    beat(until + timedelta(minutes=23))

    hold.refresh_from_db()
    assert (hold.how, Campaign.objects.filter(action="resume").count()) == ("woken", 3)
    assert not sandbox.world.view(HEALTHY).schedule.paused
    assert [(told["tries"], told["needs_person"]) for told in entries()] == [(1, False), (2, False)]
    assert not ActivityEntry.objects.filter(kind="wake_failed").exists()


def test_after_the_last_try_a_person_is_told_and_ends_it(
    until: datetime, begin: Begin, sandbox: SandboxServer, operator: User, client_of: ClientOf
) -> None:
    refuse_writes(sandbox)
    for hours in range(1, 15):
        beat(until + timedelta(hours=hours))

    hold, client = Hold.objects.get(), client_of(operator)
    assert (hold.wake_tries, hold.wake_not_before) == (MOST_WAKE_TRIES, None)
    assert hold.needs_person_at is not None and "knows no such path" in hold.wake_error
    assert Campaign.objects.filter(action="resume").count() == MOST_WAKE_TRIES
    assert [told["needs_person"] for told in entries()] == [False] * 4 + [True]
    entry = ActivityEntry.objects.get(kind="wake_failed")
    assert (entry.object_name, entry.source, entry.needs_review) == (HEALTHY, "system", True)
    assert "The portal could not wake stg_fx_rates on its date" in client.get("/activity/").content.decode()
    assert "?needs_person=1" in client.get("/schedules/").content.decode()
    assert "Needs a person" in client.get("/schedules/pauses/?needs_person=1").content.decode()
    assert client.get("/api/v1/schedules/pauses/?needs_person=true").json()["count"] == 1
    assert "a person has to resume it" in SavedQuery.objects.get(name=HEALTHY).schedule_evidence

    sandbox.world.faults.clear()
    work(begin("resume", HEALTHY, method="restore_cadence"))
    tasks.watch_overdue()
    entry.refresh_from_db()
    assert (Hold.objects.get().how, entry.needs_review) == ("resumed", False)
    assert "?needs_person=1" not in client.get("/schedules/").content.decode()


def test_a_server_that_is_down_and_a_spent_limit_are_waited_for_within_one_try(
    synced: Connection, until: datetime, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("status_503_html", "GET", "saved_queries/[0-9a-f-]{36}/$", times=None))
    beat(until + timedelta(minutes=1))
    assert Campaign.objects.get(action="resume").state == "running"
    sandbox.world.faults.clear()
    sandbox.world.faults.add(Fault("status_429", "PATCH"))
    for minutes in (3, 5, 9):
        beat(until + timedelta(minutes=minutes))
        redis.client().delete(f"{budget_name(synced)}:penalty")  # Redis has a clock of its own

    assert (Hold.objects.get().how, Campaign.objects.filter(action="resume").count()) == ("woken", 1)
    assert entries() == []


def test_a_revoked_key_is_told_and_the_wake_up_comes_once_another_is_stored(
    synced: Connection, until: datetime, sandbox: SandboxServer
) -> None:
    sandbox.world.revoke_key(sandbox.key)
    beat(until + timedelta(minutes=1))
    beat(until + timedelta(minutes=7))
    hold = Hold.objects.get()
    assert "PostHog refuses the API key" in hold.trouble and hold.needs_person_at is None
    beat(until + timedelta(hours=3))
    beat(until + timedelta(hours=4))
    assert ActivityEntry.objects.filter(kind="wake_failed", needs_review=True).count() == 1
    assert entries()[-1]["needs_person"] is True and len(entries()) <= 3

    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(Connection.objects.get(pk=synced.pk))
    beat(until + timedelta(hours=5))

    assert Hold.objects.get().how == "woken"
    assert not ActivityEntry.objects.filter(kind="wake_failed", needs_review=True).exists()


def test_what_no_try_can_mend_goes_to_a_person_at_once(until: datetime) -> None:
    Hold.objects.update(cadence_before="")
    SavedQuery.objects.filter(name=HEALTHY).update(last_cadence="")
    beat(until + timedelta(minutes=1))

    hold = Hold.objects.get()
    assert hold.needs_person_at is not None and "last cadence is not known" in hold.wake_error


def test_the_list_of_pauses_costs_the_same_however_long_it_is(
    connection: Connection, operator: User, client_of: ClientOf
) -> None:
    costs = []
    known_people.names()  # kept for a while by whoever asks first
    for size in (1, 40):
        views = [make_view(connection, f"held_{size}_{number}", is_materialized=True) for number in range(size)]
        Hold.objects.bulk_create(
            [Hold(saved_query=view, reason="r", by=operator, at=timezone.now(), wake_error="e") for view in views]
        )
        client = client_of(operator)
        with CaptureQueriesContext(database) as captured:
            assert "held_1_0" in client.get("/schedules/pauses/").content.decode()
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 12


def held(connection: Connection, by: User, count: int) -> list[Hold]:
    """Pauses made earlier, each of a view of its own, whose date has come."""
    past = timezone.now() - timedelta(hours=1)
    names = [f"{connection.slug}_{number}" for number in range(count)]
    views = [make_view(connection, name, is_materialized=True, last_cadence="1hour") for name in names]
    pauses = [
        Hold(saved_query=view, reason="r", by=by, at=past - DAY, until=past, cadence_before="1hour") for view in views
    ]
    return Hold.objects.bulk_create(pauses)


def test_a_connection_that_is_refused_keeps_nothing_of_the_others_from_waking(
    connection: Connection, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "AT_ONCE", 4)
    refused = Connection.objects.create(
        slug="a-refused",
        name="A",
        host="http://127.0.0.1:9",
        project_id="1",
        api_key="k",
        key_refused_at=timezone.now(),
    )
    kept, woken = held(refused, operator, 9), held(connection, operator, 3)

    services.wake_due()
    services.wake_due()

    assert Hold.objects.filter(pk__in=[hold.pk for hold in woken], wake=None).count() == 0
    for _ in range(3):
        services.wake_due()
    told = Hold.objects.filter(pk__in=[hold.pk for hold in kept]).values_list("wake", "wake_error")
    assert all(wake is None and "refuses the API key" in why for wake, why in told)
