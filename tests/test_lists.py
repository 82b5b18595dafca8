"""Every list, on its page and over REST: what it costs, and what it leaves unread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.bench.list_pages import MOST_QUERIES, cases
from tests.bench.seed import seed_mirror
from tests.bench.seed_work import seed_work
from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def portal(person: Callable[..., User], client_of: ClientOf) -> Client:
    somebody = person("somebody")
    for role in Role:
        give_role(somebody, role)
    return client_of(somebody)


@pytest.fixture
def connection() -> Connection:
    return Connection.objects.create(
        slug="one", name="One", host="http://127.0.0.1:9", project_id="1", api_key="not-to-be-read"
    )


def queries_of_lists(portal: Client, connection: Connection) -> dict[str, list[str]]:
    """The SQL of each list that the benchmark measures."""
    found = {}
    for case in cases(SavedQuery.objects.filter(connection=connection).earliest("pk")):
        headers = {"HX-Request": "true"} if case.is_fragment else {}
        portal.get(case.url, headers=headers)  # what a process looks up once in its life is no cost of a list
        cache.clear()  # what it looks up every now and then is
        with CaptureQueriesContext(database) as captured:
            answer = portal.get(case.url, headers=headers)
        assert answer.status_code == 200, case.name
        found[case.name] = [query["sql"] for query in captured]
    return found


def test_a_list_costs_at_most_twelve_queries_however_many_rows_there_are(portal: Client, connection: Connection):
    costs = []
    for size in (150, 300):
        seed_mirror(connection, size)
        seed_work(connection, size)
        costs.append({name: len(queries) for name, queries in queries_of_lists(portal, connection).items()})

    assert {name for name, queries in costs[1].items() if queries > MOST_QUERIES} == set()
    assert costs[0] == costs[1]


def test_no_list_reads_the_key_of_a_connection(portal: Client, connection: Connection):
    seed_mirror(connection, 55)
    seed_work(connection, 55)

    found = queries_of_lists(portal, connection)

    reading = [name for name, queries in found.items() if any('"api_key"' in sql for sql in queries)]
    assert reading == ["syncs"]  # which tells how much is left of each key's rate


@pytest.mark.parametrize("typed", ["100%", "a.b", "A.B", "[x]", "***=", "\\d", "c_d", "größe", "100% A.B [x]"])
def test_a_search_takes_every_character_as_it_is_whatever_the_case(portal: Client, connection: Connection, typed: str):
    make_view(connection, "found", "SELECT '100% of A.b' -- [X] ***= \\D c_d größe")
    make_view(connection, "other", "SELECT '100 of axb' -- x 7 cxd")

    page = portal.get("/saved-queries/", {"q": typed}).context["page"]
    rest = portal.get("/api/v1/saved-queries/", {"search": typed}).json()["results"]

    assert [view.name for view in page.object_list] == ["found"]
    assert [view["name"] for view in rest] == ["found"]


def test_a_word_is_found_within_a_field_and_not_where_one_ends_and_the_next_begins(
    portal: Client, connection: Connection
):
    make_view(connection, "first_half", "second_half", description="between")
    SavedQuery.objects.filter(pk=make_view(connection, "unread_half_between").pk).update(query=None)

    def found(word: str) -> list[str]:
        page = portal.get("/saved-queries/", {"q": word}).context["page"]
        return [view.name for view in page.object_list]

    assert found("half_between") == ["unread_half_between"]
    assert found("halfbetween") == found("betweensecond") == []


@pytest.mark.parametrize(("number", "first", "shown"), [("1", 0, 25), ("2", 25, 5), ("9", 25, 5), ("0x", 0, 25)])
def test_a_search_has_pages_and_counts_all_it_finds(
    portal: Client, connection: Connection, number: str, first: int, shown: int
):
    for place in range(30):
        make_view(connection, f"match_{place:02}")
    make_view(connection, "another")

    page = portal.get("/saved-queries/", {"q": "match", "page": number, "per_page": "25"}).context["page"]

    assert page.paginator.count == 30
    assert [view.name for view in page.object_list] == [f"match_{place:02}" for place in range(first, first + shown)]


def test_a_view_shows_its_last_ten_runs_oldest_first(portal: Client, connection: Connection):
    now = timezone.now()
    often, seldom = (make_view(connection, name, is_materialized=True) for name in ("often", "seldom"))
    for minutes in range(30):
        Run.objects.create(saved_query=often, status="Completed", started_at=now - timedelta(minutes=minutes))
    for days in (1, 30, 90):
        Run.objects.create(saved_query=seldom, status="Failed", started_at=now - timedelta(days=days))

    rows = {row.view.name: row.runs for row in portal.get("/saved-queries/").context["rows"]}

    assert [run["started_at"] for run in rows["often"]] == [now - timedelta(minutes=past) for past in range(9, -1, -1)]
    assert [run["started_at"] for run in rows["seldom"]] == [now - timedelta(days=30), now - timedelta(days=1)]


def test_home_tells_the_newest_sync_of_each_connection_however_many_there_were(portal: Client, connection: Connection):
    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:9", project_id="1")
    now = timezone.now()
    for place, (owner, state) in enumerate([(connection, "succeeded"), (connection, "failed"), (other, "succeeded")]):
        sync = SyncRun.objects.create(connection=owner, state=state)
        SyncRun.objects.filter(pk=sync.pk).update(created_at=now - timedelta(hours=10 - place))

    with CaptureQueriesContext(database) as captured:
        freshness = portal.get("/").context["freshness"]

    assert {row.connection.slug: (row.newest.state, row.last_good.state) for row in freshness} == {
        "one": ("failed", "succeeded"),
        "other": ("succeeded", "succeeded"),
    }
    assert len(captured) <= 18
