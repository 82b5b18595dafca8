"""Canary, pace, stopping by itself, pausing and going on, and the second person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import engine, plan, services
from warehouse_admin.schedules.errors import AlreadyInCampaign, NothingToDo
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.plan import Plan
from warehouse_admin.schedules.selectors import schedules_of

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
RESUME = "resume_schedules"


@pytest.fixture
def six(synced: Connection) -> list[str]:
    """Every suspended view."""
    return list(SavedQuery.objects.filter(schedule_state="suspended").order_by("name").values_list("name", flat=True))


def test_the_canary_goes_first_and_the_rest_follows_once_it_is_verified(
    begin: Begin, six: list[str], outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    campaign = work(begin("resume", *six, plan=Plan(canary_size=2, wave_size=3), confirm_count=6))

    assert [len(sent.body["view_ids"]) for sent in sandbox.world.requests_to(RESUME)] == [2, 3, 1]
    assert set(outcomes(campaign).values()) == {"resumed"}


def test_a_canary_that_fails_keeps_the_rest_from_being_sent(
    begin: Begin, six: list[str], outcomes: Outcomes, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_clear_suspension", lambda world, view: False)

    campaign = work(begin("resume", *six, plan=Plan(canary_size=2), confirm_count=6))

    assert sorted(outcomes(campaign).values()) == ["ignored"] * 2 + ["queued"] * 4
    assert (campaign.state, len(sandbox.world.requests_to(RESUME))) == ("stopped", 1)
    assert campaign.error.startswith("Of the first 2 views 2 did not do as hoped")
    assert AuditEntry.objects.get(action="schedules.stop").actor is None


def test_it_stops_when_too_many_fail_again_and_goes_on_when_told(
    begin: Begin,
    six: list[str],
    operator: User,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = actions._clear_suspension

    def suspended_anew(world: object, view: object) -> bool:
        real(world, view)
        sandbox.world.clock.advance(1)
        sandbox.world.runner.suspend(view, "still broken", sandbox.world.now())
        return True

    monkeypatch.setattr(plan, "FEWEST_TO_JUDGE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(actions, "_clear_suspension", suspended_anew)
        campaign = work(begin("resume", *six, plan=Plan(wave_size=2, stop_percent=50), confirm_count=6))
    assert sorted(outcomes(campaign).values()) == ["failed_again"] * 2 + ["queued"] * 4
    assert campaign.error.startswith("2 of the 2 views settled so far failed again, more than 50 %.")

    services.go_on(campaign=campaign, user=operator)
    work(campaign)

    assert sorted(outcomes(campaign).values()) == ["failed_again"] * 2 + ["resumed"] * 4
    assert campaign.state == "needs_attention"
    assert AuditEntry.objects.filter(action="schedules.continue", actor=operator).count() == 1


def test_the_pace_is_kept(begin: Begin, six: list[str], outcomes: Outcomes, sandbox: SandboxServer) -> None:
    campaign = work(begin("resume", *six, plan=Plan(per_minute=4), confirm_count=6))

    assert sorted(outcomes(campaign).values()) == ["queued"] * 2 + ["resumed"] * 4
    assert (campaign.state, campaign.waits_for) == ("running", "its pace, 4 a minute")
    with time_machine.travel(timezone.now() + timedelta(seconds=62)):
        services.follow()
    assert set(outcomes(campaign).values()) == {"resumed"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Plan(canary_size=-1), "canary_size"),
        (Plan(wave_size=51), "wave_size"),
        (Plan(per_minute=0), "per_minute"),
        (Plan(stop_percent=0), "stop_percent"),
    ],
)
def test_a_plan_that_cannot_be_used_is_named(begin: Begin, synced: Connection, wrong: Plan, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        begin("resume", *SUSPENDED, plan=wrong)
    assert list(refusal.value.errors) == [field]


def test_a_paused_campaign_sends_nothing_until_it_is_continued(
    synced: Connection,
    begin: Begin,
    operator: User,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = begin("resume", *SUSPENDED, plan=Plan(wave_size=1))
    real = engine.verify

    def pause_then_verify(*args: object) -> None:
        services.pause(campaign=campaign, user=operator)
        monkeypatch.setattr(engine, "verify", real)
        real(*args)

    monkeypatch.setattr(engine, "verify", pause_then_verify)
    work(campaign)
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        services.follow()
        work(campaign)
    assert sorted(outcomes(campaign).values()) == ["queued", "queued", "resumed"]
    assert campaign.state == "running" and campaign.paused_at is not None
    with pytest.raises(NothingToDo, match="paused already"):
        services.pause(campaign=campaign, user=operator)

    services.go_on(campaign=campaign, user=operator)
    work(campaign)
    assert (set(outcomes(campaign).values()), campaign.state) == ({"resumed"}, "succeeded")
    assert len(sandbox.world.requests_to(RESUME)) == 3


def test_a_paused_campaign_can_be_stopped(
    synced: Connection, begin: Begin, operator: User, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    campaign = begin("resume", *SUSPENDED)
    services.pause(campaign=campaign, user=operator)
    services.request_stop(campaign=campaign, user=operator)
    work(campaign)

    assert (set(outcomes(campaign).values()), campaign.state) == ({"queued"}, "stopped")
    assert sandbox.world.requests_to(RESUME) == []


def test_a_campaign_that_rests_is_stopped_without_a_worker(
    synced: Connection, begin: Begin, operator: User, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    """Between two waves nobody has it: whoever stops it need not wait until a worker hears of that."""
    campaign = work(begin("resume", *SUSPENDED, plan=Plan(per_minute=1)))
    assert (campaign.state, campaign.waits_for) == ("running", "its pace, 1 a minute")

    stopped = services.request_stop(campaign=campaign, user=operator)

    assert (stopped.state, stopped.error) == ("stopped", "Of 3 schedules 2 were not sent.")
    assert sorted(outcomes(campaign).values()) == ["queued", "queued", "resumed"]
    ends = AuditEntry.objects.filter(object_id=str(campaign.pk)).order_by("-sequence")[:2]
    assert [(entry.action, entry.actor) for entry in ends] == [
        ("schedules.resume", operator),
        ("schedules.stop", operator),
    ]
    assert ends[0].after == {"state": "stopped", "counts": {"queued": 2, "resumed": 1}}
    work(campaign)
    assert len(sandbox.world.requests_to(RESUME)) == 1
    assert begin("resume", *[name for name, told in outcomes(campaign).items() if told == "queued"]).is_open


def test_a_stop_waits_for_what_is_under_way(
    synced: Connection, begin: Begin, operator: User, sandbox: SandboxServer
) -> None:
    """A worker that was killed after its call: what came of it is read before the campaign ends."""
    campaign = begin("resume", *SUSPENDED, plan=Plan(wave_size=1))
    work(campaign)
    item = campaign.items.order_by("position").first()
    campaign.items.filter(pk=item.pk).update(outcome="sent")
    Campaign.objects.filter(pk=campaign.pk).update(state="running", claim="", heartbeat_at=None, finished_at=None)

    stopped = services.request_stop(campaign=campaign, user=operator)
    assert stopped.state == "running" and stopped.stop_requested

    assert work(campaign).state in ("succeeded", "stopped")
    assert campaign.items.get(pk=item.pk).outcome == "resumed"


def test_a_stopped_campaign_cannot_take_views_back_from_another(
    synced: Connection, begin: Begin, operator: User
) -> None:
    campaign = begin("resume", *SUSPENDED)
    services.request_stop(campaign=campaign, user=operator)
    begin("resume", "int_sessions")

    with pytest.raises(AlreadyInCampaign):
        services.go_on(campaign=campaign, user=operator)
    campaign.refresh_from_db()
    assert campaign.state == "stopped"


def test_where_the_connection_wants_it_a_second_person_confirms(
    synced: Connection,
    begin: Begin,
    six: list[str],
    operator: User,
    person: Callable[..., User],
    outcomes: Outcomes,
    sandbox: SandboxServer,
) -> None:
    Connection.objects.update(guard_count=5, guard_second_person=True)
    with pytest.raises(InvalidInput):
        begin("resume", *six)
    campaign = begin("resume", *six, confirm_count=6)
    services.follow()
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        services.follow()
        work(campaign)
    assert campaign.is_waiting_for_second and sandbox.world.requests_to(RESUME) == []

    with pytest.raises(NotPermitted, match="Somebody else"):
        services.confirm(campaign=campaign, user=operator)
    with pytest.raises(NotPermitted, match="role Operator"):
        services.confirm(campaign=campaign, user=person("editor", Role.EDITOR))
    second = person("second", Role.OPERATOR)
    with context.use(context.RequestContext(token_name="script")), pytest.raises(NotPermitted, match="signed-in"):
        services.confirm(campaign=campaign, user=second)
    services.confirm(campaign=campaign, user=second)
    work(campaign)

    assert set(outcomes(campaign).values()) == {"resumed"}
    assert AuditEntry.objects.get(action="schedules.confirm").actor == second
    with pytest.raises(NothingToDo):
        services.confirm(campaign=campaign, user=second)


def test_the_guard_follows_the_connection(synced: Connection) -> None:
    total = schedules_of(synced).count()
    synced.guard_count, synced.guard_percent = 200, 100
    assert services.guard_count(synced, total) is None
    synced.guard_percent = 20
    assert services.guard_count(synced, total // 3) == total // 3
    synced.guard_count, synced.guard_percent = 6, 100
    assert services.guard_count(synced, 7) == 7


def test_below_the_guard_nobody_else_is_needed(synced: Connection, begin: Begin) -> None:
    Connection.objects.update(guard_second_person=True)
    assert not begin("resume", *SUSPENDED, HEALTHY).needs_second
