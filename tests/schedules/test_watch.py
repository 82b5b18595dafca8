"""What came of a start is seen at the next beat, without waiting for a sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.mirror.builders import make_view
from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun
from warehouse_admin.mirror.refresh import refresh_states
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign, CampaignItem

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
FEED = "data_modeling_jobs"


def view(name: str) -> SavedQuery:
    return SavedQuery.objects.get(name=name)


def test_the_list_tells_of_a_resume_before_its_first_run(
    synced: Connection, begin: Begin, operator: User, client_of: Callable[[User], Client]
) -> None:
    campaign = work(begin("resume", *SUSPENDED))
    sent_at = campaign.items.get(saved_query__name="int_sessions").sent_at
    refresh_states()

    found = view("int_sessions")
    assert found.schedule_state == "failing"
    said = f"A resume was asked for here by operator at {sent_at:%Y-%m-%d %H:%M} UTC; no run since is known yet."
    assert said in found.schedule_evidence
    assert found.next_due_at is not None and found.next_due_at > sent_at
    assert "no run since is known yet" in client_of(operator).get("/schedules/?q=int_sessions").content.decode()


def test_the_page_of_a_campaign_follows_the_first_runs_for_a_quarter_of_an_hour(
    synced: Connection, begin: Begin, operator: User, client_of: Callable[[User], Client]
) -> None:
    page = f"/schedules/resumes/{work(begin('resume', *SUSPENDED)).pk}/"
    client = client_of(operator)

    assert 'hx-trigger="every 15s"' in client.get(page).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert "hx-trigger" not in client.get(page).content.decode().partition('id="resume"')[2].partition(">")[0]


@pytest.mark.parametrize("works", [True, False])
def test_the_run_after_a_resume_is_seen_without_a_sync(
    synced: Connection, begin: Begin, sandbox: SandboxServer, works: bool
) -> None:
    campaign = work(begin("resume", *SUSPENDED))
    syncs = SyncRun.objects.count()
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=True):
        sandbox.world.view("int_sessions").failing = None if works else "boom"
        sandbox.world.run_outside("int_sessions", finish=True)
        services.follow()
        services.follow()

    item = campaign.items.get(saved_query__name="int_sessions")
    assert item.follow_up == ("ran_ok" if works else "failed_again")
    found = view("int_sessions")
    assert found.schedule_state == ("on_time" if works else "failing")
    assert "was asked for here" not in found.schedule_evidence
    assert SyncRun.objects.count() == syncs


def test_a_run_that_was_asked_for_is_followed_until_its_view_was_read_and_then_no_more(
    synced: Connection, operator: User, sandbox: SandboxServer
) -> None:
    services.send_single(services.run_now(user=operator, saved_query=view(HEALTHY), reason="late data").pk)
    services.follow()
    assert view(HEALTHY).schedule_state == "running"

    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=True):
        sandbox.world.runner.catch_up()
        services.follow()
        assert (view(HEALTHY).status, view(HEALTHY).schedule_state) == ("Completed", "on_time")

        sandbox.world.requests.clear()
        services.follow()
        assert sandbox.world.requests_to(FEED, "GET") == []


def test_many_starts_cost_one_request_each_beat_and_none_after_a_quarter_of_an_hour(
    synced: Connection, begin: Begin, sandbox: SandboxServer
) -> None:
    work(begin("resume", *SUSPENDED))
    sandbox.world.requests.clear()
    services.follow()
    assert len(sandbox.world.requests) == 1

    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        sandbox.world.requests.clear()
        services.follow()
        assert sandbox.world.requests == []


def test_where_the_feed_may_not_be_read_the_started_views_are_asked(
    generation: Callable[[str], Connection], begin: Begin, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    Connection.objects.filter(pk=connection.pk).update(
        capabilities={**connection.capabilities, "jobs": {"state": "no", "reason": "no scope"}}
    )
    work(begin("run", HEALTHY))
    known = Run.objects.filter(saved_query__name=HEALTHY).count()
    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=True):
        sandbox.world.run_outside(HEALTHY, finish=True)
        sandbox.world.requests.clear()
        services.follow()

    assert sandbox.world.requests_to(FEED, "GET") == []
    assert Run.objects.filter(saved_query__name=HEALTHY).count() > known


def test_a_server_that_fails_leaves_it_to_the_next_beat(
    synced: Connection, begin: Begin, sandbox: SandboxServer
) -> None:
    work(begin("resume", *SUSPENDED))
    known = Run.objects.count()
    sandbox.world.faults.add(Fault("status_500", "GET", FEED, times=None))

    services.follow()

    assert Run.objects.count() == known
    assert view("int_sessions").schedule_state == "failing"


def test_a_refused_key_stops_neither_the_settling_nor_the_follow_up_of_others(
    generation: Callable[[str], Connection], begin: Begin, operator: User, client_of: Callable[[User], Client]
) -> None:
    mine = generation("C")
    campaign = work(begin("run", HEALTHY))
    assert campaign.items.get().outcome == "accepted"
    address = f"/schedules/resumes/{campaign.pk}/"
    assert "asked again every half minute" in client_of(operator).get(address).content.decode()

    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:9", project_id="2")
    elsewhere = make_view(other, "elsewhere", is_materialized=True)
    theirs = Campaign.objects.create(
        connection=other, action="run", method="run", reason="x", state="succeeded", finished_at=timezone.now()
    )
    now = timezone.now()
    sent = {"sent_at": now, "due_at": now + timedelta(hours=1), "mutation": campaign.items.get().mutation}
    item = CampaignItem.objects.create(
        campaign=theirs, saved_query=elsewhere, position=1, outcome="accepted", is_open=False, **sent
    )
    for seen in (elsewhere, view(HEALTHY)):
        Run.objects.create(
            saved_query=seen, job_id=f"j{seen.pk}", status="Completed", started_at=now + timedelta(seconds=1)
        )
    Connection.objects.filter(pk=mine.pk).update(key_refused_at=now)

    with time_machine.travel(now + timedelta(minutes=1)):
        services.follow()

        item.refresh_from_db()
        assert (item.outcome, item.follow_up) == ("ran", "ran_ok")
        assert (campaign.items.get().outcome, campaign.items.get().follow_up) == ("ran", "ran_ok")
        told = AuditEntry.objects.filter(action="schedules.follow_up", object_id=str(theirs.pk))
        assert [entry.result for entry in told] == ["ok"]


@pytest.mark.parametrize(
    ("unreachable", "said"),
    [
        ({"key_refused_at": timezone.now()}, "PostHog refuses the API key of Demo"),
        ({"is_active": False}, "Demo is paused"),
    ],
)
def test_the_page_says_why_posthog_is_not_asked(
    synced: Connection,
    begin: Begin,
    operator: User,
    client_of: Callable[[User], Client],
    unreachable: dict[str, object],
    said: str,
) -> None:
    campaign = work(begin("resume", *SUSPENDED))
    Connection.objects.filter(pk=synced.pk).update(**unreachable)

    services.follow()  # raises nothing

    page = client_of(operator).get(f"/schedules/resumes/{campaign.pk}/").content.decode()
    body = page.partition('id="resume"')[2]
    assert said in body and "half minute" not in body and "hx-trigger" not in body.partition(">")[0]
