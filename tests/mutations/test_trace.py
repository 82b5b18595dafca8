"""PostHog's log as a witness: it proves a write that was overwritten since, and credits nobody else's work to us."""

from __future__ import annotations

import pytest

from tests.mutations.conftest import NEW_SQL, later, results
from warehouse_admin.mutations import services, timing
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault

State = Mutation.State


@pytest.fixture
def lost(sandbox, asked):
    """An edit that landed and whose answer was lost."""
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    return services.send(asked().pk)


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
@pytest.mark.parametrize("afterwards", ["another text", "the former text"])
def test_an_edit_that_was_overwritten_since_happened(afterwards, generation, sandbox, remote, asked):
    sandbox.world.set_generation(generation)
    former = remote.sql
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.world.edit_outside(remote.name, former if afterwards == "the former text" else "SELECT 9 AS x", by="ben")

    mutation = services.settle(mutation.pk, now=later())

    assert mutation.state == State.HAPPENED
    assert "ben@harborgoods.example changed it again" in mutation.remote["said"]
    assert mutation.after["query"] == NEW_SQL
    assert services.fetched_at(mutation.after) == mutation.sent_at
    assert results(mutation) == ["asked", "unknown", "ok"]
    assert sandbox.world.writes(remote.id) == 1


def test_an_edit_that_never_arrived_is_not_proven_by_anything(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS x")

    assert services.settle(mutation.pk, now=later()).state == State.CONFLICT


def test_the_same_text_saved_by_another_is_not_credited_to_us(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.world.edit_outside(remote.name, NEW_SQL, by="ben")
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS x", by="ben")

    assert services.settle(mutation.pk, now=later()).state == State.CONFLICT


def test_an_earlier_edit_of_ours_with_the_same_text_proves_nothing(sandbox, remote, asked):
    former = remote.sql
    services.send(asked().pk)
    services.send(asked(former, base={"query": NEW_SQL}).pk)
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    again = services.send(asked(base={"query": former}).pk)

    assert services.settle(again.pk, now=later()).state == State.DID_NOT_HAPPEN


@pytest.mark.parametrize("may_name", [True, False])
def test_a_clock_of_posthog_that_is_behind_needs_the_owner_of_the_key(may_name, sandbox, connection, remote, asked):
    scopes = ["warehouse_view:write", "activity_log:read"] + (["user:read"] if may_name else [])
    sandbox.world.add_key("phx_some_scopes_1", by="portal", scopes=scopes)
    connection.api_key = "phx_some_scopes_1"
    connection.save()
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)
    for entry in sandbox.world.log_of[remote.id]:
        entry.created_at -= 60
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS x", by="ben")

    settled = services.settle(mutation.pk, now=later())

    assert settled.state == (State.HAPPENED if may_name else State.CONFLICT)


def test_a_log_that_may_not_be_read_is_asked_once_and_nothing_is_guessed(sandbox, connection, remote, asked):
    sandbox.world.add_key("phx_some_scopes_1", by="portal", scopes=["warehouse_view:write"])
    connection.api_key = "phx_some_scopes_1"
    connection.save()
    for text in ("SELECT 9 AS x", "SELECT 10 AS x"):
        sandbox.world.faults.add(Fault("drop_after", "PATCH"))
        mutation = services.send(asked(base={"query": remote.sql}).pk)
        sandbox.world.edit_outside(remote.name, text, by="ben")
        assert services.settle(mutation.pk, now=later()).state == State.CONFLICT

    assert len(sandbox.world.requests_to("activity")) == 1


def test_a_log_that_does_not_answer_is_waited_for_and_then_done_without(sandbox, remote, lost):
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS x")
    sandbox.world.faults.add(Fault("status_500", "GET", "activity", times=None))

    waiting = services.settle(lost.pk, now=later())
    assert (waiting.state, results(lost)) == (State.UNCONFIRMED, ["asked", "unknown"])

    assert services.settle(lost.pk, now=later(timing.LOG_PATIENCE + 1)).state == State.CONFLICT


def test_the_owner_of_the_authors_own_key_is_who_the_log_names(sandbox, connection, remote, author, asked):
    from warehouse_admin.accounts.models import PersonalKey

    sandbox.world.add_key("phx_authors_own_key_1", by="chiara")
    PersonalKey.objects.create(user=author, connection=connection, api_key="phx_authors_own_key_1")
    connection.key_policy = "author_required"
    connection.save()
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked(credential="author").pk)
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS x", by="ben")

    assert services.settle(mutation.pk, now=later()).state == State.HAPPENED
