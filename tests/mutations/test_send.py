"""Sending: once, only onto the text the asker saw, every answer classified, all of it in the audit trail."""

from __future__ import annotations

import time

import pytest
from django.db import connection as database
from django.utils import timezone

from tests.mutations.conftest import NEW_SQL, at_once, results
from warehouse_admin.accounts.models import PersonalKey
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mutations import services
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog.client import Client
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.generations import GENERATIONS

State = Mutation.State


def sent_when_allowed(mutation: Mutation) -> Mutation:
    """Ask until the key's penalty, which every process heeds, is over."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        again(mutation)
        try:
            return services.send(mutation.pk)
        except NotYet:
            continue
    raise AssertionError("the penalty never ended")


def again(mutation: Mutation) -> None:
    """Let no wait stand in the way of the next attempt."""
    Mutation.objects.filter(pk=mutation.pk).update(not_before=None)


@pytest.mark.parametrize("generation", sorted(GENERATIONS))
def test_it_edits_the_view_once_and_records_what_was_sent_and_what_came_back(generation, sandbox, remote, asked):
    sandbox.world.set_generation(generation)
    before = remote.sql

    mutation = services.send(asked().pk)

    assert mutation.state == State.HAPPENED
    assert remote.sql == NEW_SQL
    assert sandbox.world.writes(remote.id) == 1
    assert (mutation.before["query"], mutation.after["query"]) == (before, NEW_SQL)
    assert mutation.remote["method"] == "PATCH"
    assert mutation.remote["path"].endswith(f"/warehouse_saved_queries/{remote.id}/")
    assert mutation.remote["status"] == 200
    assert mutation.remote["key"] == "connection"
    assert mutation.remote["token_before"] != mutation.remote["token_after"]
    assert len(mutation.remote["body_digest"]) == 64
    assert results(mutation) == ["asked", "ok"]
    entry = AuditEntry.objects.latest("sequence")
    assert entry.actor == mutation.actor
    assert entry.reason == "because"
    assert (entry.before["query"], entry.after["query"]) == (before, NEW_SQL)
    assert entry.remote["status"] == 200
    assert entry.remote["sent_with"] == "connection"
    assert entry.request_id == mutation.request_id
    assert not ObjectLock.objects.exists()


def test_the_intention_is_on_record_before_anything_leaves(sandbox, asked):
    mutation = asked()

    assert results(mutation) == ["asked"]
    assert sandbox.world.requests == []


def test_the_same_key_asks_once(asked):
    first = asked(idempotency_key="k")

    assert asked(idempotency_key="k") == first
    assert results(first) == ["asked"]


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": {"sql": "SELECT 1"}},
        {"object_id": "../../users/@me"},
        {"kind": "resume_schedules", "payload": {"ids": []}},
        {"kind": "resume_schedules", "payload": {"ids": ["not-a-uuid"]}},
    ],
)
def test_a_payload_that_must_never_be_sent_is_not_even_asked(asked, changes):
    with pytest.raises(ValueError):
        asked(**changes)

    assert not Mutation.objects.exists()


def test_sending_again_sends_nothing(sandbox, remote, asked):
    mutation = asked()
    for _ in range(3):
        services.send(mutation.pk)

    assert sandbox.world.writes(remote.id) == 1
    assert results(mutation) == ["asked", "ok"]


def test_an_outside_edit_since_is_a_conflict_and_nothing_is_sent(sandbox, remote, asked):
    mutation = asked()
    sandbox.world.edit_outside(remote.name, "SELECT 2 AS theirs")

    mutation = services.send(mutation.pk)

    assert mutation.state == State.CONFLICT
    assert mutation.after["query"] == "SELECT 2 AS theirs"
    assert mutation.sent_at is None
    assert sandbox.world.writes(remote.id) == 0
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize("generation", ["A", "B"])
def test_a_token_moved_by_another_field_is_no_conflict(generation, sandbox, remote, asked):
    sandbox.world.set_generation(generation)
    mutation = asked(base={"query": remote.sql, "latest_history_id": "00000000-0000-4000-8000-000000000000"})
    sandbox.world.set_cadence_outside(remote.name, "12hour")

    assert services.send(mutation.pk).state == State.HAPPENED
    assert sandbox.world.writes(remote.id) == 1


def test_an_edit_between_our_look_and_our_write_is_refused_by_posthog_and_becomes_a_conflict(
    sandbox, remote, asked, monkeypatch
):
    real = Client.request

    def interfering(self, method, path, **kwargs):
        if method == "PATCH":
            sandbox.world.edit_outside(remote.name, "SELECT 3 AS theirs")
        return real(self, method, path, **kwargs)

    monkeypatch.setattr(Client, "request", interfering)

    mutation = services.send(asked().pk)

    assert mutation.state == State.CONFLICT
    assert mutation.remote["status"] == 400
    assert mutation.after["query"] == "SELECT 3 AS theirs"
    assert remote.sql == "SELECT 3 AS theirs"
    assert results(mutation) == ["asked", "failed"]


def test_when_posthog_holds_it_already_nothing_is_sent(sandbox, remote, asked):
    mutation = asked()
    sandbox.world.edit_outside(remote.name, NEW_SQL)

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.HAPPENED, None)
    assert sandbox.world.writes(remote.id) == 0
    assert results(mutation) == ["asked", "ok"]
    assert "already held" in AuditEntry.objects.latest("sequence").remote["said"]


@pytest.mark.parametrize("retry_after", [1, None])
def test_slow_down_is_waited_out_and_then_sent_once(retry_after, sandbox, remote, asked):
    sandbox.world.faults.add(Fault("status_429", "PATCH", retry_after=retry_after))
    mutation = asked()

    with pytest.raises(NotYet) as wait:
        services.send(mutation.pk)
    mutation.refresh_from_db()

    assert wait.value.retry_after == (retry_after or 30)
    assert (mutation.state, mutation.sent_at) == (State.ASKED, None)
    assert mutation.not_before > timezone.now()
    with pytest.raises(NotYet):
        services.send(mutation.pk)
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) == 1
    assert sent_when_allowed(mutation).state == State.HAPPENED
    assert sandbox.world.writes(remote.id) == 1


def test_a_dead_key_refuses_with_a_sentence_and_sends_nothing(sandbox, remote, asked):
    sandbox.world.revoke_key(sandbox.key)

    mutation = services.send(asked().pk)

    assert mutation.state == State.REFUSED
    assert "API key" in mutation.error
    assert sandbox.key not in str(AuditEntry.objects.latest("sequence").remote)
    assert sandbox.world.writes(remote.id) == 0
    assert results(mutation) == ["asked", "failed"]


def test_what_posthog_refuses_is_told_in_its_own_words(sandbox, remote, asked):
    mutation = services.send(asked("SELECT * FROM no_such_table").pk)

    assert mutation.state == State.REFUSED
    assert "no_such_table" in mutation.error
    assert results(mutation) == ["asked", "failed"]


def test_a_view_that_is_gone_refuses(sandbox, remote, asked):
    mutation = asked()
    sandbox.world.delete_outside(remote.name)

    mutation = services.send(mutation.pk)

    assert mutation.state == State.REFUSED
    assert "no longer exists" in mutation.error


def test_a_server_that_cannot_be_reached_is_tried_again_and_then_given_up(sandbox, asked):
    mutation = asked()
    sandbox.stop()
    for _ in range(3):
        with pytest.raises(NotYet):
            services.send(mutation.pk)
        again(mutation)

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.NOT_SENT, None)
    assert "could not be reached" in mutation.error
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop_after", "PATCH"),
        Fault("drop_before", "PATCH"),
        Fault("status_500", "PATCH"),
        Fault("status_503_html", "PATCH", act=True),
        Fault("html_200", "PATCH", act=True),
        Fault("empty_200", "PATCH", act=True),
        Fault("truncated", "PATCH", length="full"),
    ],
    ids=lambda fault: fault.kind,
)
def test_no_trustworthy_answer_is_unconfirmed_and_never_sent_again(fault, sandbox, remote, asked):
    sandbox.world.faults.add(Fault(fault.kind, "PATCH", **fault.options))
    mutation = asked()

    mutation = services.send(mutation.pk)

    assert mutation.state == State.UNCONFIRMED
    assert mutation.finished_at is None
    assert results(mutation) == ["asked", "unknown"]
    assert ObjectLock.objects.get().mutation == mutation
    services.send(mutation.pk)
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) == 1


def test_a_read_back_that_fails_leaves_it_unconfirmed(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("status_500", "GET", remote.id, times=9, after=1))

    mutation = services.send(asked().pk)

    assert mutation.state == State.UNCONFIRMED
    assert "accepted" in mutation.error


def test_while_one_edit_of_a_view_is_open_another_waits(sandbox, remote, asked):
    sandbox.world.faults.add(Fault("drop_before", "PATCH"))
    services.send(asked().pk)
    second = asked("SELECT 2 AS two FROM stg_app_orders")

    with pytest.raises(NotYet):
        services.send(second.pk)

    second.refresh_from_db()
    assert (second.state, second.claim) == (State.ASKED, None)


def test_the_lock_of_a_finished_mutation_is_taken_over(connection, remote, asked):
    done = asked()
    Mutation.objects.filter(pk=done.pk).update(state=State.HAPPENED)
    ObjectLock.objects.create(connection=connection, object_id=remote.id, mutation=done)

    assert services.send(asked().pk).state == State.HAPPENED


def test_the_authors_own_key_is_used_where_the_connection_says_so(sandbox, connection, author, asked):
    sandbox.world.add_key("phx_authors_own_key_1", by="ana")
    PersonalKey.objects.create(user=author, connection=connection, api_key="phx_authors_own_key_1")
    connection.key_policy = "author_required"
    connection.save()

    mutation = services.send(asked(credential="author").pk)

    assert (mutation.state, mutation.credential, mutation.remote["key"]) == (State.HAPPENED, "author", "author")
    assert AuditEntry.objects.latest("sequence").remote["sent_with"] == "author"


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_own_key_that_posthog_rejects_is_said_to_be_its_owners_to_mend(sandbox, connection, author, asked, method):
    sandbox.world.add_key("phx_authors_own_key_1", by="ana")
    PersonalKey.objects.create(user=author, connection=connection, api_key="phx_authors_own_key_1")
    connection.key_policy = "author_required"
    connection.save()
    sandbox.world.faults.add(Fault("revoke_key", method=method))

    mutation = services.send(asked(credential="author").pk)

    assert (mutation.state, mutation.remote["key"]) == (State.REFUSED, "author")
    assert "rejected author's own API key (401). author has to store" in mutation.error
    assert "dministrator" not in mutation.error


def test_without_the_key_that_is_required_nothing_is_sent(sandbox, connection, remote, asked, author):
    connection.key_policy = "author_required"
    connection.save()

    mutation = services.send(asked(credential="author").pk)

    assert mutation.state == State.NOT_SENT
    assert "own PostHog key" in mutation.error
    assert sandbox.world.writes(remote.id) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_once(sandbox, remote, asked):
    mutation = asked()
    sandbox.world.latency = 0.05
    at_once(*[lambda: services.send(mutation.pk)] * 2)

    mutation.refresh_from_db()
    assert mutation.state == State.HAPPENED
    assert sandbox.world.writes(remote.id) == 1
    assert len(sandbox.world.requests_to(remote.id, "PATCH")) == 1
    assert results(mutation) == ["asked", "ok"]


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_posthog_is_spoken_to(asked, monkeypatch):
    real = Client.request
    seen: list[bool] = []

    def watching(self, method, path, **kwargs):
        seen.append(database.in_atomic_block)
        return real(self, method, path, **kwargs)

    monkeypatch.setattr(Client, "request", watching)
    services.send(asked().pk)

    assert seen == [False, False, False]  # look, write, read back


def test_exact_bytes_go_out_and_come_back(remote, asked):
    text = "SELECT '🦔 \\'quoted\\'' AS a,\r\n\t'é' AS b -- done\r\nFROM stg_app_orders\r\n"

    mutation = services.send(asked(text).pk)

    assert mutation.state == State.HAPPENED
    assert remote.sql == text
    assert mutation.after["query"] == text


def test_two_megabytes_go_through(remote, asked):
    text = "SELECT '" + "x" * (2 * 1024 * 1024 - 40) + "' AS a FROM stg_app_orders"

    assert services.send(asked(text).pk).state == State.HAPPENED
    assert remote.sql == text
