"""From approved to applied: sent once whatever happens, and no outcome guessed."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.accounts import services as accounts
from warehouse_admin.changes import apply as applying
from warehouse_admin.changes import presenters, services
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import NotPermitted
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQueryVersion
from warehouse_admin.mutations import outcome, send, settle
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.generations import GENERATIONS

State = ChangeRequest.State


class Killed(BaseException):
    """The worker process is gone."""


def later(seconds: float = 71):
    return timezone.now() + timedelta(seconds=seconds)


@pytest.mark.parametrize("generation", sorted(GENERATIONS))
def test_the_last_approval_applies_it(generation, sandbox, remote, view, approved, author, reviewer):
    sandbox.world.set_generation(generation)
    before = remote.sql

    change = approved()

    assert change.state == State.APPLIED
    assert remote.sql == NEW_SQL
    assert sandbox.world.writes(remote.id) == 1
    assert change.apply_asked_by == reviewer
    assert (change.mutation.before["query"], change.mutation.after["query"]) == (before, NEW_SQL)
    view.refresh_from_db()
    assert view.query == NEW_SQL
    version = SavedQueryVersion.objects.filter(saved_query=view).first()
    assert (version.origin, version.change_number) == ("portal", change.pk)
    assert trail() == [
        ("change.created", "ok"),
        ("change.submitted", "ok"),
        ("change.approved", "ok"),
        ("change.apply_asked", "ok"),
        ("saved_query.edit_query", "asked"),
        ("saved_query.edit_query", "ok"),
        ("change.applied", "ok"),
    ]


def test_a_double_click_on_approve_applies_once(sandbox, remote, approved, reviewer, committed):
    change = approved()

    with committed():
        assert services.approve(change, reviewer).state == State.APPLIED

    assert sandbox.world.writes(remote.id) == 1
    assert change.votes.count() == 1


def test_by_hand_it_waits_for_an_operator(connection, sandbox, remote, approved, operator, reviewer, committed):
    connection.apply_policy = "manual"
    connection.save()
    change = approved()
    assert (change.state, change.mutation) == (State.APPROVED, None)
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPROVED
    with pytest.raises(NotPermitted):
        services.apply(change, reviewer)

    with committed():
        services.apply(change, operator)
    with pytest.raises(StateForbids, match="applied already"):
        services.apply(change, operator)

    change.refresh_from_db()
    assert (change.state, change.apply_asked_by) == (State.APPLIED, operator)
    assert sandbox.world.writes(remote.id) == 1


def test_an_unconfirmed_change_stays_so_while_posthog_cannot_be_read(connection, sandbox, remote, approved):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    change = approved()
    sandbox.world.revoke_key(sandbox.key)
    accounts.check_connection(connection)
    sandbox.world.requests.clear()
    settle.settle_due(now=later(), everything=True)
    services.settle_open(now=later())
    change.refresh_from_db()
    assert (change.state, sandbox.world.requests) == (State.UNCONFIRMED, [])

    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(connection)
    services.settle_open(now=later(9999))
    change.refresh_from_db()
    assert (change.state, sandbox.world.writes(remote.id)) == (State.APPLIED, 1)


def test_an_outside_edit_makes_it_need_a_rebase_and_overwrites_nothing(sandbox, remote, proposed, approved):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 7 AS theirs")

    change = approved(change=change)

    assert change.state == State.NEEDS_REBASE
    assert change.remote["query"] == "SELECT 7 AS theirs"
    assert remote.sql == "SELECT 7 AS theirs"
    assert sandbox.world.writes(remote.id) == 0
    assert trail("change.")[-1] == ("change.needs_rebase", "failed")


def test_a_rebase_is_reviewed_anew_on_what_posthog_holds(sandbox, remote, proposed, approved, author, reviewer):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 7 AS theirs")
    change = approved(change=change)

    change = services.rebase(change, author, "SELECT 7 AS theirs, 1 AS one")

    assert (change.state, change.revision_number, change.remote) == (State.IN_REVIEW, 2, None)
    assert change.revisions.get(number=2).base["query"] == "SELECT 7 AS theirs"
    assert presenters.cast_votes(change, change.revisions.get(number=2))[0]["counts"] is False
    assert approved(change=change).state == State.APPLIED
    assert remote.sql == "SELECT 7 AS theirs, 1 AS one"


def test_a_rebase_onto_the_very_text_closes_it(sandbox, remote, proposed, approved, author):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 7 AS theirs")
    change = approved(change=change)

    assert services.rebase(change, author, "SELECT 7 AS theirs").state == State.SUPERSEDED


def test_it_is_superseded_when_somebody_else_did_the_same(sandbox, remote, proposed, approved, view):
    change = proposed()
    sandbox.world.edit_outside(remote.name, NEW_SQL)

    change = approved(change=change)

    assert change.state == State.SUPERSEDED
    assert sandbox.world.writes(remote.id) == 0
    assert SavedQueryVersion.objects.filter(saved_query=view).first().origin == "outside"


def test_a_refusal_keeps_the_approval_for_another_try(connection, sandbox, remote, approved, operator, committed):
    sandbox.world.faults.add(Fault("revoke_key", "PATCH"))
    change = approved()
    assert change.state == State.FAILED
    assert "API key" in change.problem
    assert trail("change.")[-1] == ("change.failed", "failed")
    sandbox.world.requests.clear()
    with pytest.raises(StateForbids, match="PostHog refuses the API key of Demo"):
        services.apply(change, operator)
    assert sandbox.world.requests == []

    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(connection)
    with committed():
        services.apply(change, operator)

    change.refresh_from_db()
    assert (change.state, change.attempts) == (State.APPLIED, 2)
    assert sandbox.world.writes(remote.id) == 1


def test_posthogs_own_words_are_shown(approved):
    change = approved("SELECT * FROM no_such_table_anywhere")

    assert change.state == State.FAILED
    assert "no_such_table_anywhere" in change.problem


def test_a_lost_answer_is_unconfirmed_and_then_found_applied(sandbox, remote, approved, view):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    change = approved()
    assert change.state == State.UNCONFIRMED

    services.settle_open()
    services.settle_open()

    change.refresh_from_db()
    view.refresh_from_db()
    assert (change.state, view.query) == (State.APPLIED, NEW_SQL)
    assert sandbox.world.writes(remote.id) == 1
    assert trail("change.")[-2:] == [("change.unconfirmed", "unknown"), ("change.applied", "ok")]


def test_a_request_that_never_arrived_goes_back_to_approved_after_the_time_out(
    sandbox, remote, approved, operator, committed
):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    change = approved()
    services.settle_open(now=later(60))
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED

    services.settle_open(now=later(90))
    change.refresh_from_db()
    assert change.state == State.APPROVED
    assert "did not happen" in change.problem
    services.settle_open(now=later(300))
    assert sandbox.world.writes(remote.id) == 0, "nobody resends by themselves"

    with committed():
        services.apply(change, operator)
    change.refresh_from_db()
    assert change.state == State.APPLIED


def test_slow_down_keeps_it_applying_and_the_sweep_goes_on(sandbox, remote, approved):
    sandbox.world.faults.add(Fault("status_429", "PATCH", retry_after=3600))
    change = approved()
    assert change.state == State.APPLYING
    assert "rate limit" in change.problem

    services.settle_open()

    change.refresh_from_db()
    assert change.state == State.APPLYING
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) == 1


def test_one_change_that_cannot_be_advanced_holds_up_no_other(sandbox, proposed, approved, monkeypatch):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    first = approved()
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    second = approved("SELECT 2 AS two")
    real = applying._finish

    def broken(change, mutation):
        if change.pk == first.pk:
            raise RuntimeError("a bug")
        real(change, mutation)

    monkeypatch.setattr(applying, "_finish", broken)
    for _ in range(2):
        services.settle_open(now=later())

    first.refresh_from_db(), second.refresh_from_db()
    assert first.state == State.UNCONFIRMED
    assert second.state == State.APPLIED


def test_redelivery_does_nothing_twice(sandbox, remote, approved):
    change = approved()
    for _ in range(2):
        services.advance(change.pk)

    assert sandbox.world.writes(remote.id) == 1
    assert trail("change.applied") == [("change.applied", "ok")]


@pytest.mark.django_db(transaction=True)
def test_two_workers_apply_once(sandbox, remote, proposed, reviewer, monkeypatch):
    change = proposed()
    monkeypatch.setattr(applying, "_queue", lambda change_id: None)
    services.approve(change, reviewer)
    sandbox.world.latency = 0.05
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        try:
            services.advance(change.pk)
        finally:
            database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    change.refresh_from_db()
    assert change.state == State.APPLIED
    assert sandbox.world.writes(remote.id) == 1
    assert trail("change.applied") == [("change.applied", "ok")]


KILLED_AT = {
    "before it is queued": (applying, "_queue", "before", 1),
    "before the claim of the mutation": (send, "_claim", "before", 1),
    "after the claim": (send, "_carry_out", "before", 1),
    "before the sending is written down": (send, "_mark_sent", "before", 1),
    "after the sending is written down": (send, "_mark_sent", "after", 0),
    "while the write is under way": (writes, "update_saved_query", "after", 1),
    "before the read-back": (send, "_read_back", "before", 1),
    "before the outcome": (outcome, "_record", "second", 1),
    "before the mirror is told": (mirror, "store_read_back", "live", 1),
    "before the change is told": (applying, "_happened", "before", 1),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", KILLED_AT)
def test_a_worker_killed_at_any_step_is_taken_over_and_sends_once(
    step, sandbox, remote, view, proposed, reviewer, monkeypatch
):
    change = proposed()
    module, name, when, writes_expected = KILLED_AT[step]
    real = getattr(module, name)
    calls = []

    def dying(*args, **kwargs):
        calls.append(1)
        if when == "second" and len(calls) == 1:
            return real(*args, **kwargs)  # the first is the "asked" of the approval itself
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        with pytest.raises(Killed):
            services.approve(change, reviewer)

    for _ in range(4):
        services.settle_open(now=later())
    change.refresh_from_db()

    assert sandbox.world.writes(remote.id) == writes_expected
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) == writes_expected
    assert change.state == (State.APPLIED if writes_expected else State.APPROVED)
    assert Mutation.objects.count() == 1
    view.refresh_from_db()
    assert view.query == remote.sql or not writes_expected


@pytest.mark.parametrize(
    ("sent", "said"),
    [(None, "no background worker has taken it up"), (30, "It was sent and no answer has come yet"), (5, "")],
    ids=["never sent", "no answer", "just sent"],
)
def test_what_takes_long_says_why(proposed, reviewer, client_of, sent, said):
    """Approved while no worker runs, or while the one that sent it was stopped."""
    change = services.approve(proposed(), reviewer)
    asked_at = timezone.now() - timedelta(minutes=1)
    sent_at = timezone.now() - timedelta(seconds=sent) if sent else None
    state = Mutation.State.SENDING if sent else Mutation.State.ASKED
    Mutation.objects.filter(pk=change.mutation_id).update(asked_at=asked_at, sent_at=sent_at, state=state)

    page = client_of(reviewer).get(f"/changes/{change.pk}/status/").content.decode()

    assert (said or "It is being applied.") in page
    assert ("It is being applied." in page) is not bool(said)
