"""Each read asks the right address and understands its answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.posthog.rows import ANN, DETAIL_B, LIST_B, VIEW
from tests.posthog.scripted import Scripted, answer, page, problem
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client

PROJECT = "/api/projects/7/"
VIEWS = f"{PROJECT}warehouse_saved_queries/"
TABLE = {"id": VIEW, "name": "t"}
ENTRY = {"id": None, "activity": "created", "item_id": VIEW, "detail": {}, "created_at": "2026-01-05T10:00:00Z"}
JOB = {"id": "j1", "saved_query_id": VIEW, "status": "Running"}


@pytest.mark.parametrize(
    ("ask", "body", "path", "params"),
    [
        (lambda c: reads.list_saved_queries(c), LIST_B, VIEWS, {"page": "1"}),
        (
            lambda c: reads.list_saved_queries(c, 3, "orders eu", include_columns=False),
            LIST_B,
            VIEWS,
            {"page": "3", "search": "orders eu", "include_columns": "false"},
        ),
        (
            lambda c: reads.list_saved_query_activity(c, VIEW, page=2, limit=50),
            ENTRY,
            f"{VIEWS}{VIEW}/activity/",
            {"page": "2", "limit": "50"},
        ),
        (
            lambda c: reads.list_jobs(c, UUID(VIEW), limit=50),
            JOB,
            f"{PROJECT}data_modeling_jobs/",
            {"saved_query_id": VIEW, "limit": "50"},
        ),
        (
            lambda c: reads.list_activity_log(c, cursor="abc"),
            ENTRY,
            f"{PROJECT}activity_log/",
            {"scope": "DataWarehouseSavedQuery", "cursor": "abc"},
        ),
        (
            lambda c: reads.list_tables(c, 10, 20),
            TABLE,
            f"{PROJECT}warehouse_tables/",
            {"limit": "10", "offset": "20"},
        ),
        (
            lambda c: reads.list_interviews(c),
            {"id": VIEW},
            f"{PROJECT}user_interviews/",
            {"limit": "100", "offset": "0"},
        ),
        (
            lambda c: reads.list_projects(c),
            {"id": 7, "name": "Shop"},
            "/api/projects/",
            {"limit": "100", "offset": "0"},
        ),
    ],
)
def test_lists(server: Scripted, client: Client, ask: Any, body: dict, path: str, params: dict):
    server.play(page([body], count=2001, following="http://elsewhere/?x=1"))

    found = ask(client)

    assert (server.asked[0].method, server.asked[0].path) == ("GET", path)
    assert server.asked[0].params == {name: [value] for name, value in params.items()}
    assert (found.count, found.has_next, len(found.results)) == (2001, True, 1)
    assert found.results[0].__class__.parse(body) == found.results[0]


@pytest.mark.parametrize(
    ("ask", "body", "path"),
    [
        (lambda c: reads.get_saved_query(c, VIEW), DETAIL_B, f"{VIEWS}{VIEW}/"),
        (lambda c: reads.get_table(c, VIEW), TABLE, f"{PROJECT}warehouse_tables/{VIEW}/"),
        (lambda c: reads.get_interview(c, VIEW), {"id": VIEW}, f"{PROJECT}user_interviews/{VIEW}/"),
        (lambda c: reads.get_project(c), {"id": 7, "name": "Shop"}, PROJECT),
        (lambda c: reads.current_key(c), {"id": "k", "scopes": ["*"]}, "/api/personal_api_keys/@current/"),
        (lambda c: reads.current_user(c), ANN, "/api/users/@me/"),
        (lambda c: reads.dependencies(c, VIEW), {"upstream_count": 2}, f"{VIEWS}{VIEW}/dependencies/"),
    ],
)
def test_single_objects(server: Scripted, client: Client, ask: Any, body: dict, path: str):
    server.play(answer(200, body))

    found = ask(client)

    assert (server.asked[0].method, server.asked[0].path) == ("GET", path)
    assert found == found.__class__.parse(body)


def test_a_crawl_goes_through_every_page(server: Scripted, client: Client):
    second = {**LIST_B, "id": VIEW.replace("1111", "3333")}
    server.play(page([LIST_B], count=2, following="https://internal/?page=2"), page([second], count=2))

    pages = list(reads.iter_saved_query_pages(client))

    assert [view.id for found in pages for view in found.results] == [VIEW, second["id"]]
    assert [asked.params["page"] for asked in server.asked] == [["1"], ["2"]]


def test_a_crawl_that_would_never_end_stops(server: Scripted, client: Client):
    server.play(page([], following="https://internal/?page=2"))

    with pytest.raises(errors.BadAnswer, match="successor"):
        list(reads.iter_saved_query_pages(client))
    assert len(server.asked) == 1


def test_a_crawl_that_breaks_says_so(server: Scripted, client: Client):
    server.play(page([LIST_B], count=2, following="https://internal/?page=2"), problem(500, "no"))

    with pytest.raises(errors.ServerError):
        list(reads.iter_saved_query_pages(client))


@pytest.mark.parametrize("direction", [reads.ancestors, reads.descendants])
@pytest.mark.parametrize(("level", "body"), [(None, {}), (2, {"level": 2})])
def test_lineage_is_asked_by_level(server: Scripted, client: Client, direction: Any, level: int | None, body: dict):
    name = direction.__name__
    server.play(answer(200, {name: [VIEW, "events"]}))

    assert direction(client, VIEW, level) == [VIEW, "events"]
    assert (server.asked[0].method, server.asked[0].path) == ("POST", f"{VIEWS}{VIEW}/{name}/")
    assert server.asked[0].json() == body


def test_a_level_below_one_is_refused_here(server: Scripted, client: Client):
    with pytest.raises(ValueError, match="level"):
        reads.ancestors(client, VIEW, 0)
    assert server.asked == []


def test_the_run_history_may_be_empty_but_not_absent(server: Scripted, client: Client):
    run = {"status": "Completed", "timestamp": "2026-01-05T10:00:00Z"}
    server.play(answer(200, {"run_history": [run]}), answer(200, {"run_history": []}), answer(200, {}))

    assert reads.run_history(client, VIEW)[0].status == "Completed"
    assert reads.run_history(client, VIEW) == []
    with pytest.raises(errors.BadAnswer):
        reads.run_history(client, VIEW)


def test_folders_are_a_bare_list(server: Scripted, client: Client):
    server.play(answer(200, [{"id": "f1", "name": "Marts", "view_count": 3}]), answer(200, {"results": []}))

    assert reads.list_folders(client)[0].view_count == 3
    with pytest.raises(errors.BadAnswer):
        reads.list_folders(client)


def test_managed_views_are_listed_by_kind(server: Scripted, client: Client):
    server.play(answer(200, {"views": [{"id": VIEW, "name": "revenue"}], "count": 1}))

    assert reads.managed_viewset(client, "revenue_analytics")[0].name == "revenue"
    assert server.asked[0].path == f"{PROJECT}managed_viewsets/revenue_analytics/"
    with pytest.raises(ValueError, match="kind"):
        reads.managed_viewset(client, "../projects")


def test_a_query_is_checked_without_running(server: Scripted, client: Client):
    server.play(answer(200, {"isValid": True, "errors": [], "warnings": [], "notices": [], "table_names": ["events"]}))

    assert reads.validate_query(client, "SELECT '\u00e9\r\n'").is_valid
    query = {"kind": "HogQLMetadata", "language": "hogQL", "query": "SELECT '\u00e9\r\n'"}
    assert server.asked[0].json() == {"query": query}
    assert server.asked[0].path == f"{PROJECT}query/"


def test_a_query_is_run_and_an_unfinished_one_is_no_result(server: Scripted, client: Client):
    result = {"results": [[1, None]], "columns": ["a", "b"], "types": [["a", "Int"], ["b", "String"]], "hasMore": True}
    server.play(answer(200, result), answer(202, {"query_status": {"complete": False}}))

    found = reads.run_query(client, "SELECT a, b FROM t LIMIT 1")

    assert (found.columns, found.results, found.has_more) == (["a", "b"], [[1, None]], True)
    with pytest.raises(errors.BadAnswer):
        reads.run_query(client, "SELECT 1")


@pytest.mark.parametrize("malformed", ["", "x", "../..", "1; DROP", VIEW + "/"])
def test_a_malformed_id_never_reaches_posthog(server: Scripted, client: Client, malformed: str):
    with pytest.raises(ValueError, match="id"):
        reads.get_saved_query(client, malformed)
    assert server.asked == []
