"""A large warehouse: what a sync costs grows with the pages of the list, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection as database

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.sync import crawl
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

VIEWS, PAGES = 20_000, 20
LIST = "/api/projects/1/warehouse_saved_queries/"
OTHER_REQUESTS = 15
QUERIES_FOR_AN_UNCHANGED_PAGE = 5


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A server whose lists carry the SQL, so that everything is in them."""
    with SandboxServer(generation="A", size=VIEWS) as server:
        yield server


@pytest.fixture
def queries_by_page(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many SQL statements the writing of each page took."""
    counts: list[int] = []
    real = crawl.store_page

    def counted(job: Job, *args: Any) -> Any:
        def count(execute: Callable[..., Any], *statement: Any) -> Any:
            counts[-1] += 1
            return execute(*statement)

        counts.append(0)
        with database.execute_wrapper(count):
            return real(job, *args)

    monkeypatch.setattr(crawl, "store_page", counted)
    return counts


def test_twenty_thousand_views_cost_their_pages_and_no_more(
    connection: Connection,
    sync: Callable[..., SyncRun],
    sandbox: SandboxServer,
    differs: Callable[[], dict[str, object]],
    queries_by_page: list[int],
) -> None:
    accounts.check_connection(connection)
    sandbox.world.requests.clear()

    first = sync()

    assert (first.state, first.counts["created"]) == ("succeeded", VIEWS)
    assert len(queries_by_page) == PAGES and len(set(queries_by_page)) == 1

    queries_by_page.clear()
    sandbox.world.requests.clear()
    second = sync()

    assert (second.state, second.counts["unchanged"]) == ("succeeded", VIEWS)
    assert queries_by_page == [QUERIES_FOR_AN_UNCHANGED_PAGE] * PAGES
    asked = [request.path for request in sandbox.world.requests]
    assert asked.count(LIST) == PAGES
    assert len(asked) <= PAGES + OTHER_REQUESTS
    assert differs() == {}
