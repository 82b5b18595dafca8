"""Searching views: what is found, in which order, and that what the mirror has just learnt is found too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.search import indexes, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(person: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    return client_of(person("reader", Role.VIEWER))


@pytest.fixture
def connection(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture(params=["just read", "copied"])
def settle(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Every search has to find the same in the views themselves and in their copies."""
    return texts.keep_up if request.param == "copied" else lambda: None


def names(client: Client, typed: str, **more: str) -> list[str]:
    answer = client.get("/saved-queries/", {"q": typed, **more})
    assert answer.status_code == 200
    return [row.view.name for row in answer.context["rows"]]


def columns(*found: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "String"} for name in found]


def views(connection: Connection) -> None:
    make_view(
        connection,
        "mart.orders",
        "SELECT day, Größe FROM raw_orders",
        description="Weekly revenue",
        columns=columns("day"),
    )
    make_view(connection, "stg_customers", "SELECT * FROM raw_people -- 100% of it", columns=columns("customer_id"))
    make_view(connection, "empty", "SELECT 1").__class__.objects.filter(name="empty").update(query=None)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ORDERS", ["mart.orders"]),
        ("revenue", ["mart.orders"]),
        ("customer_id", ["stg_customers"]),
        ("String", []),
        ("größe", ["mart.orders"]),
        ('"100% of"', ["stg_customers"]),
        ('"of 100%"', []),
        ("of 100%", ["stg_customers"]),
        ("sql:orders", ["mart.orders"]),
        ("sql:weekly", []),
        ("name:customers", ["stg_customers"]),
        ("name:raw_people", []),
        ("column:day", ["mart.orders"]),
        ("column:raw", []),
        ("description:WEEKLY", ["mart.orders"]),
        ("-orders", ["empty", "stg_customers"]),
        ("-sql:select", ["empty"]),
        ("-orders -name:empty", ["stg_customers"]),
        ("is:view -sql:people", ["empty", "mart.orders"]),
        ("is:materialized", []),
        ("cadence:none name:orders", ["mart.orders"]),
        ("da", ["mart.orders"]),
        ("d%y", []),
        ("da_", []),
    ],
)
def test_words_phrases_and_operators_find_what_they_say(
    reader: Client, connection: Connection, settle: Callable[[], None], typed: str, found: list[str]
):
    views(connection)
    settle()

    assert sorted(names(reader, typed)) == found
    rest = reader.get("/api/v1/saved-queries/", {"search": typed}).json()
    assert sorted(view["name"] for view in rest["results"]) == found


def test_names_come_before_sql_the_very_name_first(reader: Client, connection: Connection, settle: Callable[[], None]):
    for name, sql in [
        ("a_reads", "SELECT orders"),
        ("all_orders", "1"),
        ("orders_b", "2"),
        ("Orders", "3"),
        ("x", "4"),
    ]:
        make_view(connection, name, sql)
    settle()

    assert names(reader, "orders") == ["Orders", "orders_b", "all_orders", "a_reads"]
    rest = reader.get("/api/v1/saved-queries/", {"search": "orders"}).json()["results"]
    assert [view["name"] for view in rest] == ["Orders", "orders_b", "all_orders", "a_reads"]
    falling = reader.get("/api/v1/saved-queries/", {"search": "orders", "ordering": "-name"}).json()["results"]
    assert falling[0]["name"] != "Orders"


def test_states_of_one_search_are_alternatives(reader: Client, connection: Connection):
    for state in ("failing", "late", "on_time"):
        make_view(connection, state, schedule_state=state)

    assert names(reader, "state:failing state:LATE") == ["failing", "late"]
    assert names(reader, "-state:failing -state:late") == ["on_time"]


def test_views_are_found_by_what_they_select_from(reader: Client, connection: Connection):
    for name, source in [("a", "raw_orders"), ("b", "raw_people"), ("c", "Events")]:
        Edge.objects.create(connection=connection, downstream=make_view(connection, name), name=source)

    assert names(reader, "uses:raw_orders") == ["a"]
    assert names(reader, "uses:events") == ["c"]
    assert names(reader, "uses:raw_*") == ["a", "b"]
    assert names(reader, "-uses:*orders") == ["b", "c"]
    assert names(reader, "uses:raw") == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("orders colour:red", "There is no colour: to search by"),
        ('orders "gross', "is not closed"),
        ("orders state:sleepy", "“state:sleepy” means nothing. Choose one of on_time"),
        ("orders is:nice", "Choose one of materialized"),
        ("orders uses:a*b", "A star may stand at the beginning and at the end only"),
        ("orders owner:nobody_here", "Nobody here has that user name"),
        ("orders tag:never_used", "No such tag was ever used"),
    ],
)
def test_what_means_nothing_is_told_beside_the_box_and_refused_to_programs(
    reader: Client, connection: Connection, typed: str, told: str
):
    make_view(connection, "orders")
    make_view(connection, "other")

    page = reader.get("/saved-queries/", {"q": typed})
    rest = reader.get("/api/v1/saved-queries/", {"search": typed})

    assert [row.view.name for row in page.context["rows"]] == ["orders"]
    assert told in page.content.decode()
    assert rest.status_code == 400
    assert told in rest.json()["errors"]["search"][0]


