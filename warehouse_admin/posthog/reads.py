"""Everything asked of PostHog that changes nothing there. Some are POSTs; all may be repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

from . import errors
from .answers import Dependencies, Folder, KeyInfo, ManagedView, Project, QueryResult, QueryValidation
from .client import Answer, Client, Timeout
from .parsing import row_of, rows_of
from .types import ActivityEntry, HistoryRun, Job, Page, SavedQuery, UserInterview, UserRef, WarehouseTable

T = TypeVar("T")
Id = UUID | str

SAVED_QUERIES = "warehouse_saved_queries/"
TABLES = "warehouse_tables/"
INTERVIEWS = "user_interviews/"
FOLDERS = "warehouse_saved_query_folders/"
VIEW_SCOPE = "DataWarehouseSavedQuery"


def path_to(collection: str, key: Id, action: str = "") -> str:
    """The path of one object or its action. ValueError for an id that is no uuid: it never reaches PostHog."""
    try:
        canonical = UUID(str(key))
    except ValueError:
        raise ValueError("This is not the id of a PostHog object.") from None
    return f"{collection}{canonical}/" + (f"{action}/" if action else "")


def current_key(client: Client) -> KeyInfo:
    """The calling key itself; needs no scope, so it is the connection test."""
    return client.request("GET", "/api/personal_api_keys/@current/").read(KeyInfo.parse)


def current_user(client: Client) -> UserRef:
    """The person the key belongs to: everything done with it carries this name in PostHog."""
    return client.request("GET", "/api/users/@me/").read(lambda data: UserRef.parse(row_of(data, "a user")))


def list_projects(client: Client, *, limit: int = 100, offset: int = 0) -> Page[Project]:
    """Projects the key can see; ProjectRestricted for a key limited to some."""
    return _page(client, f"/api/{client.path_prefix}/", Project.parse, "projects", limit=limit, offset=offset)


def get_project(client: Client) -> Project:
    """The client's own project."""
    path = f"/api/{client.path_prefix}/{client.project_id}/"
    return client.request("GET", path).read(Project.parse)


def list_saved_queries(
    client: Client, page: int = 1, search: str | None = None, *, include_columns: bool | None = None
) -> Page[SavedQuery]:
    """One page of 1,000 views, newest first. Only D heeds `include_columns`."""
    wish = None if include_columns is None else str(include_columns).lower()
    return _page(
        client, SAVED_QUERIES, SavedQuery.parse, "saved queries", page=page, search=search, include_columns=wish
    )


def iter_saved_query_pages(
    client: Client, *, start: int = 1, search: str | None = None, include_columns: bool | None = None
) -> Iterator[Page[SavedQuery]]:
    """Every page from `start`. Rows may shift between pages: de-duplicate by id and compare the counts."""
    number = start
    while True:
        page = list_saved_queries(client, number, search, include_columns=include_columns)
        yield page
        if not page.has_next:
            return
        if not page.results:
            raise errors.BadAnswer("PostHog sent an empty page that claims to have a successor.")
        number += 1


def get_saved_query(client: Client, saved_query_id: Id, *, timeout: Timeout | None = None) -> SavedQuery:
    """One view with its query and token. Raises NotFound when it is gone."""
    return client.request("GET", path_to(SAVED_QUERIES, saved_query_id), timeout=timeout).read(SavedQuery.parse)


def find_saved_query(client: Client, name: str) -> SavedQuery | None:
    """The view of exactly this name, with its query; None when PostHog lists none."""
    for page in iter_saved_query_pages(client, search=name, include_columns=False):
        for row in page.results:
            if row.name == name and not row.deleted:
                return _unless_gone(client, row.id)
    return None


def _unless_gone(client: Client, saved_query_id: Id) -> SavedQuery | None:
    try:
        return get_saved_query(client, saved_query_id)
    except errors.NotFound as error:
        if error.object_missing:
            return None
        raise


def list_saved_query_activity(
    client: Client, saved_query_id: Id, *, page: int = 1, limit: int = 10
) -> Page[ActivityEntry]:
    """One view's log, newest first. It answers for deleted views too; a page past the end is a ServerError."""
    path = path_to(SAVED_QUERIES, saved_query_id, "activity")
    return _page(client, path, ActivityEntry.parse, "activity", page=page, limit=limit)


def ancestors(client: Client, saved_query_id: Id, level: int | None = None) -> list[str]:
    """Everything upstream within `level` hops (all when None): uuids, or plain names of built-in tables."""
    return _lineage(client, saved_query_id, "ancestors", level)


def descendants(client: Client, saved_query_id: Id, level: int | None = None) -> list[str]:
    """Everything downstream within `level` hops (all when None): uuids."""
    return _lineage(client, saved_query_id, "descendants", level)


def dependencies(client: Client, saved_query_id: Id) -> Dependencies:
    """How many immediate neighbours a view has."""
    return client.request("GET", path_to(SAVED_QUERIES, saved_query_id, "dependencies")).read(Dependencies.parse)


def run_history(client: Client, saved_query_id: Id) -> list[HistoryRun]:
    """At most the last five runs, newest first; empty if it never ran."""
    return client.request("GET", path_to(SAVED_QUERIES, saved_query_id, "run_history")).read(_history)


