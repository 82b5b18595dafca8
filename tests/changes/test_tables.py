"""Changes of warehouse tables, from the proposal to PostHog, on every generation; and what becomes of their keys."""

from __future__ import annotations

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
    body_of,
    kept_keys,
    leaks_in_database,
    the,
    writes,
)
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.presenters import sentence
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import expiry, services
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mutations.models import Credential
from warehouse_admin.mutations.services import Entered

State = ChangeRequest.State
EVERYWHERE = ("A", "B", "C", "D")
Warehouse = Callable[[str], Connection]


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


def test_what_a_change_of_a_table_does_downstream_is_graded_and_shown(
    generation: Warehouse, reader: Callable[[str], Connection], author: User, client_of: Callable[[User], Any]
) -> None:
    connection = reader("D")
    page = client_of(author)

    def grades(action: str, **fields: Any) -> dict[str, str]:
        change = services.create(author=author, action=action, table=the(OWN), reason="because", **fields)
        told = page.get(f"/api/v1/changes/{change.pk}/").json()["impact"]
        assert change.connection == connection
        return {one["name"]: one["grade"] for one in told["dependents"] if one["depth"] == 1}

    assert grades("delete_table") == {"reads_rates": "breaking", "stg_fx_rates": "breaking"}
    assert grades("update_table", name="fx_rates") == {"reads_rates": "breaking", "stg_fx_rates": "breaking"}
    moved = grades("update_table", url_pattern="https://files.example.com/other/*.csv")
    assert moved == {"reads_rates": "cannot_tell", "stg_fx_rates": "cannot_tell"}
    assert AuditEntry.objects.filter(action="change.created", object_name=OWN, result="ok").count() == 3
