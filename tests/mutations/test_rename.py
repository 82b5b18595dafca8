"""Renames: PostHog guards them with nothing, so the name the asker saw decides."""

from __future__ import annotations

import pytest

from tests.mutations.conftest import Ask, later, results
from warehouse_admin.mutations import services
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State
TO = {"name": "gate_renamed"}


def test_a_name_given_by_somebody_else_since_is_a_conflict_and_nothing_is_sent(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    mutation = ask("rename", TO)
    sandbox.world.rename_outside(plain.name, "gate_theirs")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.CONFLICT, None)
    assert mutation.after["name"] == plain.name == "gate_theirs"
    assert mutation.error == "The view was renamed to gate_theirs since this was written, so nothing was sent."
    assert sandbox.world.writes() == 0
    assert results(mutation) == ["asked", "failed"]


def test_an_edit_of_the_sql_since_is_none_of_its_business(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask("rename", TO)
    sandbox.world.edit_outside(plain.name, "SELECT 2 AS theirs")

    assert services.send(mutation.pk).state == State.HAPPENED
    assert (plain.name, plain.sql) == ("gate_renamed", "SELECT 2 AS theirs")


@pytest.mark.parametrize("generation", ["A", "D"])
def test_a_name_that_is_taken_is_refused_in_posthogs_words(
    generation: str, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("rename", {"name": "int_order_margins"}).pk)

    assert mutation.state == State.REFUSED
    assert "with this name already exists." in mutation.error
    assert plain.name == "gate_plain"
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize("name", ["", "1st", "a b", "a\n", "x" * 129, None, 5])
def test_what_is_no_name_is_not_even_asked(name: object, ask: Ask) -> None:
    with pytest.raises(ValueError):
        ask("rename", {"name": name})

    assert not Mutation.objects.exists()


def test_a_third_name_after_a_lost_answer_is_a_conflict_since_nobody_logs_renames(
    sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(ask("rename", TO).pk)
    sandbox.world.rename_outside(plain.name, "gate_theirs")

    mutation = services.settle(mutation.pk, now=later())

    assert mutation.state == State.CONFLICT
    assert "a name that is neither the former nor the new one" in mutation.error
    assert results(mutation) == ["asked", "unknown", "unknown"]


def test_a_view_renamed_and_deleted_at_once_was_renamed(
    sandbox: SandboxServer, plain: View, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse_admin.mutations import send

    real = send._read_back

    def after_a_deletion(*args: object) -> Mutation:
        sandbox.world.delete_outside(plain.name)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(send, "_read_back", after_a_deletion)
    mutation = services.send(ask("rename", TO).pk)

    assert mutation.state == State.HAPPENED
    assert mutation.after["name"] == "gate_renamed"
    assert "deleted the view right afterwards" in mutation.remote["said"]
