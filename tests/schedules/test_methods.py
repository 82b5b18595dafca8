"""Each way of acting on schedules gives every view its true outcome, in the generations where they differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, MANAGED, PAUSED, SUSPENDED, work
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.errors import NotOffered
from warehouse_admin.schedules.models import Campaign, Hold
from warehouse_admin.schedules.rows import rows_of

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_setting_the_cadence_again_resumes_where_keys_may_not(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str
) -> None:
    connection = generation(name)
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="6hour")

    campaign = work(begin("resume", *SUSPENDED, HEALTHY, method="restore_cadence", confirm_count=4))

    assert outcomes(campaign) == {**dict.fromkeys(SUSPENDED, "accepted"), HEALTHY: "not_paused"}
    assert all(not sandbox.world.view(one).schedule.paused for one in SUSPENDED)
    assert [view.sync_frequency for view in SavedQuery.objects.filter(name__in=SUSPENDED)] == ["6hour"] * 3
    assert sandbox.world.requests_to("resume_schedules") == []
    assert len(sandbox.world.requests_to("warehouse_saved_queries", "PATCH")) == 3
    sent = AuditEntry.objects.filter(action="saved_query.set_cadence", result="ok")
    assert {entry.object_name for entry in sent} == set(SUSPENDED)
    settled = AuditEntry.objects.filter(action="schedules.resume", object_type="saved_query", result="unknown")
    assert {(row.remote["campaign"], row.remote["method"]) for row in settled} == {
        (str(campaign.pk), "restore_cadence")
    }

    sandbox.world.view("int_sessions").failing = None
    sandbox.world.run_outside("int_sessions", finish=True)
    sync(connection)
    services.follow()
    assert outcomes(campaign)["int_sessions"] == "resumed"


@pytest.mark.parametrize(("again", "outcome"), [(True, "failed_again"), (False, "resumed")])
def test_a_server_that_learns_to_tell_suspensions_says_whether_one_came_after_the_cadence(
    generation: Generation,
    begin: Begin,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    again: bool,
    outcome: str,
) -> None:
    connection = generation("C")
    SavedQuery.objects.filter(name="int_sessions").update(last_cadence="6hour")
    campaign = work(begin("resume", "int_sessions", method="restore_cadence"))
    assert outcomes(campaign) == {"int_sessions": "accepted"}

    sandbox.world.set_generation("D")
    sandbox.world.view("int_sessions").failing = None
    sandbox.world.advance(60)
    if again:
        sandbox.world.suspend("int_sessions", "memory limit")
    else:
        sandbox.world.run_outside("int_sessions", finish=True)
    accounts.check_connection(connection)
    sync(connection, SyncRun.Kind.FULL)
    services.follow()

    assert outcomes(campaign) == {"int_sessions": outcome}
    assert not again or "suspended anew after the resume: memory limit" in campaign.items.get().detail


def test_a_view_whose_last_cadence_is_not_known_is_left_out_unless_one_is_given(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    generation("B")
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="")

    campaign = work(begin("resume", *SUSPENDED, method="restore_cadence"))
    assert set(outcomes(campaign).values()) == {"ignored"}
    assert "last cadence is not known" in campaign.items.first().detail
    assert Mutation.objects.count() == 0

    again = work(begin("resume", *SUSPENDED, method="restore_cadence", cadence="12hour"))
    assert set(outcomes(again).values()) == {"accepted"}
    assert {sandbox.world.view(one).sync_frequency for one in SUSPENDED} == {"12hour"}


def test_on_the_newest_server_a_cadence_brings_back_what_never_took(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    SavedQuery.objects.filter(name=PAUSED).update(last_cadence="24hour")

    campaign = work(begin("resume", PAUSED, "int_sessions", method="restore_cadence"))

    assert outcomes(campaign) == {PAUSED: "resumed", "int_sessions": "ignored"}
    assert "Use PostHog's resume" in campaign.items.get(saved_query__name="int_sessions").detail
    assert not sandbox.world.view(PAUSED).schedule.paused


def test_a_refusal_names_what_works_instead(generation: Generation, begin: Begin) -> None:
    generation("B")

    with pytest.raises(NotOffered, match="restore_cadence"):
        begin("resume", *SUSPENDED)
    with pytest.raises(NotOffered, match="only a person signed in to PostHog"):
        begin("run", HEALTHY)
    with pytest.raises(InvalidInput, match="resume_schedules, restore_cadence"):
        begin("resume", *SUSPENDED, method="never")


@pytest.mark.parametrize(
    ("name", "outcome"), [("A", "accepted"), ("B", "accepted"), ("C", "accepted"), ("D", "paused")]
)
def test_a_pause_takes_the_cadence_away_and_says_what_that_proves(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str, outcome: str
) -> None:
    generation(name)

    campaign = work(begin("pause", HEALTHY, PAUSED))

    assert outcomes(campaign) == {HEALTHY: outcome, PAUSED: "not_needed"}
    assert sandbox.world.view(HEALTHY).schedule.paused
    view = SavedQuery.objects.get(name=HEALTHY)
    assert (view.sync_frequency, view.schedule_state, view.schedule_confidence) == ("", "paused", "certain")
    assert "because" in view.schedule_evidence
    assert campaign.state == "succeeded"
    [row] = rows_of([view.pk])
    assert row.last_act is not None and row.last_act.campaign == campaign.pk
    entry = AuditEntry.objects.get(action="schedules.pause", object_name=HEALTHY)
    assert (entry.result, entry.reason) == ("ok" if name == "D" else "unknown", "because")


def test_an_older_server_proves_a_pause_by_the_run_that_stays_away(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    campaign = work(begin("pause", HEALTHY, "stg_stripe_charges"))
    sandbox.world.run_outside("stg_stripe_charges", finish=True)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        sync(connection)
        services.follow()

    assert outcomes(campaign) == {HEALTHY: "paused", "stg_stripe_charges": "failed"}
    assert "yet it ran" in campaign.items.get(outcome="failed").detail


def test_a_run_that_was_asked_for_here_speaks_against_no_pause(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    campaign = work(begin("pause", HEALTHY))
    sandbox.world.advance(60)
    work(begin("run", HEALTHY))
    sandbox.world.advance(60)
    sync(connection)
    services.follow()
    assert outcomes(campaign) == {HEALTHY: "accepted"}

    sandbox.world.run_outside(HEALTHY, finish=True)  # one request is one run: this is another
    sync(connection)
    services.follow()

    assert outcomes(campaign) == {HEALTHY: "failed"}


@pytest.mark.parametrize(("name", "method"), [("C", "resume_schedules"), ("A", "restore_cadence")])
def test_a_run_that_was_asked_for_here_proves_no_resume(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str, method: str
) -> None:
    """PostHog runs a paused view that somebody asks to be run, and its schedule stays paused."""
    connection = generation(name)
    view = SavedQuery.objects.get(name="int_sessions")
    if name == "A":
        SavedQuery.objects.filter(pk=view.pk).update(last_cadence="6hour")
    campaign = work(begin("resume", view.name, method=method))
    assert outcomes(campaign) == {view.name: "accepted"}
    sent_at = timezone.now() + timedelta(seconds=1)
    asked = Mutation.objects.create(
        connection=connection,
        kind="run",
        object_id=str(view.posthog_id),
        idempotency_key="by hand",
        state="happened",
        sent_at=sent_at,
    )
    Run.objects.create(saved_query=view, job_id="by-hand", status="Completed", started_at=sent_at)

    services.follow()
    assert outcomes(campaign) == {view.name: "accepted"}
    assert campaign.items.get().follow_up == "", "the first scheduled run is still to come"

    asked.delete()
    services.follow()
    assert outcomes(campaign) == {view.name: "resumed"}
    assert campaign.items.get().follow_up == "ran_ok"


def test_a_view_that_stands_still_already_is_said_to_get_no_date(synced: Connection, begin: Begin) -> None:
    campaign = work(begin("pause", PAUSED, HEALTHY, until=timezone.now() + timedelta(days=1)))

    details = dict(campaign.items.values_list("outcome", "detail"))
    assert "gets no wake-up date by this" in details["not_needed"]
    assert [hold.saved_query.name for hold in Hold.objects.exclude(until=None)] == [HEALTHY]


def test_what_runs_on_without_a_cadence_can_be_paused(
    generation: Generation,
    begin: Begin,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    operator: User,
    client_of: Callable[[User], Client],
) -> None:
    """PostHog's own resume starts a schedule again and gives the view no cadence back."""
    connection = generation("C")
    sandbox.world.suspend(HEALTHY)
    sync(connection)
    work(begin("resume", HEALTHY))
    sandbox.world.run_outside(HEALTHY, finish=True)
    sync(connection)
    view = SavedQuery.objects.get(name=HEALTHY)
    assert (view.sync_frequency, view.schedule_state) == ("", "on_time")

    client, path = client_of(operator), f"/saved-queries/{view.posthog_id}/"
    assert f'href="{path}pause/"' in client.get(path).content.decode()
    plan = client.post("/schedules/pause/", {"saved_queries": [view.posthog_id]}).content.decode()
    assert "stands still already" not in plan + client.get(f"{path}pause/").content.decode()
    campaign = work(begin("pause", HEALTHY))

    assert outcomes(campaign) == {HEALTHY: "accepted"}
    assert sandbox.world.view(HEALTHY).schedule.paused
    assert SavedQuery.objects.get(name=HEALTHY).schedule_state == "paused"


