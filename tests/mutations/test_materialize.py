"""Materializing and undoing it: with the cadence where the server heeds one, and told where it does not."""

from __future__ import annotations

import pytest

from tests.mutations.conftest import Ask, later, results
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mutations import services
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State


@pytest.mark.parametrize(("asked_for", "given"), [(None, "24hour"), ("6hour", "6hour"), ("5min", "15min")])
def test_the_newest_servers_heed_the_cadence(
    asked_for: str | None, given: str, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    mutation = services.send(ask("materialize", {"sync_frequency": asked_for}).pk)

    assert mutation.state == State.HAPPENED, mutation.error
    assert (plain.is_materialized, plain.sync_frequency) == (True, given)
    assert ("raised" in mutation.remote.get("said", "")) is (asked_for == "5min")
    assert results(mutation) == ["asked", "ok"]


def test_an_older_server_resets_the_cadence_and_that_is_said(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.set_generation("C")

    mutation = services.send(ask("materialize", {"sync_frequency": "6hour"}).pk)

    assert (mutation.state, plain.sync_frequency) == (State.HAPPENED, "24hour")
    assert "set 6hour as its cadence now" in mutation.remote["said"]
    [received] = sandbox.world.requests_to("materialize", "POST")
    assert not received.body


def test_a_cadence_that_the_server_could_not_even_be_given_afterwards_is_not_sent(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    mutation = ask("materialize", {"sync_frequency": "15min"})
    sandbox.world.set_generation("C")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.NOT_SENT, None)
    assert "does not know the cadence 15min" in mutation.error
    assert (sandbox.world.writes(), plain.is_materialized) == (0, False)
    assert results(mutation) == ["asked", "failed"]


def test_a_view_materialized_meanwhile_keeps_its_cadence_on_an_older_server(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation("C")
    mutation = ask("materialize", {"sync_frequency": "6hour"})
    sandbox.world.materialize_outside(plain.name, "7day")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.HAPPENED, None)
    assert plain.sync_frequency == "7day"


def test_a_view_materialized_meanwhile_with_another_cadence_is_a_conflict(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    mutation = ask("materialize", {"sync_frequency": "6hour"})
    sandbox.world.materialize_outside(plain.name, "7day")

    mutation = services.send(mutation.pk)

    assert mutation.state == State.CONFLICT
    assert "another cadence meanwhile (7day)" in mutation.error
    assert sandbox.world.writes() == 0


@pytest.mark.parametrize("generation", ["A", "B"])
@pytest.mark.parametrize("kind", ["materialize", "unmaterialize"])
def test_where_no_key_may_do_it_that_is_said_and_learned(
    kind: str, generation: str, sandbox: SandboxServer, connection: Connection, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    if kind == "unmaterialize":
        sandbox.world.materialize_outside(plain.name)

    mutation = services.send(ask(kind).pk)

    assert mutation.state == State.REFUSED
    assert "to no API key" in mutation.error
    connection.refresh_from_db()
    action = "materialize" if kind == "materialize" else "revert_materialization"
    assert accounts.capability(connection, action).state == "no"
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize("generation", ["C", "D"])
def test_a_failure_that_may_have_come_after_the_change_is_found_out_about_by_reading(
    generation: str, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.faults.add(Fault("scheduler_down", "POST"))

    mutation = services.send(ask("materialize").pk)
    assert mutation.state == State.UNCONFIRMED
    assert "Materialization failed" in mutation.error

    mutation = services.settle(mutation.pk, now=later())
    assert mutation.state == State.DID_NOT_HAPPEN
    assert "Its cadence now reads 24hour" in mutation.error
    assert results(mutation) == ["asked", "unknown", "failed"]
    assert len(sandbox.world.requests_to("materialize", "POST")) == 1


@pytest.mark.parametrize("generation", ["C", "D"])
def test_the_limit_per_view_is_waited_out(generation: str, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.rate = (480, 4800)
    for kind in ("materialize", "unmaterialize", "materialize", "unmaterialize", "materialize"):
        assert services.send(ask(kind).pk).state == State.HAPPENED
    last = ask("unmaterialize")

    with pytest.raises(NotYet) as wait:
        services.send(last.pk)

    last.refresh_from_db()
    assert last.state == State.ASKED
    assert 3000 < wait.value.retry_after <= 3600
    assert plain.is_materialized


def test_an_undoing_that_somebody_undid_is_proven_by_the_log(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.materialize_outside(plain.name)
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("unmaterialize").pk)
    sandbox.world.materialize_outside(plain.name, "7day", by="ben")

    mutation = services.settle(mutation.pk, now=later())

    assert mutation.state == State.HAPPENED
    assert "ben@harborgoods.example changed it again" in mutation.remote["said"]
    assert (mutation.after["is_materialized"], mutation.after["sync_frequency"]) == (False, None)


def test_a_materialization_that_nobody_undid_did_not_happen_whatever_the_log_says(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    """PostHog takes it back by itself when its scheduler fails."""
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("materialize").pk)
    plain.is_materialized, plain.sync_frequency = False, None

    assert services.settle(mutation.pk, now=later()).state == State.DID_NOT_HAPPEN


@pytest.mark.parametrize("cadence", ["never", "2weeks", 5])
def test_a_cadence_that_nothing_can_be_materialized_at_is_not_even_asked(cadence: object, ask: Ask) -> None:
    with pytest.raises(ValueError):
        ask("materialize", {"sync_frequency": cadence})
