"""`resume` and `pause` on the command line."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.schedules.conftest import HEALTHY, SUSPENDED, YEAR
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.management import campaigns
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import claims, services, tasks
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db


def call(*arguments: str) -> tuple[int, list[str], dict]:
    """Exit status, lines, and the JSON object on the last one."""
    out = io.StringIO()
    status = 0
    try:
        call_command(*arguments, "--json", stdout=out)
    except CommandError as error:
        status = error.returncode
    lines = out.getvalue().splitlines()
    return status, lines, json.loads(lines[-1])


def test_views_are_resumed_by_name_and_each_is_told_of(
    synced: Connection, operator: User, sandbox: SandboxServer
) -> None:
    status, lines, told = call("resume", *SUSPENDED, "--user", "operator", "--reason", "source is back")

    assert (status, told["ok"], told["state"], told["counts"]) == (0, True, "succeeded", {"resumed": 3})
    assert any(line.startswith("int_sessions: resumed.") for line in lines)
    assert not sandbox.world.view("int_sessions").suspended
    assert AuditEntry.objects.filter(action="schedules.resume", actor=operator, reason="source is back").count() == 5


def test_a_view_that_stays_suspended_is_a_failure(
    synced: Connection, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_clear_suspension", lambda world, view: False)

    status, _, told = call("resume", "int_sessions", "--user", "operator", "--reason", "why")

    assert (status, told["ok"], told["counts"]) == (1, False, {"ignored": 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense", "--user", "operator", "--reason", "why"], "No such view: nonsense"),
        (["--user", "operator", "--reason", "why"], "at least one view"),
        (["int_sessions", "--user", "nobody", "--reason", "why"], "no person nobody"),
        (["int_sessions", "--user", "operator", "--reason", " "], "Say why"),
        (["int_sessions", "--user", "operator", "--reason", "why", "--per-minute", "0"], "per_minute"),
    ],
)
def test_misuse_is_two_and_starts_nothing(synced: Connection, operator: User, arguments: list[str], said: str) -> None:
    status, _, told = call("resume", *arguments)

    assert (status, told["ok"]) == (2, False)
    assert said in told["error"]
    assert not Campaign.objects.exists()


def test_who_may_not_fails(synced: Connection, viewer: User) -> None:
    status, _, told = call("resume", "int_sessions", "--user", "viewer", "--reason", "why")
    assert (status, told["ok"]) == (1, False)


def test_a_pause_takes_a_wake_up_date(synced: Connection, operator: User, sandbox: SandboxServer) -> None:
    arguments = ["pause", HEALTHY, "--user", "operator", "--reason", "why"]
    assert call(*arguments, "--until", "soon")[0] == 2

    status, _, told = call(*arguments, "--until", f"{YEAR}-01-31T08:00Z")

    assert (status, told["counts"]) == (0, {"paused": 1})
    assert Hold.objects.get().until.isoformat() == f"{YEAR}-01-31T08:00:00+00:00"
    assert sandbox.world.view(HEALTHY).schedule.paused


def test_without_waiting_the_worker_does_it(synced: Connection, operator: User) -> None:
    status, _, told = call("resume", "int_sessions", "--user", "operator", "--reason", "why", "--no-wait")
    assert (status, told["state"]) == (0, "queued")


@pytest.mark.parametrize("works", [True, False])
def test_a_campaign_that_a_worker_has_already_is_waited_for(
    synced: Connection, operator: User, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    held: list[Campaign] = []
    looks: list[float] = []

    def quick_worker(campaign_id: str) -> None:
        if (taken := claims.claim(campaign_id)) is not None:
            held.append(taken)

    def pass_time(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            claims.give_back(held[0], 0)
            services.run_campaign(held[0].pk)

    monkeypatch.setattr(tasks.run_campaign, "delay_on_commit", quick_worker)
    monkeypatch.setattr(campaigns.time, "sleep", pass_time)
    if not works:
        monkeypatch.setattr(actions, "_clear_suspension", lambda world, view: False)

    status, lines, told = call("resume", "int_sessions", "--user", "operator", "--reason", "why")

    assert len(looks) == 3
    assert lines.count("0 of 1 settled") == 1
    if works:
        assert (status, told["state"], told["counts"]) == (0, "succeeded", {"resumed": 1})
    else:
        assert (status, told["state"], told["counts"]) == (1, "needs_attention", {"ignored": 1})
        assert told["ok"] is False and "ignored" in told["error"]


def test_a_campaign_that_needs_a_second_person_is_not_waited_for_and_not_done(
    synced: Connection, operator: User
) -> None:
    Connection.objects.update(guard_count=5, guard_second_person=True)
    names = [view.name for view in SavedQuery.objects.filter(is_materialized=True).order_by("name")[:6]]

    status, _, told = call("pause", *names, "--user", "operator", "--reason", "why", "--confirm-count", "6")

    assert (status, told["ok"], told["state"], told["counts"]) == (1, False, "queued", {"queued": 6})
    assert "second person" in told["error"]


def test_a_paused_campaign_is_not_waited_for(
    synced: Connection, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause_it(campaign_id: str) -> None:
        services.pause(campaign=Campaign.objects.get(pk=campaign_id), user=operator)

    monkeypatch.setattr(tasks.run_campaign, "delay_on_commit", pause_it)

    status, _, told = call("resume", "int_sessions", "--user", "operator", "--reason", "why")

    assert (status, told["ok"], told["counts"]) == (1, False, {"queued": 1})
    assert "is paused" in told["error"]
