"""Without an answer PostHog is read until it tells; a killed worker loses nothing and sends nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.mutations.conftest import NEW_SQL, later, results
from warehouse_admin.mutations import outcome, send, services, timing
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog import writes
from warehouse_admin.sandbox.faults import Fault

State = Mutation.State
VIEWS_ONLY = "phx_sandbox_views"


class Killed(BaseException):
    """The worker process is gone: nothing of ours runs after it."""


def test_a_lost_answer_is_found_to_have_happened(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)

    mutation = services.settle(mutation.pk)

    assert mutation.state == State.HAPPENED
    assert mutation.after["query"] == NEW_SQL
    assert mutation.remote["settled"] is True
    assert results(mutation) == ["asked", "unknown", "ok"]
    assert sandbox.world.writes(remote.id) == 1
    assert not ObjectLock.objects.exists()


def test_did_not_happen_is_only_said_when_the_write_time_out_has_passed(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    mutation = services.send(asked().pk)

    early = services.settle(mutation.pk, now=later(60))
    assert early.state == State.UNCONFIRMED
    assert "can still land" in early.error

    settled = services.settle(mutation.pk, now=later())
    assert settled.state == State.DID_NOT_HAPPEN
    assert results(mutation) == ["asked", "unknown", "failed"]
    assert sandbox.world.writes(remote.id) == 0


def test_without_the_log_a_third_text_is_a_conflict_that_does_not_pretend_to_know(sandbox, connection, remote, asked):
    connection.api_key = VIEWS_ONLY
    connection.save()
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS theirs")

    settled = services.settle(mutation.pk, now=later())

    assert settled.state == State.CONFLICT
    assert settled.after["query"] == "SELECT 9 AS theirs"
    assert results(mutation) == ["asked", "unknown", "unknown"]


def test_a_view_deleted_meanwhile_is_a_conflict(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.world.delete_outside(remote.name)

    settled = services.settle(mutation.pk, now=later())

    assert settled.state == State.CONFLICT
    assert "gone" in settled.error


def test_an_unreachable_posthog_leaves_it_open(sandbox, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    mutation = services.send(asked().pk)
    sandbox.stop()

    looked = services.settle(mutation.pk, now=later())

    assert looked.state == State.UNCONFIRMED
    assert looked.looked_at is not None
    assert "could not be read" in looked.error
    assert results(mutation) == ["asked", "unknown"]


def test_the_sweep_looks_ever_more_rarely(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    services.send(asked().pk)
    now = timezone.now()

    def looks(seconds: float) -> int:
        seen = len(sandbox.world.requests_to(remote.id, "GET"))
        services.settle_due(now=now + timedelta(seconds=seconds))
        return len(sandbox.world.requests_to(remote.id, "GET")) - seen

    assert [looks(1), looks(10), looks(17)] == [1, 0, 1]


def test_reconcile_settles_and_says_so(sandbox, asked, capsys):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = services.send(asked().pk)

    call_command("reconcile", "--json")

    mutation.refresh_from_db()
    assert mutation.state == State.HAPPENED
    assert '"settled": 1' in capsys.readouterr().out.splitlines()[-1]


KILLED_AT = {
    "after the claim": (send, "_carry_out", "before"),
    "after the look": (send, "_mark_sent", "before"),
    "after writing down the sending": (send, "_mark_sent", "after"),
    "while the write is under way": (writes, "update_saved_query", "after"),
    "before the read-back": (send, "_read_back", "before"),
    "before the outcome": (outcome, "_record", "before"),
}


@pytest.mark.parametrize("step", KILLED_AT)
def test_a_worker_killed_at_any_step_loses_nothing_and_sends_once(step, sandbox, remote, asked, monkeypatch):
    mutation = asked()
    module, name, when = KILLED_AT[step]
    real = getattr(module, name)

    def dying(*args, **kwargs):
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        with pytest.raises(Killed):
            services.send(mutation.pk)

    sweeps = 0
    while mutation.state in Mutation.OPEN and sweeps < 4:
        services.settle(mutation.pk, now=later())
        mutation.refresh_from_db()
        if mutation.state == State.ASKED:
            services.send(mutation.pk)
        mutation.refresh_from_db()
        sweeps += 1

    sent_before_death = step not in ("after writing down the sending",)
    assert mutation.state == (State.HAPPENED if sent_before_death else State.DID_NOT_HAPPEN)
    assert sandbox.world.writes(remote.id) == (1 if sent_before_death else 0)
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) <= 1


def test_a_slow_worker_whose_claim_was_taken_sends_nothing(sandbox, remote, asked, monkeypatch):
    mutation = asked()
    real = send._mark_sent

    def overtaken(*args):
        services.settle(mutation.pk, now=later())  # the sweep gives the claim away
        return real(*args)

    monkeypatch.setattr(send, "_mark_sent", overtaken)
    assert services.send(mutation.pk).state == State.ASKED
    assert sandbox.world.writes(remote.id) == 0

    monkeypatch.setattr(send, "_mark_sent", real)
    assert services.send(mutation.pk).state == State.HAPPENED
    assert sandbox.world.writes(remote.id) == 1


def test_a_worker_that_is_still_at_it_is_left_alone(asked, monkeypatch):
    mutation = asked()
    monkeypatch.setattr(send, "_carry_out", lambda taken: taken)
    services.send(mutation.pk)

    assert services.settle(mutation.pk, now=later(timing.CLAIM_SECONDS - 5)).state == State.SENDING


@pytest.mark.parametrize("kind", ["run", "cancel"])
def test_an_act_whose_task_was_lost_is_sent_by_the_sweep_or_given_up_when_it_is_too_late(kind, sandbox, remote, asked):
    sandbox.world.set_generation("C")
    late, soon = asked(kind=kind, payload={}), asked(kind=kind, payload={})
    Mutation.objects.filter(pk=late.pk).update(asked_at=timezone.now() - timedelta(hours=1))

    services.settle_due(now=later())

    late.refresh_from_db(), soon.refresh_from_db()
    assert late.state == State.NOT_SENT
    assert soon.state in (State.HAPPENED, State.REFUSED)
    assert len(sandbox.world.requests_to(f"{remote.id}/{kind}", "POST")) == 1


def test_a_resume_is_accepted_without_being_believed_further(sandbox, asked):
    ids = [sandbox.world.view(name).id for name in ("int_order_margins", "int_sessions")]
    mutation = asked(kind="resume_schedules", payload={"ids": ids}, object_id="campaign", object_name="resume")

    mutation = services.send(mutation.pk)

    assert mutation.state == State.HAPPENED
    assert mutation.remote["status"] == 202
    assert [request.body for request in sandbox.world.requests_to("resume_schedules", "POST")]


def test_a_lost_answer_to_a_resume_is_settled_where_suspensions_can_be_read(sandbox, asked):
    view = sandbox.world.suspend("int_order_margins")
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = asked(kind="resume_schedules", payload={"ids": [view.id]}, object_id="campaign")
    assert services.send(mutation.pk).state == State.UNCONFIRMED

    assert services.settle(mutation.pk).state == State.HAPPENED
    assert len(sandbox.world.requests_to("resume_schedules", "POST")) == 1


def test_a_lost_answer_to_a_resume_stays_open_where_nothing_can_be_read(sandbox, asked):
    sandbox.world.set_generation("C")
    sandbox.world.faults.add(Fault("drop_before", "POST"))
    mutation = asked(kind="resume_schedules", payload={"ids": [sandbox.world.view("int_sessions").id]}, object_id="x")
    services.send(mutation.pk)

    assert services.settle(mutation.pk, now=later()).state == State.UNCONFIRMED


def test_waiting_for_the_lock_undoes_the_claim(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    first = services.send(asked().pk)
    second = asked("SELECT 2 AS two FROM stg_app_orders", base={"query": remote.sql})
    with pytest.raises(NotYet):
        services.send(second.pk)

    services.settle(first.pk, now=later())

    assert services.send(second.pk).state == State.HAPPENED
    assert sandbox.world.writes(remote.id) == 1


@pytest.mark.parametrize(("status", "told"), [("Running", True), ("Completed", False)])
def test_a_run_beside_one_that_is_under_way_is_said_to_start_nothing(status, told, sandbox, remote, asked):
    sandbox.world.set_generation("C")
    remote.status = status

    mutation = services.send(asked(kind="run", payload={}).pk)

    assert mutation.state == State.HAPPENED
    assert ("starts no second one" in mutation.remote.get("said", "")) is told
