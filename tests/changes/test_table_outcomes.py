"""What becomes of changes of tables when answers are lost, workers killed, or somebody was there first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.changes.conftest import trail
from tests.changes.tables import (
    KEYS,
    NEW,
    OWN,
    SECRET,
    body_of,
    kept_keys,
    leaks_in_database,
    planted_in,
    the,
    writes,
)
from tests.mutations.conftest import later
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import Role
from warehouse_admin.changes import services
from warehouse_admin.changes.errors import SentAlready, StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mutations import send as gate
from warehouse_admin.mutations.models import Credential, Mutation
from warehouse_admin.mutations.services import Entered
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

State = ChangeRequest.State
EVERYWHERE = ("A", "B", "C", "D")
Warehouse = Callable[[str], Connection]


def test_a_lost_answer_to_a_create_makes_one_table(proposed_table, reviewer, committed, sandbox):
    change = proposed_table()
    sandbox.world.faults.add(Fault("drop_after", "POST", "warehouse_tables"))
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED
    assert kept_keys() == [], "it left: it is never sent again"

    services.settle_open()

    change.refresh_from_db()
    assert (change.state, change.problem) == (State.APPLIED, "")
    assert change.table == the(NEW["name"])
    assert len(writes(sandbox)) == 1
    assert len([table for table in sandbox.world.tables.values() if table.name == NEW["name"]]) == 1
    assert trail("table") == [("table.create_table", one) for one in ("asked", "unknown", "ok")]


@pytest.mark.parametrize("kind", ["status_500", "status_503_html", "truncated"])
def test_a_failure_after_the_table_was_made_is_found_to_have_happened(
    kind, proposed_table, reviewer, committed, sandbox
):
    change = proposed_table()
    sandbox.world.faults.add(Fault(kind, "POST", "warehouse_tables", act=True))
    with committed():
        services.approve(change, reviewer)

    services.settle_open()

    change.refresh_from_db()
    assert (change.state, len(writes(sandbox))) == (State.APPLIED, 1)


def test_a_create_that_never_arrived_waits_for_keys_and_is_not_sent_again(
    proposed_table, author, operator, reviewer, approve, committed, sandbox
):
    change = proposed_table()
    sandbox.world.faults.add(Fault("drop_before", "POST", "warehouse_tables"))
    with committed():
        services.approve(change, reviewer)
    services.settle_open(now=later())
    change.refresh_from_db()
    assert (change.state, change.mutation.state) == (State.FAILED, Mutation.State.DID_NOT_HAPPEN)
    with pytest.raises(StateForbids, match="enter them anew"):
        services.apply(change, operator)
    services.settle_open(now=later(600))
    assert len(writes(sandbox)) == 1

    change = services.revise(change, author, credential=KEYS, revision=1)

    assert approve(change).state == State.APPLIED
    assert len([table for table in sandbox.world.tables.values() if table.name == NEW["name"]]) == 1


def test_a_table_of_the_name_that_was_there_before_is_not_taken_for_ours(proposed_table, reviewer, committed, sandbox):
    change = proposed_table()
    sandbox.world.faults.add(Fault("drop_before", "POST", "warehouse_tables"))
    sandbox.world.faults.add(Fault("slow", "GET", "never"))
    with committed():
        services.approve(change, reviewer)
    other = _make_outside(sandbox, url_pattern="https://other.example.com/*.csv")

    services.settle_open(now=later())

    change.refresh_from_db()
    assert (change.state, change.mutation.state) == (State.FAILED, Mutation.State.CONFLICT)
    assert change.table is None
    assert [table.id for table in sandbox.world.tables.values() if table.name == NEW["name"]] == [other.id]


def test_a_table_that_was_made_and_renamed_meanwhile_is_not_made_again(proposed_table, reviewer, committed, sandbox):
    change = proposed_table()
    sandbox.world.faults.add(Fault("drop_after", "POST", "warehouse_tables"))
    with committed():
        services.approve(change, reviewer)
    sandbox.world.table_by_name(NEW["name"]).name = "renamed_at_once"
    sandbox.world.reindex()

    services.settle_open(now=later())

    change.refresh_from_db()
    assert change.state == State.FAILED
    assert "not certainly" in change.problem
    assert len(writes(sandbox)) == 1


def _make_outside(sandbox: SandboxServer, **values: str) -> Any:
    from warehouse_admin.sandbox.models import Table

    table = Table(sandbox.world.new_id(), NEW["name"], "CSV", values["url_pattern"], 2, sandbox.world.now())
    sandbox.world.add_table(table)
    return table


@pytest.mark.parametrize("at", ["before the claim", "after the claim", "after it was marked as sent", "after the call"])
def test_a_worker_killed_at_any_step_makes_one_table_or_none(
    at, proposed_table, reviewer, committed, sandbox, monkeypatch
):
    change = proposed_table()

    class Killed(BaseException):
        pass

    def killed(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    def killed_after_call(*args: Any, **kwargs: Any) -> Any:
        gate.kind_of(args[0]).write(args[1], args[0], args[2])
        raise Killed

    where = {
        "before the claim": ("_claim", killed),
        "after the claim": ("_carry_out", killed),
        "after it was marked as sent": ("_write", killed),
        "after the call": ("_write", killed_after_call),
    }[at]
    with monkeypatch.context() as patch:
        patch.setattr(gate, *where)
        with pytest.raises(Killed), committed():
            services.approve(change, reviewer)

    for seconds in (61, 150, 300, 450):
        services.settle_open(now=later(seconds))
    change.refresh_from_db()

    there = [table for table in sandbox.world.tables.values() if table.name == NEW["name"]]
    if at == "after it was marked as sent":
        assert (change.state, there) == (State.FAILED, []), "its author enters the keys anew"
    else:
        assert (change.state, len(there)) == (State.APPLIED, 1)
    assert kept_keys() == [] and leaks_in_database() == []


def test_rate_limited_it_keeps_the_keys_until_it_was_sent(proposed_table, reviewer, committed, sandbox):
    change = proposed_table()
    sandbox.world.faults.add(Fault("status_429", "POST", "warehouse_tables", retry_after=1))
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert (change.state, len(kept_keys())) == (State.APPLYING, 1)

    time.sleep(1.1)
    Mutation.objects.update(not_before=None)
    services.settle_open()

    change.refresh_from_db()
    assert change.state == State.APPLIED
    assert kept_keys() == []


def test_refused_by_the_bucket_it_fails_and_forgets_the_keys(proposed_table, approve, operator, sandbox):
    change = approve(proposed_table(url_pattern="https://denied.example.com/*.csv"))

    assert change.state == State.FAILED
    assert "Access Denied for" in change.problem and planted_in(change.problem) == []
    assert kept_keys() == []
    with pytest.raises(StateForbids, match="enter them anew"):
        services.apply(change, operator)


def test_a_double_click_makes_one_change_and_other_keys_are_not_lost_in_silence(proposed_table):
    change = proposed_table(nonce="form")
    assert proposed_table(nonce="form") == change
    assert Credential.objects.count() == 1
    with pytest.raises(SentAlready):
        proposed_table(nonce="form", credential=Entered("other", "keys"))


def test_two_reviewers_at_once_send_it_once(proposed_table, reviewer, person, committed, sandbox):
    change = proposed_table()
    with committed():
        services.approve(change, reviewer)
    with pytest.raises(StateForbids), committed():
        services.approve(change, person("second", Role.REVIEWER))
    for _ in range(3):
        services.advance(change.pk)
    assert len(writes(sandbox)) == 1


def test_a_moved_base_needs_a_rebase_and_the_rebase_needs_the_keys(synced, author, approve, carried_out, sandbox):
    table = the(OWN)
    fields: dict[str, Any] = {"reason": "because", "submit": True, "format": "CSV", "credential": KEYS}
    change = services.create(author=author, action="update_table", table=table, **fields)
    sandbox.world.table_by_name(OWN).url_pattern = "https://files.example.com/moved/*.csv"

    change = approve(change)

    assert change.state == State.NEEDS_REBASE
    assert "pattern" in change.problem and "Nothing was sent" in change.problem
    assert writes(sandbox) == [] and kept_keys() == []
    table.refresh_from_db()
    assert table.url_pattern == "https://files.example.com/moved/*.csv", "the mirror learned of it"
    change = services.rebase(change, author)
    assert change.state == State.IN_REVIEW
    assert approve(change).state == State.APPROVED, "held up: its keys are gone"
    change = services.revise(change, author, credential=KEYS, revision=2)
    change = approve(change)
    assert (change.state, change.problem) == (State.APPLIED, "")
    assert body_of(writes(sandbox)[-1])["credential"]["access_secret"] == SECRET


@pytest.mark.parametrize(
    ("action", "fields", "fault"),
    [
        ("update_table", {"url_pattern": "https://files.example.com/new/*.csv"}, "drop_after"),
        ("delete_table", {}, "drop_after"),
        ("refresh_schema", {}, "drop_after"),
    ],
)
def test_a_lost_answer_to_another_write_is_settled_by_reading(
    action, fields, fault, generation, author, reviewer, committed, sandbox
):
    generation("D")
    table = the("marketing_spend")
    change = services.create(author=author, action=action, table=table, reason="because", submit=True, **fields)
    method = {"update_table": "PATCH", "delete_table": "DELETE", "refresh_schema": "POST"}[action]
    sandbox.world.faults.add(Fault(fault, method, "warehouse_tables", act=True))
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED

    services.settle_open()

    change.refresh_from_db()
    assert (change.state, change.problem, len(writes(sandbox))) == (State.APPLIED, "", 1)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_of_keys_alone_nobody_can_tell_without_an_answer(fault, synced, author, reviewer, committed, sandbox):
    fields: dict[str, Any] = {"table": the(OWN), "reason": "because", "submit": True, "credential": KEYS}
    change = services.create(author=author, action="update_table", **fields)
    sandbox.world.faults.add(Fault(fault, "PATCH", "warehouse_tables"))
    with committed():
        services.approve(change, reviewer)
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED, "a late request can still land"

    services.settle_open(now=later())

    change.refresh_from_db()
    assert change.state == State.NEEDS_REBASE
    assert "shows no keys" in change.problem
    assert trail("table")[-1] == ("table.update_table", "unknown")