def test_what_runs_after_a_pause_was_ended_says_nothing_about_it(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    campaign = work(begin("pause", HEALTHY))
    work(begin("resume", HEALTHY, method="restore_cadence"))
    sandbox.world.run_outside(HEALTHY, finish=True)
    sync(connection)

    services.follow()

    assert outcomes(campaign) == {HEALTHY: "paused"}
    item = campaign.items.get()
    assert "the pause was ended before" in item.detail
    campaign.refresh_from_db()
    assert campaign.state == "succeeded"
    assert not AuditEntry.objects.filter(action="schedules.pause", result="failed").exists()


def test_managed_views_are_left_alone_by_every_act(synced: Connection, begin: Begin, sandbox: SandboxServer) -> None:
    for action in ("pause", "run"):
        campaign = work(begin(action, MANAGED))
        assert campaign.items.get().outcome == "ignored"
    assert sandbox.world.writes(sandbox.world.view(MANAGED).id) == 0


@pytest.mark.parametrize("name", ["C", "D"])
def test_each_view_is_run_once_and_the_run_proves_it(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str
) -> None:
    connection = generation(name)
    sandbox.world.run_outside("stg_stripe_charges")
    sync(connection)

    campaign = work(begin("run", HEALTHY, "stg_stripe_charges"))
    assert outcomes(campaign) == {HEALTHY: "accepted", "stg_stripe_charges": "not_needed"}
    assert len(sandbox.world.requests_to("/run", "POST")) == 1

    sandbox.world.advance(60)
    sync(connection)
    services.follow()
    item = campaign.items.get(saved_query__name=HEALTHY)
    assert (item.outcome, item.follow_up) == ("ran", "ran_ok")


def test_a_view_is_not_run_more_often_than_posthog_allows(
    synced: Connection, begin: Begin, sandbox: SandboxServer, operator: User, view_named: Callable[[str], SavedQuery]
) -> None:
    view = view_named(HEALTHY)
    for number in range(10):
        Mutation.objects.create(
            connection=synced,
            kind="run",
            object_id=str(view.posthog_id),
            idempotency_key=f"earlier:{number}",
            state="happened",
            sent_at=timezone.now(),
        )

    campaign = work(begin("run", HEALTHY))

    assert sandbox.world.requests_to("/run", "POST") == []
    assert "at most 10 times a minute" in campaign.waits_for
    with time_machine.travel(timezone.now() + timedelta(seconds=62)):
        services.follow()
    assert len(sandbox.world.requests_to("/run", "POST")) == 1


def test_another_cadence_opens_one_change_for_each_view(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    now = SavedQuery.objects.get(name=HEALTHY).sync_frequency
    wanted = "12hour" if now != "12hour" else "24hour"
    SavedQuery.objects.filter(name="stg_stripe_charges").update(sync_frequency=wanted)
    sandbox.world.set_cadence_outside("stg_stripe_charges", wanted)

    campaign = work(begin("cadence", HEALTHY, "stg_stripe_charges", MANAGED, cadence=wanted))
    work(campaign)

    assert outcomes(campaign) == {HEALTHY: "proposed", "stg_stripe_charges": "failed", MANAGED: "ignored"}
    change = ChangeRequest.objects.get()
    assert (change.action, change.state, change.saved_query.name) == ("set_cadence", "in_review", HEALTHY)
    assert campaign.items.get(outcome="proposed").change_number == change.pk
    assert "cadence already" in campaign.items.get(outcome="failed").detail
    assert sandbox.world.requests_to("warehouse_saved_queries", "PATCH") == []


@pytest.mark.parametrize(("action", "more"), [("pause", {}), ("run", {}), ("cadence", {"cadence": "24hour"})])
def test_who_may_not_is_refused(
    synced: Connection, viewer: User, views: Callable[..., list[SavedQuery]], action: str, more: dict[str, str]
) -> None:
    with pytest.raises(NotPermitted):
        services.start_campaign(user=viewer, action=action, saved_queries=views(HEALTHY), reason="why", **more)
    assert not Campaign.objects.exists()
