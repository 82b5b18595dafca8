"""What was asked of the gate and not sent yet stays unsent once nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, work
from warehouse_admin.accounts import redis
from warehouse_admin.accounts.budget import budget_name
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]


@pytest.fixture
def held_up(synced: Connection, begin: Begin, sandbox: SandboxServer) -> Campaign:
    """A bulk run whose one call PostHog's rate limit sent back."""
    sandbox.world.faults.add(Fault("status_429", "POST", "/run/", retry_after=20))
    campaign = work(begin("run", HEALTHY))
    assert Mutation.objects.get().state == "asked"
    redis.client().delete(f"{budget_name(synced)}:penalty")  # Redis has a clock of its own
    return campaign


def sweep(minutes: int) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        mutations.settle_due()


def runs(sandbox: SandboxServer) -> int:
    """Calls that PostHog took."""
    return len(sandbox.world.requests_to("/run", "POST")) - 1


def test_a_stopped_run_is_not_sent_by_the_sweep(
    held_up: Campaign, operator: User, sandbox: SandboxServer, outcomes: Outcomes
) -> None:
    services.request_stop(campaign=held_up, user=operator)
    assert work(held_up).state == "stopped"

    sweep(2)

    assert (runs(sandbox), outcomes(held_up)) == (0, {HEALTHY: "queued"})


def test_a_paused_run_is_not_sent_by_the_sweep_and_once_when_it_goes_on(
    held_up: Campaign, operator: User, sandbox: SandboxServer, outcomes: Outcomes
) -> None:
    services.pause(campaign=held_up, user=operator)
    sweep(2)
    sweep(30)
    assert (runs(sandbox), outcomes(held_up)) == (0, {HEALTHY: "queued"})

    services.go_on(campaign=held_up, user=operator)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        work(held_up)

    assert (runs(sandbox), outcomes(held_up)) == (1, {HEALTHY: "accepted"})


def test_after_a_stop_its_views_can_be_run_alone_and_by_going_on(
    held_up: Campaign, operator: User, sandbox: SandboxServer, outcomes: Outcomes
) -> None:
    services.request_stop(campaign=held_up, user=operator)
    work(held_up)

    view = held_up.items.get().saved_query
    alone = services.run_now(user=operator, saved_query=view, reason="this one matters")
    services.send_single(alone.pk)
    assert (runs(sandbox), alone.cause) == (1, "schedules")

    sandbox.world.advance(3600)  # it has run by then
    services.go_on(campaign=held_up, user=operator)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        work(held_up)
    assert (runs(sandbox), outcomes(held_up)) == (2, {HEALTHY: "accepted"})
