"""Where the server cannot prove a resume at once, the first views are waited for before the rest is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import SUSPENDED, work
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.plan import Plan

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]
METHODS = {"A": "restore_cadence", "B": "restore_cadence", "C": "resume_schedules"}


@pytest.fixture
def waiting(generation: Generation, begin: Begin, sandbox: SandboxServer, request: pytest.FixtureRequest) -> Campaign:
    """A campaign of three whose first view was taken by a server that does not prove it; six hours to its next run."""
    name = getattr(request, "param", "C")
    generation(name)
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="6hour")
    for view in map(sandbox.world.view, SUSPENDED):
        view.failing, view.schedule.interval = None, 6 * 3600
    return work(begin("resume", *SUSPENDED, plan=Plan(canary_size=1), method=METHODS[name]))


def first_of(campaign: Campaign) -> str:
    return campaign.items.order_by("position").values_list("saved_query__name", flat=True)[0]


def later(campaign: Campaign, **passed: float) -> Campaign:
    """What a sync and the beat find after so long."""
    with time_machine.travel(timezone.now() + timedelta(**passed), tick=True):
        sync(campaign.connection)
        services.follow()
    campaign.refresh_from_db()
    return campaign


@pytest.mark.parametrize("waiting", "ABC", indirect=True)
def test_the_rest_is_sent_once_a_run_proves_the_first(
    waiting: Campaign, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    assert (waiting.state, Counter(outcomes(waiting).values())) == ("running", {"accepted": 1, "queued": 2})
    assert waiting.waits_for.startswith("proof of the first view: PostHog took it")
    later(waiting, minutes=2)
    assert Counter(outcomes(waiting).values()) == {"accepted": 1, "queued": 2}

    sandbox.world.run_outside(first_of(waiting), finish=True)
    later(waiting, minutes=5)

    assert outcomes(waiting) == {**dict.fromkeys(SUSPENDED, "accepted"), first_of(waiting): "resumed"}
    assert waiting.state == "succeeded"


def test_a_first_view_that_fails_again_stops_it(waiting: Campaign, outcomes: Outcomes, sandbox: SandboxServer) -> None:
    sandbox.world.fail_next_run(first_of(waiting), "still broken")
    sandbox.world.run_outside(first_of(waiting), finish=True)
    later(waiting, minutes=2)

    assert Counter(outcomes(waiting).values()) == {"failed_again": 1, "queued": 2}
    assert (waiting.state, waiting.error[:44]) == ("stopped", "Of the first 1 views 1 did not do as hoped, ")
    assert AuditEntry.objects.get(action="schedules.stop").actor is None


def test_a_first_view_whose_run_stays_away_was_ignored(
    waiting: Campaign, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.view(first_of(waiting)).schedule.paused = True
    later(waiting, hours=8)

    assert outcomes(waiting)[first_of(waiting)] == "ignored"
    assert waiting.state == "stopped"


def test_it_is_not_waited_for_longer_than_a_day(waiting: Campaign, outcomes: Outcomes) -> None:
    waiting.items.filter(outcome="accepted").update(due_at=timezone.now() + timedelta(days=30))
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        services.follow()

    waiting.refresh_from_db()
    assert waiting.state == "stopped"
    assert waiting.error.startswith("What became of the first view was not proven in time, so the rest was not sent.")


def test_an_operator_goes_on_without_the_proof_and_the_page_and_the_trail_say_so(
    waiting: Campaign, outcomes: Outcomes, operator: User, client_of: Callable[[User], Client], sandbox: SandboxServer
) -> None:
    client, path = client_of(operator), f"/schedules/resumes/{waiting.pk}/"
    chosen = {"saved_queries": [str(item.saved_query.posthog_id) for item in waiting.items.all()]}
    assert "only their next run verifies them" in client.post("/schedules/resume/", chosen).content.decode()
    page = client.get(path).content.decode()
    assert "Continue without proof" in page and "PostHog took the first view," in page
    told = client.get(f"/api/v1{path}").json()["canary"]
    assert (told["proven"], told["not_proven"], told["awaited"]) == (0, 1, True)

    client.post(f"{path}continue/")
    work(waiting)

    assert (set(outcomes(waiting).values()), waiting.state) == ({"accepted"}, "succeeded")
    page = client.get(path).content.decode()
    assert "1 accepted and not yet proven" in page and "Somebody let the rest go on" in page
    assert client.get(f"/api/v1{path}").json()["canary"]["awaited"] is False
    entry = AuditEntry.objects.get(action="schedules.continue", actor=operator)
    assert entry.after == {"canary": {"size": 1, "proven": 0, "not_proven": 1, "not_as_hoped": 0}}


def test_a_pause_before_the_first_views_does_not_do_away_with_their_proof(
    generation: Generation, begin: Begin, operator: User, outcomes: Outcomes
) -> None:
    generation("C")
    campaign = begin("resume", *SUSPENDED, plan=Plan(canary_size=1))
    services.pause(campaign=campaign, user=operator)
    services.go_on(campaign=campaign, user=operator)
    work(campaign)

    assert Counter(outcomes(campaign).values()) == {"accepted": 1, "queued": 2}