def test_a_hit_in_the_sql_shows_its_line_marked_and_escaped(reader: Client, connection: Connection):
    make_view(connection, "tricky", "SELECT 1\n  , '<b>needle</b>' AS x\nFROM events")
    make_view(connection, "long", "SELECT " + "y" * 5_000 + " needle " + "z" * 5_000)
    make_view(connection, "needle", "SELECT needle")
    make_view(connection, "by_column", "SELECT 2", columns=columns("the_needle_id"))

    page = reader.get("/saved-queries/", {"q": "NEEDLE"})

    rows = {row.view.name: row.snippet for row in page.context["rows"]}
    assert rows["needle"] is None
    assert (rows["tricky"].before, rows["tricky"].hit, rows["tricky"].line) == (", '<b>", "needle", 2)
    assert len(rows["long"].before + rows["long"].after) < 200
    assert rows["long"].before.startswith("…") and rows["long"].after.endswith("…")
    assert (rows["by_column"].before, rows["by_column"].hit, rows["by_column"].after) == ("the_", "needle", "_id")
    assert "&lt;b&gt;<mark>needle</mark>&lt;/b&gt;" in page.content.decode()


def test_the_index_is_there_and_a_database_without_it_finds_the_same(
    reader: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    assert indexes.is_there(database, look=True)
    views(connection)
    texts.keep_up()

    named = str(database.settings_dict["NAME"])
    monkeypatch.setattr(indexes, "_there", dict.fromkeys([(named, indexes.TRIGRAMS), (named, indexes.STEMS)], False))

    assert not indexes.is_there(database) and not indexes.has_stems(database)
    assert names(reader, "raw_orders") == ["mart.orders"]
    assert names(reader, "100%") == ["stg_customers"]


def test_the_index_can_be_taken_away_and_made_again(reader: Client, connection: Connection):
    views(connection)
    texts.keep_up()

    indexes.drop(database)
    assert not indexes.is_there(database)
    assert names(reader, "raw_orders") == ["mart.orders"]
    database.check_constraints()  # PostgreSQL indexes no table of which something is to be checked yet
    assert indexes.create(database)
    assert names(reader, "raw_orders") == ["mart.orders"]


def test_a_database_that_cannot_have_the_index_goes_on_without(monkeypatch: pytest.MonkeyPatch):
    indexes.drop(database)
    refused = ["CREATE EXTENSION no_such_extension", "CREATE VIRTUAL TABLE x USING no_such_module(y)"]
    monkeypatch.setattr(indexes, "_postgresql", lambda: refused[:1])
    monkeypatch.setattr(indexes, "_sqlite", lambda: refused[1:])

    assert indexes.create(database) is False
    assert not indexes.is_there(database)
    monkeypatch.undo()
    assert indexes.create(database)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("refund", ["mart_refunds", "weekly"]),
        ("refunds", ["mart_refunds", "weekly"]),
        ("refunding", ["mart_refunds", "weekly"]),
        ('"refunded orders"', ["weekly"]),
        ('"orders refunded"', []),
        ("-refunds", ["plain"]),
        ("refunds weekly", ["weekly"]),
        ("mart_refund", ["mart_refunds"]),
        ("countings", []),  # what is in the SQL alone is looked for as it is
        ("name:refunding", []),
        ('refund" OR "plain', []),
    ],
)
def test_words_of_names_and_descriptions_are_found_whatever_their_endings(
    reader: Client, connection: Connection, typed: str, found: list[str]
):
    make_view(connection, "mart_refunds", "SELECT 1")
    make_view(connection, "weekly", "SELECT 2", description="The refund order of each week")
    make_view(connection, "plain", "SELECT counting FROM x")
    texts.keep_up()

    assert sorted(names(reader, typed)) == found


def test_the_index_of_endings_follows_and_can_be_taken_away(reader: Client, connection: Connection):
    view = make_view(connection, "weekly", description="Each refund")
    texts.keep_up()
    SavedQuery.objects.filter(pk=view.pk).update(description="Each payment", search_stale=True)
    texts.keep_up()
    assert (names(reader, "refunding"), names(reader, "payments")) == ([], ["weekly"])

    indexes.drop_stems(database)
    assert not indexes.has_stems(database)
    assert (names(reader, "payments"), names(reader, "payment")) == ([], ["weekly"])
    database.check_constraints()
    assert indexes.create_stems(database)
    assert names(reader, "payments") == ["weekly"]


def test_a_renewed_copy_forgets_the_old_words(reader: Client, connection: Connection):
    view = make_view(connection, "changing", "SELECT first_words")
    texts.keep_up()
    SavedQuery.objects.filter(pk=view.pk).update(query="SELECT second_words", search_stale=True)

    assert names(reader, "first_words") == []
    assert texts.keep_up() == 1
    assert names(reader, "first_words") == []
    assert names(reader, "second_words") == ["changing"]
    assert texts.keep_up() == 0


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("st", ["state:"]),
        ("-t", ["-tag:"]),
        ("orders sta", ["state:"]),
        ("state:la", ["state:late "]),
        ("-state:la", ["-state:late "]),
        ("is:b", ["is:behind ", "is:broken "]),
        ("uses:raw", ["uses:raw_orders "]),
        ("name:ord", ["name:orders "]),
        ('"sta', []),
        ("nothing:", []),
        ("\x00", None),
    ],
)
def test_operators_and_their_values_are_offered(
    reader: Client, connection: Connection, typed: str, offered: list[str] | None
):
    Edge.objects.create(connection=connection, downstream=make_view(connection, "orders"), name="raw_orders")

    answer = reader.get("/saved-queries/suggestions/", {"typed": typed})

    assert answer.status_code == 200
    if offered is not None:
        assert sorted(one.text for one in answer.context["suggestions"]) == sorted(offered)
        kept = typed.rpartition(" ")[0] + " " * (" " in typed)
        assert {typed[: one.kept] for one in answer.context["suggestions"]} <= {kept}


def test_every_operator_is_explained_without_a_script(reader: Client, connection: Connection):
    page = reader.get("/saved-queries/").content.decode()

    for name in ("name:", "sql:", "column:", "uses:", "owner:", "tag:", "state:", "is:", "cadence:"):
        assert f"<code>{name}</code>" in page
