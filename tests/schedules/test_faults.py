"""What goes wrong on the way: no view is sent more often than needed, none is lost, every outcome is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import plan, services
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]
RESUME = "resume_schedules"


def sent_ids(sandbox: SandboxServer) -> Counter[str]:
    return Counter(key for sent in sandbox.world.requests_to(RESUME) for key in sent.body["view_ids"])


@pytest.mark.parametrize(("name", "good"), [("C", "accepted"), ("D", "resumed")])
def test_a_chunk_failed_by_one_id_is_divided_until_it_is_alone(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str, good: str
) -> None:
    generation(name)
    bad = str(SavedQuery.objects.get(name="int_sessions").posthog_id)
    sandbox.world.faults.add(Fault("status_500", "POST", RESUME, times=None, body_regex=bad))

    campaign = work(begin("resume", *SUSPENDED))

    found = outcomes(campaign)
    assert found.pop("int_sessions") == "failed"
    assert "PostHog says: A server error occurred." in campaign.items.get(outcome="failed").detail
    assert set(found.values()) == {good}
    sizes = [len(sent.body["view_ids"]) for sent in sandbox.world.requests_to(RESUME)]
    assert max(sizes) == 3 and len(sizes) <= 5
    alone = [sent for sent in sandbox.world.requests_to(RESUME) if sent.body["view_ids"] == [bad]]
    assert len(alone) == 1
    assert Mutation.objects.count() == len(sizes)


def test_a_chunk_that_was_carried_out_and_answered_500_is_not_sent_again(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("status_500", "POST", RESUME, act=True))

    campaign = work(begin("resume", *SUSPENDED))

    assert set(outcomes(campaign).values()) == {"resumed"}
    assert len(sandbox.world.requests_to(RESUME)) == 1


@pytest.mark.parametrize("acts", [False, True], ids=["and does nothing", "though it acts"])
@pytest.mark.parametrize("name", "ABCD")
def test_one_view_that_posthog_fails_on_is_told_in_its_words_unless_it_took_effect(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, name: str, acts: bool
) -> None:
    connection, view = generation(name), sandbox.world.view("int_sessions")
    SavedQuery.objects.filter(name="int_sessions").update(last_cadence="6hour")
    view.failing, view.schedule.interval = None, 6 * 3600
    way, asked = ("restore_cadence", "PATCH") if name in "AB" else (RESUME, "POST")
    sandbox.world.faults.add(Fault("status_500", asked, times=None, act=acts))

    campaign = work(begin("resume", "int_sessions", method=way))
    with time_machine.travel(timezone.now() + timedelta(seconds=80)):
        mutations.settle_due()
        services.follow()
    at_first = campaign.items.get()
    with time_machine.travel(timezone.now() + timedelta(hours=8), tick=True):
        sync(connection)
        services.follow()

    shown = {"A": "accepted", "B": "accepted", "C": "failed", "D": "resumed"}[name] if acts else "failed"
    assert at_first.outcome == shown
    if shown == "failed":
        assert "PostHog failed with 500. PostHog says: A server error occurred." in at_first.detail
    assert outcomes(campaign) == {"int_sessions": "resumed" if acts else "failed"}
    assert len([sent for sent in sandbox.world.requests if sent.method == asked and "saved_queries" in sent.path]) == 1


def test_a_server_that_is_down_in_the_middle_is_waited_for(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 1)
    sandbox.world.faults.add(Fault("status_503_html", "POST", RESUME, after=1))

    campaign = work(begin("resume", *SUSPENDED))
    assert campaign.state == "running" and "reachable again" in campaign.waits_for
    assert sorted(outcomes(campaign).values()) == ["queued", "resumed", "unknown"]

    with time_machine.travel(timezone.now() + timedelta(seconds=100)):
        services.follow()
        services.follow()
    campaign.refresh_from_db()
    assert sorted(outcomes(campaign).values()) == ["failed", "resumed", "resumed"]
    assert set(sent_ids(sandbox).values()) == {1}


def test_a_run_that_began_before_the_resume_proves_nothing_against_it(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = actions._clear_suspension
    view = SavedQuery.objects.get(name="int_sessions")
    Run.objects.create(
        saved_query=view, job_id="began-before", status="Failed", started_at=timezone.now() - timedelta(minutes=2)
    )

    def clear(world: object, one: object) -> bool:
        done = real(world, one)
        if one.name == "int_sessions":
            sandbox.world.clock.advance(1)
            sandbox.world.runner.suspend(one, "late end", sandbox.world.now(), "began-before")
        return done

    monkeypatch.setattr(actions, "_clear_suspension", clear)

    campaign = work(begin("resume", *SUSPENDED))

    assert outcomes(campaign)["int_sessions"] == "ignored"
    assert "began before the resume" in campaign.items.get(outcome="ignored").detail


def test_a_view_that_another_change_holds_is_passed_over_and_taken_later(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    view = SavedQuery.objects.get(name=HEALTHY)
    other = Mutation.objects.create(
        connection=synced, kind="rename", object_id=str(view.posthog_id), idempotency_key="x", state="unconfirmed"
    )
    ObjectLock.objects.create(connection=synced, object_id=str(view.posthog_id), mutation=other)

    campaign = work(begin("pause", HEALTHY, "stg_stripe_charges"))
    assert outcomes(campaign) == {HEALTHY: "queued", "stg_stripe_charges": "paused"}
    assert (campaign.state, campaign.waits_for) == ("running", "another change of one of its views")

    Mutation.objects.filter(pk=other.pk).update(state="happened")
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        services.follow()
    assert outcomes(campaign)[HEALTHY] == "paused"


def test_a_lost_answer_to_a_pause_is_settled_by_reading(
    synced: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))

    campaign = work(begin("pause", HEALTHY))
    assert outcomes(campaign) == {HEALTHY: "unknown"}
    mutations.settle_due(everything=True)
    services.follow()

    campaign.refresh_from_db()
    assert (outcomes(campaign), campaign.state) == ({HEALTHY: "paused"}, "succeeded")
    assert len(sandbox.world.requests_to("warehouse_saved_queries", "PATCH")) == 1
    assert SavedQuery.objects.get(name=HEALTHY).sync_frequency == ""
