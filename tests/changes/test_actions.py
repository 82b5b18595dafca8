"""Every action on a view, from the proposal to PostHog, on each server generation that offers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.changes.conftest import trail
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer

State = ChangeRequest.State
LEAF, READ, TABLE = "mart_refunds_disputes", "stg_app_orders", "int_order_margins"
EVERYWHERE = ("A", "B", "C", "D")
Named = Callable[[str], SavedQuery]
Approved = Callable[..., ChangeRequest]


@pytest.fixture
def warehouse(generation: Callable[[str], Connection]) -> Callable[[str], Connection]:
    """A server of a generation, mirrored and parsed."""

    def make(name: str) -> Connection:
        connection = generation(name)
        lineage.refresh(connection)
        return connection

    return make


@pytest.fixture
def named() -> Named:
    return lambda name: SavedQuery.objects.present().get(name=name)


def writes(sandbox: SandboxServer, *methods: str) -> int:
    """How many writes reached PostHog; to have a text checked is none."""
    wanted = methods or ("POST", "PATCH", "DELETE")
    return sum(one.method in wanted and not one.path.endswith("/query/") for one in sandbox.world.requests)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_view_is_created_once_and_mirrored(name, warehouse, carried_out, sandbox):
    connection = warehouse(name)

    change = carried_out("create_view", connection=connection, name="kpi_new", query="SELECT 1 AS one")

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view("kpi_new").query["query"] == "SELECT 1 AS one"
    assert change.saved_query is not None, "the change leads to the view it made"
    mirrored = SavedQuery.objects.present().get(name="kpi_new")
    assert (mirrored.pk, mirrored.query) == (change.saved_query_id, "SELECT 1 AS one")
    assert mirrored.versions.get().origin == "portal"
    assert ("change.applied", "ok") in trail("change.")
    assert trail("saved_query.create") == [("saved_query.create_view", "asked"), ("saved_query.create_view", "ok")]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_view_is_renamed(name, warehouse, carried_out, named, sandbox):
    warehouse(name)
    view = named(LEAF)

    change = carried_out("rename", saved_query=view, name="mart_kpis_by_day")

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view("mart_kpis_by_day").id == str(view.posthog_id)
    view.refresh_from_db()
    assert view.name == "mart_kpis_by_day"
    assert trail("saved_query.rename") == [("saved_query.rename", "asked"), ("saved_query.rename", "ok")]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_cadence_is_set(name, warehouse, carried_out, sandbox):
    warehouse(name)
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="24hour").first()

    change = carried_out("set_cadence", saved_query=view, sync_frequency="12hour")

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view(view.name).sync_frequency == "12hour"
    view.refresh_from_db()
    assert view.sync_frequency == "12hour"
    assert trail("saved_query.set_") == [("saved_query.set_cadence", "asked"), ("saved_query.set_cadence", "ok")]


@pytest.mark.parametrize("name", ["C", "D"])
def test_a_view_is_materialized_and_taken_back(name, warehouse, carried_out, named, sandbox):
    warehouse(name)
    view = SavedQuery.objects.present().filter(is_materialized=False, managed_viewset_kind="").order_by("name").first()

    change = carried_out("materialize", saved_query=view)

    assert (change.state, change.problem) == (State.APPLIED, "")
    view.refresh_from_db()
    assert (view.is_materialized, view.sync_frequency) == (True, "24hour")

    change = carried_out("unmaterialize", saved_query=view)

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view(view.name).is_materialized is False
    view.refresh_from_db()
    assert view.is_materialized is False


@pytest.mark.parametrize("name", ["A", "B"])
def test_what_a_server_offers_to_no_key_is_refused_before_anybody_reviews_it(name, warehouse, author, named, sandbox):
    warehouse(name)
    with pytest.raises(UserError, match="does not let API keys") as refused:
        services.create(author=author, action="materialize", saved_query=named(READ), reason="x", submit=True)
    assert refused.value.blockers
    assert not ChangeRequest.objects.exists()
    assert not writes(sandbox)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_deleted_view_becomes_a_tombstone_that_keeps_its_sql(name, warehouse, carried_out, named, sandbox):
    warehouse(name)
    view = named(LEAF)
    text = view.query

    change = carried_out("delete", saved_query=view)

    assert (change.state, change.problem) == (State.APPLIED, "")
    view.refresh_from_db()
    assert view.deleted_at is not None
    assert view.query == text
    assert trail("saved_query.delete") == [("saved_query.delete", "asked"), ("saved_query.delete", "ok")]


@pytest.mark.parametrize("name", ["C", "D"])
def test_deleting_what_others_read_is_refused_by_name_before_review_where_the_server_refuses_it(
    name, warehouse, author, named, sandbox
):
    warehouse(name)
    with pytest.raises(UserError, match="select from it") as refused:
        services.create(author=author, action="delete", saved_query=named(READ), reason="x", submit=True)
    assert "refuses" in refused.value.blockers[0]["text"]
    assert not writes(sandbox)


@pytest.mark.parametrize("name", ["A", "B"])
def test_deleting_what_others_read_says_whom_it_breaks_where_the_server_does_not_ask(name, warehouse, author, named):
    warehouse(name)

    change = services.create(author=author, action="delete", saved_query=named(READ), reason="x", submit=True)

    assert change.state == State.IN_REVIEW
    assert change.revisions.get().item.dependents


@pytest.mark.parametrize("taken", [TABLE, "events"])
def test_a_name_that_is_taken_is_refused_at_the_door(taken, warehouse, author):
    connection = warehouse("B")
    with pytest.raises(InvalidInput) as refused:
        services.create(author=author, action="create_view", connection=connection, name=taken, query="SELECT 1")
    assert list(refused.value.errors) == ["name"]


def test_a_name_taken_since_the_last_sync_is_found_by_asking(warehouse, author, sandbox):
    connection = warehouse("B")
    sandbox.world.create_outside("brand_new", "SELECT 2")
    with pytest.raises(InvalidInput, match="already"):
        services.create(author=author, action="create_view", connection=connection, name="brand_new", query="SELECT 1")


def test_a_view_that_somebody_made_meanwhile_is_not_overwritten(warehouse, author, reviewer, committed, sandbox):
    connection = warehouse("B")
    change = services.create(
        author=author,
        action="create_view",
        connection=connection,
        name="late",
        query="SELECT 1",
        reason="x",
        submit=True,
    )
    sandbox.world.create_outside("late", "SELECT 2 AS theirs")
    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert change.state == State.FAILED, "an author has to choose another name"
    assert sandbox.world.view("late").query["query"] == "SELECT 2 AS theirs"
    assert not writes(sandbox, "POST", "PATCH")

    again = services.revise(change, author, revision=1, name="late_2")
    assert (again.state, again.object_name) == (State.IN_REVIEW, "late_2")


def test_a_cadence_without_a_table_is_refused_for_it_would_never_run(warehouse, author, named):
    warehouse("B")
    view = SavedQuery.objects.present().filter(is_materialized=False, managed_viewset_kind="").first()
    with pytest.raises(UserError, match="never run"):
        services.create(
            author=author, action="set_cadence", saved_query=view, sync_frequency="1hour", reason="x", submit=True
        )


def test_a_cadence_outside_of_what_the_lineage_allows_is_refused(warehouse, author, named):
    warehouse("D")
    with pytest.raises(UserError, match="between every 6 h"):
        services.create(
            author=author,
            action="set_cadence",
            saved_query=named("mart_support_sla"),
            sync_frequency="15min",
            reason="x",
            submit=True,
        )


def test_a_view_that_comes_to_be_read_asks_for_a_new_review_of_its_deletion(
    warehouse, author, reviewer, operator, named, connection, sandbox
):
    warehouse("B")
    view = named(LEAF)
    Connection.objects.update(apply_policy="manual")
    change = services.create(author=author, action="delete", saved_query=view, reason="x", submit=True)
    services.approve(change, reviewer)
    sandbox.world.create_outside("reads_it", f"SELECT * FROM {LEAF}")
    sync(connection)
    lineage.refresh(connection)
    with pytest.raises(UserError, match="reads_it"):
        services.apply(change, operator)

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert ("change.dependents_appeared", "ok") in trail("change.")
    assert sandbox.world.view(LEAF)


@pytest.mark.parametrize("of", EVERYWHERE)
def test_never_is_idle_where_no_cadence_is_shown(of, warehouse, author, named, sandbox):
    warehouse(of)
    sandbox.world.set_cadence_outside(TABLE, "never")
    given = {"action": "set_cadence", "saved_query": named(TABLE), "sync_frequency": "never", "reason": "x"}

    with pytest.raises(InvalidInput, match="there is nothing to send") as refused:
        services.create(author=author, submit=True, **given)

    assert list(refused.value.errors) == ["sync_frequency"]
    assert not ChangeRequest.objects.exists()