def list_jobs(
    client: Client, saved_query_id: Id | None = None, cursor: str | None = None, limit: int = 100
) -> Page[Job]:
    """Runs, newest first: of one view, or of the whole project. Go on with `page.cursor`."""
    if saved_query_id is not None:
        saved_query_id = str(UUID(str(saved_query_id)))
    known = {"saved_query_id": saved_query_id, "cursor": cursor, "limit": limit}
    return _page(client, "data_modeling_jobs/", Job.parse, "runs", **known)


def list_activity_log(
    client: Client,
    scope: str = VIEW_SCOPE,
    cursor: str | None = None,
    *,
    item_id: Id | None = None,
    page_size: int | None = None,
    page: int | None = None,
) -> Page[ActivityEntry]:
    """The project's log, newest first, 100 at a time by `page.cursor`; or by `page` and `page_size`. 402 is Refused."""
    known = {"scope": scope, "cursor": cursor, "item_id": item_id, "page": page, "page_size": page_size}
    return _page(client, "activity_log/", ActivityEntry.parse, "activity", **known)


def list_tables(
    client: Client, limit: int = 100, offset: int = 0, *, search: str | None = None
) -> Page[WarehouseTable]:
    """Tables, newest first, the storage of materialized views among them. Past the end the page is empty."""
    return _page(client, TABLES, WarehouseTable.parse, "tables", limit=limit, offset=offset, search=search)


def get_table(client: Client, table_id: Id) -> WarehouseTable:
    """One table; never its credentials."""
    return client.request("GET", path_to(TABLES, table_id)).read(WarehouseTable.parse)


def find_table(client: Client, name: str) -> WarehouseTable | None:
    """The table of exactly this name; None when PostHog lists none."""
    return next((row for row in iter_tables(client, search=name) if row.name == name and not row.deleted), None)


def iter_tables(client: Client, *, search: str | None = None) -> Iterator[WarehouseTable]:
    """Every table, newest first. Rows may shift between pages: one may come twice."""
    offset = 0
    while True:
        page = list_tables(client, 500, offset, search=search)
        yield from page.results
        if not page.has_next:
            return
        if not page.results:
            raise errors.BadAnswer("PostHog sent an empty page that claims to have a successor.")
        offset += len(page.results)


def list_interviews(client: Client, limit: int = 100, offset: int = 0) -> Page[UserInterview]:
    """User interviews, newest first: personal data, and an optional product that may be refused."""
    return _page(client, INTERVIEWS, UserInterview.parse, "user interviews", limit=limit, offset=offset)


def get_interview(client: Client, interview_id: Id) -> UserInterview:
    """One user interview."""
    return client.request("GET", path_to(INTERVIEWS, interview_id)).read(UserInterview.parse)


def list_folders(client: Client) -> list[Folder]:
    """All folders of views; NotFound on servers older than folders."""
    return client.request("GET", FOLDERS).read(lambda data: [Folder.parse(row) for row in rows_of(data, "folders")])


def managed_viewset(client: Client, kind: str) -> list[ManagedView]:
    """The views PostHog manages for `kind`, such as `revenue_analytics`."""
    if not re.fullmatch(r"[a-z0-9_]{1,100}", kind):
        raise ValueError("This is not a kind of managed views.")
    return client.request("GET", f"managed_viewsets/{kind}/").read(_managed_views)


def validate_query(client: Client, hogql: str, *, timeout: Timeout | None = None) -> QueryValidation:
    """Let PostHog parse a query without running or saving it. It knows neither the rules for views nor cycles."""
    query = {"kind": "HogQLMetadata", "language": "hogQL", "query": hogql}
    return _ask(client, "query/", {"query": query}, timeout).read(QueryValidation.parse)


def run_query(client: Client, hogql: str, *, timeout: Timeout | None = None) -> QueryResult:
    """Run a query (at most 100 rows unless it says LIMIT). Its rate is far lower than that of other requests."""
    query = {"kind": "HogQLQuery", "query": hogql}
    return _ask(client, "query/", {"query": query}, timeout).read(QueryResult.parse)


def _ask(client: Client, path: str, body: dict[str, Any], timeout: Timeout | None = None) -> Answer:
    """A POST that changes nothing, so it may be repeated."""
    return client.request("POST", path, json=body, timeout=timeout, retry=True)


def _page(client: Client, path: str, parse: Callable[[Any], T], what: str, **params: Any) -> Page[T]:
    given = {name: value for name, value in params.items() if value is not None}
    return client.request("GET", path, params=given).read(lambda data: Page.parse(data, parse, what))


def _lineage(client: Client, saved_query_id: Id, direction: str, level: int | None) -> list[str]:
    if level is not None and level < 1:
        raise ValueError("A level counts hops and starts at 1.")
    path = path_to(SAVED_QUERIES, saved_query_id, direction)
    answer = _ask(client, path, {} if level is None else {"level": level})
    names = answer.read(lambda data: rows_of(row_of(data, direction).get(direction), direction))
    return [name for name in names if isinstance(name, str)]


def _history(data: Any) -> list[HistoryRun]:
    runs = rows_of(row_of(data, "a run history").get("run_history"), "runs")
    return [HistoryRun.parse(run) for run in runs if isinstance(run, dict)]


def _managed_views(data: Any) -> list[ManagedView]:
    views = rows_of(row_of(data, "managed views").get("views"), "managed views")
    return [ManagedView.parse(view) for view in views]
