"""What `+name` and its like select: on the page, as a file, and over REST."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.lineage import listed, picture, services
from warehouse_admin.lineage.errors import BadSelector
from warehouse_admin.lineage.graph import MOST_NODES
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def mid(one: Connection) -> SavedQuery:
    """events and the table pay.charges → stg → mid → mart → top; side reads stg as well."""
    now = timezone.now()
    WarehouseTable.objects.create(connection=one, posthog_id=uuid.uuid4(), name="pay.charges", synced_at=now)
    make_view(one, "stg", "SELECT 1 AS x FROM events JOIN pay.charges ON 1", is_materialized=True)
    view = make_view(one, "mid", "SELECT x FROM stg")
    make_view(one, "side", "SELECT x FROM stg")
    make_view(one, "mart", "SELECT x FROM mid")
    make_view(one, "top", "SELECT x FROM mart")
    services.refresh(one)
    return view


def found(view: SavedQuery, text: str) -> dict[str, int | None]:
    return {row.name: row.steps for row in listed.select(view, text, 1_000).rows}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mid", {"mid": 0}),
        ("+mid", {"mid": 0, "stg": -1, "events": -2, "pay.charges": -2}),
        ("mid+", {"mid": 0, "mart": 1, "top": 2}),
        ("1+mid+1", {"mid": 0, "stg": -1, "mart": 1}),
        ("0+mid+1", {"mid": 0, "mart": 1}),
        ("events+1", {"events": 0, "stg": 1}),
        ("pay.charges+2", {"pay.charges": 0, "stg": 1, "mid": 2, "side": 2}),
        ("side top", {"side": 0, "top": 0}),
        ("mid+ 1+mart", {"mid": 0, "mart": 0, "top": 2}),
        ("stg+ , +mart", {"stg": 0, "mid": 1, "mart": 0}),
        ("top,side", {}),
    ],
)
def test_a_selector_means_what_is_read_and_what_reads(mid: SavedQuery, text: str, expected: dict[str, int]) -> None:
    assert found(mid, text) == expected


def test_edges_are_those_between_what_was_selected(mid: SavedQuery) -> None:
    told = listed.select(mid, "+mid side", 1_000)
    names = {row.id: row.name for row in told.rows}

    assert {(names[source], names[reader]) for source, reader in told.edges} == {
        ("events", "stg"),
        ("pay.charges", "stg"),
        ("stg", "mid"),
        ("stg", "side"),
    }


def test_a_circle_comes_to_an_end(one: Connection) -> None:
    view = make_view(one, "a", "SELECT x FROM b")
    make_view(one, "b", "SELECT x FROM a")
    services.refresh(one)

    assert found(view, "+a+") == {"a": 0, "b": -1}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("+", "is no selector"),
        ("a++", "is no selector"),
        ("1000+mid", "is no selector"),
        ("mid,", "A name is missing"),
        (" ", "Write a name"),
        ("mit", "Nothing here is called “mit”. Did you mean mid"),
        ("a" * 501, "at most 500 characters"),
        ("mid " * 21, "at most 20"),
        ("' OR 1=1 --", "Nothing here is called"),
        ("nul\0byte", "is no selector"),
    ],
)
def test_nonsense_is_told_in_words(mid: SavedQuery, text: str, told: str) -> None:
    with pytest.raises(BadSelector, match=told):
        listed.select(mid, text, 1_000)


def test_a_name_means_what_this_project_has_by_it(mid: SavedQuery) -> None:
    other = Connection.objects.create(slug="two", name="Two", host="http://127.0.0.1:9", project_id="2")
    make_view(other, "elsewhere", "SELECT 1 AS x FROM mid")
    services.refresh(other)

    with pytest.raises(BadSelector):
        found(mid, "elsewhere")
    assert "elsewhere" not in found(mid, "mid+")


def test_the_page_shows_the_selection_in_picture_and_list(
    mid: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    address = reverse("mirror:view-detail", args=[mid.posthog_id])

    shown = client_of(viewer).get(address, {"tab": "lineage", "select": "+mart", "find": "ST"})

    drawn = shown.context["picture"]
    assert [row.name for row in drawn.rows] == ["events", "pay.charges", "stg", "mid", "mart"]
    assert {node.name for node in drawn.graph.nodes} == {"events", "pay.charges", "stg", "mid", "mart"}
    assert [node.name for node in drawn.hits] == ["stg"]
    text = shown.content.decode()
    assert 'value="+mart"' in text and "is-found" in text and 'href="#node-' in text
    assert "3 steps before" in text
    assert f"{reverse('lineage:export', args=[mid.posthog_id])}?select=%2Bmart" in text


def test_a_wrong_selector_stays_in_the_box_beside_what_is_wrong(
    mid: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    address = reverse("mirror:view-detail", args=[mid.posthog_id])

    shown = client_of(viewer).get(address, {"tab": "lineage", "select": "+<b>mit"})

    assert shown.status_code == 200
    text = shown.content.decode()
    assert 'value="+&lt;b&gt;mit"' in text and "<b>mit" not in text
    assert "Nothing here is called" in text and 'aria-invalid="true"' in text
    assert {node.name for node in shown.context["picture"].graph.nodes} == {"stg", "mid", "mart"}


def test_more_than_can_be_drawn_is_cut_to_the_nearest_and_counted(
    one: Connection, viewer: User, client_of: Callable[[User], Client]
) -> None:
    hub = make_view(one, "hub", "SELECT 1 AS x FROM events")
    for number in range(MOST_NODES):
        make_view(one, f"reader_{number}", "SELECT x FROM hub")
    services.refresh(one)

    shown = client_of(viewer).get(
        reverse("mirror:view-detail", args=[hub.posthog_id]), {"tab": "lineage", "select": "+hub+"}
    )

    drawn = shown.context["picture"]
    assert (len(drawn.graph.nodes), len(drawn.rows), drawn.undrawn) == (MOST_NODES, MOST_NODES + 2, 2)
    assert f"the picture shows the nearest {MOST_NODES} and leaves out 2" in shown.content.decode()


def test_a_selection_costs_the_same_for_few_and_for_many(one: Connection) -> None:
    view = make_view(one, "hub", "SELECT 1 AS x FROM events")
    make_view(one, "first", "SELECT x FROM hub")
    services.refresh(one)
    few = _queries(view)
    for number in range(30):
        make_view(one, f"reader_{number}", "SELECT x FROM first")
    services.refresh(one)

    assert _queries(view) == few <= 5


def _queries(view: SavedQuery) -> int:
    with CaptureQueriesContext(database) as captured:
        picture.picture(view, 1, {"select": "+hub+"})
    return len(captured)


def test_the_file_has_kind_state_and_depth_and_no_formula(
    one: Connection, viewer: User, client_of: Callable[[User], Client]
) -> None:
    make_view(one, "stg", "SELECT 1 AS x FROM `=cmd`", is_materialized=True, schedule_state="failing")
    view = make_view(one, "mid", "SELECT x FROM stg")
    services.refresh(one)

    answer = client_of(viewer).get(reverse("lineage:export", args=[view.posthog_id]), {"select": "+mid"})

    assert answer["Content-Type"].startswith("text/csv")
    assert 'filename="lineage-mid.csv"' in answer["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(answer.content.decode()))
    stg = SavedQuery.objects.get(name="stg")
    assert header == ["name", "kind", "state", "depth", "steps", "id"]
    assert rows == [
        ["mid", "view", "", "1", "0", str(view.posthog_id)],
        ["stg", "materialized_view", "failing", "0", "-1", str(stg.posthog_id)],
        ["'=cmd", "unknown", "", "0", "-2", "'=cmd"],
    ]


def test_a_file_of_nonsense_is_refused_in_words(
    mid: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(viewer).get(reverse("lineage:export", args=[mid.posthog_id]), {"select": "nothing+"})

    assert answer.status_code == 400
    assert "Nothing here is called" in answer.content.decode()


def test_the_file_without_a_selector_holds_one_step_around(
    mid: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(viewer).get(reverse("lineage:export", args=[mid.posthog_id]))

    assert [line.split(",")[0] for line in answer.content.decode().splitlines()[1:]] == ["mid", "stg", "mart"]
