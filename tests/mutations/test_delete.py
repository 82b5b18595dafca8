"""Deletions: only of what the asker saw, and gone is gone whoever did it."""

from __future__ import annotations

import pytest

from tests.mutations.conftest import Ask, results
from warehouse_admin.mutations import services
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.client import Client
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_it_is_deleted_and_not_merely_hidden(generation: str, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("delete").pk)

    assert (mutation.state, mutation.after) == (State.HAPPENED, None)
    assert (mutation.remote["method"], mutation.remote["status"]) == ("DELETE", 204)
    assert plain.name.startswith("POSTHOG_DELETED")
    assert mutation.before["query"] == "SELECT 1 AS one"


def test_a_view_edited_since_is_not_deleted(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask("delete")
    sandbox.world.edit_outside(plain.name, "SELECT 2 AS theirs")

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.CONFLICT, None)
    assert "was edited since this was written" in mutation.error
    assert mutation.after["query"] == "SELECT 2 AS theirs"
    assert not plain.deleted
    assert results(mutation) == ["asked", "failed"]


def test_a_view_renamed_since_is_not_deleted(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask("delete")
    sandbox.world.rename_outside(plain.name, "gate_theirs")

    mutation = services.send(mutation.pk)

    assert mutation.state == State.CONFLICT
    assert "was renamed to gate_theirs since" in mutation.error
    assert not plain.deleted


def test_a_view_deleted_by_another_between_look_and_write_is_gone_all_the_same(
    sandbox: SandboxServer, plain: View, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Client.request

    def interfering(self: Client, method: str, path: str, **kwargs: object) -> object:
        if method == "DELETE":
            sandbox.world.delete_outside(plain.name)
        return real(self, method, path, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "request", interfering)
    mutation = services.send(ask("delete").pk)

    assert (mutation.state, mutation.remote["status"]) == (State.HAPPENED, 404)
    assert "was deleted a moment before" in mutation.remote["said"]
    assert sandbox.world.writes() == 0
    assert results(mutation) == ["asked", "ok"]


@pytest.mark.parametrize(("generation", "words"), [("C", "other views depend on it"), ("D", "It is used by gate_user")])
def test_dependents_are_named_in_posthogs_own_words(
    generation: str, words: str, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.create_outside("gate_user", f"SELECT * FROM {plain.name}")

    mutation = services.send(ask("delete").pk)

    assert mutation.state == State.REFUSED
    assert words in mutation.error
    assert not plain.deleted
    assert results(mutation) == ["asked", "failed"]


def test_a_project_that_does_not_answer_is_no_deleted_view(sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask("delete")
    mutation.connection.project_id = "999999"
    mutation.connection.save()

    mutation = services.send(mutation.pk)

    assert mutation.state == State.REFUSED
    assert not plain.deleted
