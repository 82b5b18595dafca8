"""The edges between mirrored objects follow the SQL of the views."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage import selectors, services, tasks
from warehouse_admin.lineage.models import Edge, Reading
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


def make_table(connection: Connection, name: str) -> WarehouseTable:
    return WarehouseTable.objects.create(connection=connection, posthog_id=uuid.uuid4(), name=name)


def edges_of(view: SavedQuery) -> dict[str, str]:
    return {source.name: source.kind for source in selectors.upstream(view)}


def rewrite(view: SavedQuery, sql: str) -> None:
    SavedQuery.objects.filter(pk=view.pk).update(query=sql, query_hash=text_digest(sql))


def test_a_broken_view_knows_its_root_as_soon_as_lineage_does(one: Connection) -> None:
    source = make_view(one, "source", is_materialized=True, schedule_state="failing")
    mart = make_view(one, "mart", "SELECT 1 FROM source", is_materialized=True, schedule_state="failing")

    tasks.refresh(one.pk)

    mart.refresh_from_db()
    source.refresh_from_db()
    assert (mart.root_upstream, source.root_upstream, source.holds_up) == (source, None, 1)


def test_names_become_views_tables_built_ins_or_stay_names(one: Connection) -> None:
    make_view(one, "stg_orders", is_materialized=True)
    make_view(one, "dim.people")
    make_table(one, "stripe_charges")
    read = ("dim.people", "stripe_charges", "events", "gone")
    sql = "SELECT 1 FROM stg_orders" + "".join(f" JOIN {name} ON 1" for name in read)
    mart = make_view(one, "mart", sql)

    assert services.refresh(one) == 3

    assert edges_of(mart) == {
        "dim.people": "view",
        "events": "builtin",
        "gone": "unknown",
        "stg_orders": "materialized_view",
        "stripe_charges": "table",
    }


def test_a_view_wins_over_its_own_storage_and_case_counts(one: Connection) -> None:
    stored = make_view(one, "stg_orders", is_materialized=True)
    make_table(one, "stg_orders")
    reader = make_view(one, "reader", "SELECT 1 FROM stg_orders")
    shouting = make_view(one, "shouting", "SELECT 1 FROM STG_ORDERS")

    services.refresh(one)

    assert selectors.downstream(stored) == [reader]
    assert edges_of(shouting) == {"STG_ORDERS": "unknown"}


def test_another_connections_objects_are_other_objects(one: Connection) -> None:
    two = Connection.objects.create(slug="two", name="Two", host="http://127.0.0.1:9", project_id="2")
    make_view(two, "stg_orders")
    reader = make_view(one, "reader", "SELECT 1 FROM stg_orders")

    services.refresh(one)

    assert edges_of(reader) == {"stg_orders": "unknown"}


def test_only_changed_texts_are_parsed_again(one: Connection) -> None:
    make_view(one, "a", "SELECT 1 FROM events")
    view = make_view(one, "b", "SELECT 1 FROM events")
    services.refresh(one)
    assert services.refresh(one) == 0

    rewrite(view, "SELECT 1 FROM persons")

    assert services.refresh(one) == 1
    assert edges_of(view) == {"persons": "builtin"}


def test_edges_follow_what_comes_goes_and_is_renamed(one: Connection) -> None:
    reader = make_view(one, "reader", "SELECT 1 FROM late_comer")
    services.refresh(one)
    comer = make_view(one, "late_comer")
    services.refresh(one)
    assert selectors.downstream(comer) == [reader]

    SavedQuery.objects.filter(pk=comer.pk).update(name="other_name")
    services.refresh(one)
    assert edges_of(reader) == {"late_comer": "unknown"}

    SavedQuery.objects.filter(pk=comer.pk).update(name="late_comer", deleted_at=timezone.now())
    services.refresh(one)
    assert edges_of(reader) == {"late_comer": "unknown"}
    assert [edge.downstream for edge in Edge.objects.filter(name="late_comer")] == [reader]


def test_a_text_that_changed_while_it_was_parsed_is_parsed_again(
    one: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = make_view(one, "a", "SELECT 1 FROM events")
    parse = services.parse_many

    def change_meanwhile(texts: list[str]) -> Any:
        rewrite(view, "SELECT 1 FROM persons")
        return parse(texts)

    monkeypatch.setattr(services, "parse_many", change_meanwhile)
    services.refresh(one)
    assert not Edge.objects.exists()
    monkeypatch.undo()

    services.refresh(one)

    assert edges_of(view) == {"persons": "builtin"}


def test_what_cannot_be_parsed_says_so(one: Connection) -> None:
    view = make_view(one, "broken", "SELECT FROM WHERE (")

    services.refresh(one)

    reading = Reading.objects.get(saved_query=view)
    assert not reading.complete and "syntax error" in reading.problem


def test_the_neighbourhood_goes_as_far_as_asked_and_survives_cycles(one: Connection) -> None:
    a = make_view(one, "a", "SELECT 1 FROM events JOIN c ON 1")
    b = make_view(one, "b", "SELECT 1 FROM a")
    make_view(one, "c", "SELECT 1 FROM b")
    make_view(one, "d", "SELECT 1 FROM c")
    services.refresh(one)

    near = selectors.neighbourhood(b, 1)
    assert {node["name"] for node in near["nodes"]} == {"a", "b", "c"}
    far = selectors.neighbourhood(b, 50)
    assert {node["name"] for node in far["nodes"]} == {"a", "b", "c", "d", "events"}
    names = {node["id"]: node["name"] for node in far["nodes"]}
    pairs = {(names[edge["source"]], names[edge["target"]]) for edge in far["edges"]}
    assert pairs == {("events", "a"), ("c", "a"), ("a", "b"), ("b", "c"), ("c", "d")}
    assert {"id": "events", "name": "events", "kind": "builtin"} in far["nodes"]
    assert {"id": str(a.posthog_id), "name": "a", "kind": "view", "state": ""} in far["nodes"]


def test_a_wide_neighbourhood_costs_a_few_queries_a_hop(one: Connection, django_assert_max_num_queries: Any) -> None:
    root = make_view(one, "root")
    for number in range(40):
        make_view(one, f"child_{number}", "SELECT 1 FROM root")
        make_view(one, f"grandchild_{number}", f"SELECT 1 FROM child_{number}")
    services.refresh(one)

    with django_assert_max_num_queries(6):
        graph = selectors.neighbourhood(root, 2)

    assert len(graph["nodes"]) == 81
    assert selectors.downstream_counts([root]) == {root.pk: 40}
    assert hooks.merged(hooks.downstream_counts, [root]) == {root.pk: 40}


def test_a_sync_leads_to_edges(connection: Connection, django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        mirror.run_sync(mirror.start_sync(connection=connection, queue=False).pk)

    assert Reading.objects.filter(complete=True).count() == SavedQuery.objects.exclude(query=None).count()
    unresolved = Edge.objects.filter(upstream_view=None, upstream_table=None).values_list("name", flat=True)
    assert set(unresolved) <= {"events", "persons", "sessions", "groups"}


def test_a_list_of_readers_says_when_it_may_lack_some(synced: Connection, view_named: Any, author: Any) -> None:
    services.refresh(synced)
    assert selectors.caveat(synced) == ""
    view = view_named("int_orders_enriched")
    rewrite(view, "SELECT 1 AS one")
    assert selectors.caveat(synced) == "1 view has not been read for lineage yet, so readers may be missing here."
    client = Client()
    client.force_login(author)
    page = client.get(f"/saved-queries/{view.posthog_id}/?tab=lineage").content.decode()
    assert "readers may be missing" in page
