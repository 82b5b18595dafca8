"""Changes of warehouse tables, from the proposal to PostHog, on every generation; and what becomes of their keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from tests.changes.conftest import trail
from tests.changes.tables import (
    KEYS,
    NEW,
    OWN,
    SECRET,
    SOURCED,
    STORAGE,
    kept_keys,
    leaks_in_database,
    planted_in,
)
from tests.mutations.conftest import later
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.presenters import sentence
from warehouse_admin.changes import expiry, services
from warehouse_admin.changes.errors import SentAlready, StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations import send as gate
from warehouse_admin.mutations.models import Credential, Mutation
from warehouse_admin.mutations.services import Entered
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

State = ChangeRequest.State
EVERYWHERE = ("A", "B", "C", "D")
Warehouse = Callable[[str], Connection]


def the(name: str) -> WarehouseTable:
    return WarehouseTable.objects.present().get(name=name)


def writes(sandbox: SandboxServer) -> list[Any]:
    return [request for request in sandbox.world.requests if request.method != "GET"]


def body_of(request: Any) -> Any:
    return request.body


@pytest.fixture
def reader(generation: Warehouse, sandbox: SandboxServer) -> Callable[[str], Connection]:
    """A server of a generation on which one view reads the own table, mirrored and parsed."""

    def make(name: str) -> Connection:
        connection = generation(name)
        sandbox.world.create_outside("reads_rates", f"SELECT currency FROM {OWN}", by="ben")
        sync(connection, "full")
        lineage.refresh(connection)
        return connection

    return make


@pytest.fixture
def proposed_table(synced: Connection, author: User) -> Callable[..., ChangeRequest]:
    """A change that makes a table, in review unless said."""

    def make(**fields: Any) -> ChangeRequest:
        given = {"reason": "because", "submit": True, "connection": synced, **NEW, "credential": KEYS, **fields}
        return services.create(author=author, action="create_table", **given)

    return make


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_table_is_created_once_with_its_keys_and_mirrored(name, generation, carried_out, sandbox):
    connection = generation(name)

    change = carried_out("create_table", connection=connection, **NEW, credential=KEYS)

    assert (change.state, change.problem) == (State.APPLIED, "")
    [sent] = writes(sandbox)
    assert body_of(sent)["credential"] == {"access_key": KEYS.access_key, "access_secret": SECRET}
    assert change.table is not None and change.saved_query is None
    assert (change.table.name, change.table.format) == (NEW["name"], NEW["format"])
    assert change.table.has_credential
    assert trail("table") == [("table.create_table", "asked"), ("table.create_table", "ok")]
    assert kept_keys() == [] and leaks_in_database() == []


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_table_is_changed_and_put_back(name, reader, carried_out, approve, author, sandbox):
    reader(name)
    table = the(OWN)
    change = carried_out("update_table", table=table, name="fx_rates", url_pattern="https://files.example.com/fx/*.csv")
    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.table_by_name("fx_rates").url_pattern == "https://files.example.com/fx/*.csv"
    table.refresh_from_db()
    assert table.name == "fx_rates"
    assert [body_of(request) for request in writes(sandbox)] == [
        {"name": "fx_rates", "url_pattern": "https://files.example.com/fx/*.csv"}
    ]

    back = approve(services.rollback(change, author, "it broke"))

    assert (back.action, back.state, back.problem) == ("update_table", State.APPLIED, "")
    remote = sandbox.world.table_by_name(OWN)
    assert remote.url_pattern == "https://hg-finance.s3.eu-central-1.amazonaws.com/fx/*.csv"


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_table_is_deleted_and_says_beforehand_that_nothing_brings_it_back(
    name, reader, carried_out, author, sandbox, client_of
):
    reader(name)
    table = the(OWN)
    page = client_of(author).get(f"/tables/{table.posthog_id}/propose/delete_table/").content.decode()
    assert "no rollback can make it again" in page and "reads_rates" in page

    change = carried_out("delete_table", table=table)

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.table_by_name(OWN) is None
    table.refresh_from_db()
    assert table.deleted_at is not None
    assert change.revisions.get().item.dependents == ["reads_rates", "stg_fx_rates"]
    assert trail("table") == [("table.delete_table", "asked"), ("table.delete_table", "ok")]
    with pytest.raises(StateForbids, match="without its keys"):
        services.rollback(change, author, "want it back")


def test_columns_are_read_anew_where_the_server_lets_a_key_do_that(generation, carried_out, author, sandbox):
    generation("D")
    table = the("marketing_spend")
    assert [column["name"] for column in table.columns if column["valid"] is False] == ["impressions"]

    change = carried_out("refresh_schema", table=table)

    assert (change.state, change.problem) == (State.APPLIED, "")
    table.refresh_from_db()
    assert not [column for column in table.columns if column["valid"] is False]
    seen = table.columns_changes.get()
    assert seen.change_number == change.pk
    assert services.inverse(change).impossible


@pytest.mark.parametrize(("name", "action"), [("A", "refresh_schema"), ("C", "refresh_schema"), ("D", "update_schema")])
def test_what_a_server_offers_to_no_key_is_refused_with_the_reason(name, action, generation, author, sandbox):
    generation(name)
    fields = {"columns": {"impressions": "float"}} if action == "update_schema" else {}

    with pytest.raises(UserError, match="only a person signed in to PostHog can") as refused:
        services.create(author=author, action=action, table=the("marketing_spend"), reason="because", **fields)

    assert refused.value.status == 409 and refused.value.blockers
    assert writes(sandbox) == []


def test_column_types_are_changed_and_put_back_where_a_server_offers_it(
    generation, carried_out, approve, author, sandbox
):
    connection = generation("D")
    offered = {**sandbox.world.generation.key_actions, "update_schema": "warehouse_table:write"}
    sandbox.world.generation = replace(sandbox.world.generation, key_actions=offered)
    accounts.learn(connection, "update_schema", None)
    table = the("marketing_spend")

    change = carried_out("update_schema", table=table, columns={"impressions": "float"})

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert body_of(writes(sandbox)[-1]) == {"updates": {"impressions": "float"}}
    table.refresh_from_db()
    assert {column["name"]: column["type"] for column in table.columns}["impressions"] == "float"
    back = approve(services.rollback(change, author, "no"))
    assert back.state == State.APPLIED
    assert body_of(writes(sandbox)[-1]) == {"updates": {"impressions": "integer"}}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({}, "which columns"),
        ({"nothing": "float"}, "no column nothing"),
        ({"impressions": "money"}, "no type money"),
    ],
)
def test_types_are_checked_before_anybody_reviews_them(columns, told, synced, author):
    with pytest.raises(InvalidInput, match=told) as wrong:
        services.create(author=author, action="update_schema", table=the("marketing_spend"), columns=columns)
    assert "columns" in wrong.value.errors


@pytest.mark.parametrize(("name", "told"), [(SOURCED, "belongs to Stripe"), (STORAGE, "materialized view")])
@pytest.mark.parametrize("action", ["update_table", "delete_table", "refresh_schema", "update_schema"])
def test_a_table_that_is_kept_by_something_else_is_locked(action, name, told, synced, author, sandbox):
    with pytest.raises(UserError, match=told) as refused:
        services.create(author=author, action=action, table=the(name), reason="because", submit=True)

    assert refused.value.status == 409 and refused.value.blockers
    assert not ChangeRequest.objects.exists()


BAD = [
    ({"name": ""}, "name", "Give it a name"),
    ({"name": "x" * 129}, "name", "At most 128"),
    ({"name": "a\tb"}, "name", "not seen"),
    ({"name": OWN}, "name", "a warehouse table finance_fx_rates already"),
    ({"name": "stg_app_orders"}, "name", "a view stg_app_orders already"),
    ({"name": "events"}, "name", "of its own"),
    ({"format": "XLS"}, "format", "Use one of CSV"),
    ({"url_pattern": "http://files.example.com/x"}, "url_pattern", "https://"),
    ({"url_pattern": "https://localhost/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://10.0.0.1/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://169.254.169.254/latest"}, "url_pattern", "internal"),
    ({"url_pattern": "https://2130706433/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://0x7f.1/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://[::ffff:127.0.0.1]/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://[2002:7f00:1::]/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://224.0.0.1/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://db.internal/x"}, "url_pattern", "internal"),
    ({"url_pattern": "https://bucket/x"}, "url_pattern", "cannot be found"),
    ({"url_pattern": "https://me:pw@files.example.com/x"}, "url_pattern", "Leave user name and password out"),
    ({"url_pattern": "https://files.example.com/x?X-Amz-Signature=abc"}, "url_pattern", "signature"),
    ({"url_pattern": "https://files.example.com/a b"}, "url_pattern", "spaces"),
    ({"url_pattern": "https://files.example.com/" + "x" * 500}, "url_pattern", "At most 500"),
    ({"url_pattern": "https://[bad/x"}, "url_pattern", "no address"),
    ({"credential": Entered("", SECRET)}, "credential.access_key", "can't be blank"),
    ({"credential": Entered("key", "  ")}, "credential.access_secret", "can't be blank"),
    ({"credential": Entered("key", "a\nb")}, "credential.access_secret", "not seen"),
    ({"credential": None}, "credential", "required"),
]


@pytest.mark.parametrize(
    ("changes", "field", "told"), BAD, ids=[f"{case[1]}-{place}" for place, case in enumerate(BAD)]
)
def test_bad_input_is_told_by_field_and_keeps_nothing(changes, field, told, proposed_table, sandbox):
    with pytest.raises(InvalidInput) as wrong:
        proposed_table(**changes)

    assert told in wrong.value.errors[field][0]
    assert not ChangeRequest.objects.exists() and not Credential.objects.exists()
    assert writes(sandbox) == []


def test_every_way_a_change_ends_wipes_its_keys(proposed_table, author, reviewer, person, synced):
    admin = person("boss", Role.ADMIN)

    def ends(how: Callable[[ChangeRequest], Any], state: str) -> None:
        change = proposed_table(name=f"t_{state}")
        assert len(kept_keys()) == 1
        how(change)
        change.refresh_from_db()
        assert change.state == state
        assert kept_keys() == [], state

    ends(lambda change: services.withdraw(change, author), "withdrawn")
    ends(lambda change: services.reject(change, reviewer, "no"), "rejected")
    ends(lambda change: services.withdraw(change, admin, "stale"), "withdrawn")
    ends(lambda change: _expire(change), "expired")
    assert all(kept.access_key is None and kept.wiped_because for kept in Credential.objects.all())


def _expire(change: ChangeRequest) -> None:
    services.expire_idle(now=timezone.now() + expiry.LIFE * 2)


def test_a_revision_replaces_the_keys_and_voids_the_vote(proposed_table, author, reviewer, synced):
    Connection.objects.update(apply_policy=Connection.ApplyPolicy.MANUAL)
    change = proposed_table()
    services.approve(change, reviewer)
    first = Credential.objects.get()

    change = services.revise(change, author, credential=Entered("other", "other-secret"), revision=1)

    first.refresh_from_db()
    assert (first.access_key, first.wiped_because) == (None, "a newer revision")
    [kept] = kept_keys()
    assert kept.access_secret == "other-secret"
    assert change.state == State.IN_REVIEW, "another pair of keys is another meaning"


def test_an_edit_without_keys_leaves_those_that_were_entered(proposed_table, author):
    change = proposed_table()
    services.revise(change, author, url_pattern="https://files.example.com/other/*.csv", revision=1)
    assert [kept.access_secret for kept in kept_keys()] == [SECRET]


def test_reopened_it_needs_its_keys_anew(proposed_table, author):
    change = proposed_table()
    services.withdraw(change, author)
    change = services.reopen(change, author)

    with pytest.raises(StateForbids, match="enter them anew"):
        services.submit(change, author)

    services.revise(change, author, credential=KEYS, revision=1)
    assert services.submit(change, author).state == State.IN_REVIEW


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


def test_a_table_without_keys_cannot_be_given_any(synced, author, sandbox):
    remote = sandbox.world.table_by_name(OWN)
    remote.credential = None

    with pytest.raises(UserError, match="no credential in PostHog"):
        fields: dict[str, Any] = {"reason": "because", "submit": True, "credential": KEYS}
        services.create(author=author, action="update_table", table=the(OWN), **fields)

    assert writes(sandbox) == [] and kept_keys() == []


def test_the_inbox_tells_what_was_done_here(synced, carried_out):
    change = carried_out("create_table", connection=synced, **NEW, credential=KEYS)

    activity.ingest(synced)

    entry = ActivityEntry.objects.get(kind="table_created")
    told = f"author created the table {NEW['name']} here through change #{change.pk}"
    assert (sentence(entry), entry.needs_review) == (told, False)


def test_a_view_that_came_to_read_it_asks_for_a_new_review(synced, author, reviewer, committed, sandbox):
    change = services.create(author=author, action="delete_table", table=the(OWN), reason="because", submit=True)
    sandbox.world.create_outside("reads_rates", f"SELECT currency FROM {OWN}", by="ben")
    sync(synced, "full")
    lineage.refresh(synced)

    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert "reads_rates" in change.problem
    assert writes(sandbox) == []


def test_only_those_who_may_propose_do(synced, viewer, outsider):
    for user in (viewer, outsider):
        with pytest.raises(NotPermitted):
            services.create(author=user, action="delete_table", table=the(OWN), reason="because")
    assert not ChangeRequest.objects.exists()


def test_an_action_on_a_table_needs_a_table_and_no_view(synced, author, view: Any):
    for fields, at_fault in [({}, "table"), ({"saved_query": view}, "saved_query")]:
        with pytest.raises(InvalidInput) as wrong:
            services.create(author=author, action="delete_table", reason="because", **fields)
        assert at_fault in wrong.value.errors


@pytest.fixture
def view(synced: Connection) -> Any:
    from warehouse_admin.mirror.models import SavedQuery

    return SavedQuery.objects.present().first()
