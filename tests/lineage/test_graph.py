"""The picture of what is around a view."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.lineage import services
from warehouse_admin.lineage.graph import MOST_NODES, Graph, graph
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def middle(one: Connection) -> SavedQuery:
    """events → stg → mid → mart → top, and a table that the view in the middle reads too."""
    make_view(one, "stg", "SELECT 1 AS x FROM events", is_materialized=True, schedule_state="failing")
    view = make_view(one, "mid", "SELECT x FROM stg JOIN persons ON 1")
    make_view(one, "mart", "SELECT x FROM mid")
    make_view(one, "top", "SELECT x FROM mart")
    services.refresh(one)
    return view


def columns(found: Graph) -> dict[str, int]:
    return {node.name: node.x for node in found.nodes}


def test_what_is_read_stands_left_of_whoever_reads_it(middle: SavedQuery) -> None:
    at = columns(graph(middle, 3))

    assert at["events"] < at["stg"] < at["mid"] < at["mart"] < at["top"]
    assert at["persons"] == at["stg"]  # right before its first reader
    assert len(graph(middle, 3).lines) == 5


def test_it_goes_as_far_as_it_is_asked_to(middle: SavedQuery) -> None:
    assert set(columns(graph(middle, 1))) == {"stg", "persons", "mid", "mart"}
    assert set(columns(graph(middle, 2))) == {"events", "persons", "stg", "mid", "mart", "top"}


def test_boxes_do_not_lie_on_each_other(one: Connection) -> None:
    view = make_view(one, "hub", "SELECT 1 AS x FROM events")
    for number in range(30):
        make_view(one, f"reader_{number}", "SELECT x FROM hub")
    services.refresh(one)

    found = graph(view, 1)

    assert len({(node.x, node.y) for node in found.nodes}) == len(found.nodes) == 32
    assert all(0 <= node.y < found.height and 0 <= node.x < found.width for node in found.nodes)


def test_a_circle_comes_to_an_end(one: Connection) -> None:
    view = make_view(one, "a", "SELECT x FROM b")
    make_view(one, "b", "SELECT x FROM a")
    make_view(one, "self", "SELECT x FROM self JOIN a ON 1")
    services.refresh(one)

    assert set(columns(graph(view, 3))) == {"a", "b", "self"}


def test_what_is_too_much_to_draw_is_drawn_less_far_or_listed(one: Connection) -> None:
    view = make_view(one, "hub", "SELECT 1 AS x FROM events")
    make_view(one, "bridge", "SELECT x FROM hub")
    for number in range(MOST_NODES):
        make_view(one, f"reader_{number}", "SELECT x FROM bridge")
    services.refresh(one)

    found = graph(view, 2)
    assert (found.hops, len(found.nodes), found.found) == (1, 3, MOST_NODES + 3)
    assert graph(SavedQuery.objects.get(name="bridge"), 1).nodes == []


def test_the_tab_draws_it_with_states_links_and_the_lists(
    middle: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    page = client_of(viewer)
    address = reverse("mirror:view-detail", args=[middle.posthog_id])

    shown = page.get(f"{address}?tab=lineage&hops=2").content.decode()

    nodes = re.findall(r'class="graph-node ([^"]*)"', shown)
    assert len(nodes) == 6
    assert 'aria-label="stg: materialized view, failing"' in shown
    assert 'aria-label="mid: view" aria-current="true"' in shown
    stg = SavedQuery.objects.get(name="stg")
    assert f'href="{reverse("mirror:view-detail", args=[stg.posthog_id])}?tab=lineage"' in shown
    assert "Reads from" in shown and "Read by" in shown
    assert page.get(f"{address}?tab=lineage&hops=99").status_code == 200


def test_names_are_text(one: Connection, viewer: User, client_of: Callable[[User], Client]) -> None:
    view = make_view(one, "mid", "SELECT x FROM `<script>alert(1)</script>`")
    services.refresh(one)

    shown = client_of(viewer).get(reverse("mirror:view-detail", args=[view.posthog_id]) + "?tab=lineage")

    assert "<script>alert" not in shown.content.decode()
    assert "&lt;script&gt;alert" in shown.content.decode()


def test_the_picture_costs_the_same_for_few_and_for_many(one: Connection) -> None:
    view = make_view(one, "hub", "SELECT 1 AS x FROM events")
    make_view(one, "first", "SELECT x FROM hub")
    services.refresh(one)
    few = _queries(view)
    for number in range(40):
        make_view(one, f"reader_{number}", "SELECT x FROM hub JOIN persons ON 1")
    services.refresh(one)

    assert _queries(view) == few <= 9


def _queries(view: SavedQuery) -> int:
    with CaptureQueriesContext(database) as captured:
        graph(view, 2)
    return len(captured)
