"""A large warehouse: what a sync costs grows with the pages of the list, and with nothing else."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection as database

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import crawl, run
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

VIEWS, PAGES = 20_000, 20
LIST = "/api/projects/1/warehouse_saved_queries/"
OTHER_REQUESTS = 15
QUERIES_FOR_AN_UNCHANGED_PAGE = 5
MOST_MEMORY = 50.0
"""MB that a sync may add: all rows at once would be more."""


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Plain views, none of them materialized."""
    monkeypatch.setattr("warehouse_admin.sandbox.synthetic._materialize", lambda *_: None)
    with SandboxServer(generation="D", size=VIEWS) as server:
        yield server


@pytest.fixture
def queries_by_page(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many SQL statements the writing of each page took."""
    counts: list[int] = []
    real = crawl.store_page

    def counted(job: Job, *args: Any) -> None:
        def count(execute: Callable[..., Any], *statement: Any) -> Any:
            counts[-1] += 1
            return execute(*statement)

        counts.append(0)
        with database.execute_wrapper(count):
            real(job, *args)

    monkeypatch.setattr(crawl, "store_page", counted)
    return counts


def memory_peak() -> float:
    """The most that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_twenty_thousand_views_cost_their_pages_and_no_more(
    connection: Connection,
    sync: Callable[..., SyncRun],
    sandbox: SandboxServer,
    queries_by_page: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The list is what is looked at here: as if every view had been read in full, and had its state, already.
    monkeypatch.setattr(SavedQuery._meta.get_field("needs_detail"), "default", False)
    monkeypatch.setattr(run, "refresh_states", lambda connection: 0)
    accounts.check_connection(connection)
    sandbox.world.requests.clear()
    before = memory_peak()

    first = sync()

    assert (first.state, first.counts["created"]) == ("succeeded", VIEWS)
    assert SavedQuery.objects.present().count() == VIEWS
    assert len(queries_by_page) == PAGES and len(set(queries_by_page)) == 1
    assert memory_peak() - before < MOST_MEMORY

    queries_by_page.clear()
    sandbox.world.requests.clear()
    second = sync()

    assert (second.state, second.counts["unchanged"]) == ("succeeded", VIEWS)
    assert queries_by_page == [QUERIES_FOR_AN_UNCHANGED_PAGE] * PAGES
    asked = [request.path for request in sandbox.world.requests]
    assert asked.count(LIST) == PAGES
    assert len(asked) <= PAGES + OTHER_REQUESTS
    assert memory_peak() - before < MOST_MEMORY
