"""Cadences: what PostHog shows is compared, and what it does not show is not claimed."""

from __future__ import annotations

import pytest

from tests.mutations.conftest import Ask, later, results
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mutations import services
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State


@pytest.fixture
def scheduled(sandbox: SandboxServer, plain: View) -> View:
    return sandbox.world.materialize_outside(plain.name)


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_never_reads_back_as_no_cadence(generation: str, sandbox: SandboxServer, scheduled: View, ask: Ask) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("set_cadence", {"sync_frequency": "never"}).pk)

    assert mutation.state == State.HAPPENED, mutation.error
    assert scheduled.sync_frequency is None
    assert scheduled.schedule is not None and scheduled.schedule.paused
    assert mutation.after["sync_frequency"] is None
    assert results(mutation) == ["asked", "ok"]


def test_never_is_sent_to_a_schedule_that_runs_though_no_cadence_is_shown(
    sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    """As after a resume, which older servers do not show."""
    sandbox.world.set_generation("B")
    scheduled.sync_frequency = None

    mutation = services.send(ask("set_cadence", {"sync_frequency": "never"}).pk)

    assert mutation.state == State.HAPPENED
    assert mutation.sent_at is not None
    assert scheduled.schedule is not None and scheduled.schedule.paused


@pytest.mark.parametrize("generation", ["B", "D"])
def test_a_view_that_shows_no_cadence_by_then_is_not_claimed_to_rest(
    generation: str, sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    mutation = ask("set_cadence", {"sync_frequency": "never"})
    sandbox.world.set_cadence_outside(scheduled.name, "never")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at, sandbox.world.writes()) == (State.HAPPENED, None, 0)
    assert "already had this cadence in PostHog, so nothing was sent" in mutation.remote["said"]
    assert "the next runs tell whether it rests" in mutation.remote["said"]


def test_the_newest_servers_raise_the_shortest_cadences_and_that_is_said(
    sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    mutation = services.send(ask("set_cadence", {"sync_frequency": "5min"}).pk)

    assert mutation.state == State.HAPPENED
    assert mutation.after["sync_frequency"] == scheduled.sync_frequency == "15min"
    assert "raised 5min to 15min" in mutation.remote["said"]


@pytest.mark.parametrize("generation", ["B", "C"])
def test_a_cadence_without_a_schedule_is_said_to_run_nothing(
    generation: str, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)

    assert (mutation.state, plain.schedule) == (State.HAPPENED, None)
    assert "nothing runs at this cadence" in mutation.remote["said"]


@pytest.mark.parametrize("generation", ["B", "C"])
def test_that_the_schedule_followed_is_not_claimed(
    generation: str, sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)

    assert "does not show whether the schedule itself followed" in mutation.remote["said"]


def test_the_oldest_servers_materialize_with_it_and_that_is_said(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.set_generation("A")

    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)

    assert plain.is_materialized
    assert "also materialized the view" in mutation.remote["said"]


def test_another_cadence_since_is_a_conflict_and_nothing_is_sent(
    sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    mutation = ask("set_cadence", {"sync_frequency": "6hour"})
    sandbox.world.set_cadence_outside(scheduled.name, "7day")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.CONFLICT, None)
    assert "PostHog shows 7day" in mutation.error
    assert scheduled.sync_frequency == "7day"
    assert results(mutation) == ["asked", "failed"]


def test_what_posthog_refuses_is_told_in_its_own_words(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    plain.has_node = False

    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)

    assert mutation.state == State.REFUSED
    assert "not wired into the data modeling DAG yet" in mutation.error


@pytest.mark.parametrize("generation", ["A", "B", "C"])
@pytest.mark.parametrize("known", ["D", ""])
def test_a_cadence_that_the_server_does_not_know_any_more_is_not_sent(
    known: str, generation: str, sandbox: SandboxServer, connection: Connection, scheduled: View, ask: Ask
) -> None:
    """Edge case 33. The live view tells, whatever was learned of the server before."""
    Connection.objects.update(generation=known)
    mutation = ask("set_cadence", {"sync_frequency": "15min"})
    sandbox.world.set_generation(generation)

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.NOT_SENT, None)
    assert "does not know the cadence 15min: it accepts 5min, 30min" in mutation.error
    assert (sandbox.world.writes(), scheduled.sync_frequency) == (0, "24hour")
    assert not sandbox.world.requests_to("warehouse_saved_queries", "PATCH")
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize("cadence", [None, "", "2weeks", 5])
def test_what_is_no_cadence_is_not_even_asked(cadence: object, ask: Ask) -> None:
    with pytest.raises(ValueError):
        ask("set_cadence", {"sync_frequency": cadence})

    assert not Mutation.objects.exists()


@pytest.mark.parametrize("generation", ["C", "D"])
def test_the_log_proves_a_cadence_that_was_changed_again(
    generation: str, sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)
    sandbox.world.set_cadence_outside(scheduled.name, "7day", by="chiara")

    mutation = services.settle(mutation.pk, now=later())

    assert mutation.state == State.HAPPENED
    assert "chiara@harborgoods.example changed it again" in mutation.remote["said"]
    assert mutation.after["sync_frequency"] == "6hour"
    assert services.fetched_at(mutation.after) == mutation.sent_at
    assert results(mutation) == ["asked", "unknown", "ok"]


@pytest.mark.parametrize("generation", ["A", "B"])
def test_where_no_log_tells_of_cadences_nothing_is_guessed(
    generation: str, sandbox: SandboxServer, scheduled: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(ask("set_cadence", {"sync_frequency": "6hour"}).pk)
    sandbox.world.set_cadence_outside(scheduled.name, "7day", by="chiara")

    assert services.settle(mutation.pk, now=later()).state == State.CONFLICT
