"""Every list page at 100 and at 10,000 views: median time and SQL queries. Target: at most 12 queries, and flat."""

from __future__ import annotations

import statistics
import time

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.seed import seed_views
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role

SIZES = (100, 10_000)
PAGES = {
    "views": "/saved-queries/",
    "views, page 2 by last run": "/saved-queries/?sort=-last_run&page=2",
    "views, search in SQL": "/saved-queries/?q=signed_up",
    "schedules": "/schedules/",
    "changes": "/changes/",
    "activity": "/activity/",
    "audit": "/audit/",
    "API saved-queries": "/api/v1/saved-queries/?limit=100",
}
ROUNDS = 9


def run() -> None:
    user = User.objects.create_user("bench")
    for role in Role:
        give_role(user, role)
    connection = Connection.objects.create(slug="bench", name="Bench", host="http://127.0.0.1:9", project_id="1")
    client = Client()
    client.force_login(user)
    print(f"{'page':32}" + "".join(f"{f'{size:,} rows':>16} {'queries':>8}" for size in SIZES) + f"{'ratio':>8}")
    results: dict[str, list[tuple[float, int]]] = {page: [] for page in PAGES}
    for size in SIZES:
        seed_views(connection, size)
        for page, url in PAGES.items():
            results[page].append(_measure(client, url))
    for page, measured in results.items():
        cells = "".join(f"{seconds * 1000:13.1f} ms {queries:8}" for seconds, queries in measured)
        print(f"{page:32}{cells}{measured[-1][0] / measured[0][0]:8.2f}")


def _measure(client: Client, url: str) -> tuple[float, int]:
    """Median seconds of a few requests, and the queries of one."""
    with CaptureQueriesContext(
        database,
    ) as captured:
        response = client.get(url)
    queries = len(captured)  # now: the next request empties the log
    assert response.status_code == 200, (url, response.status_code)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        client.get(url)
        times.append(time.perf_counter() - began)
    return statistics.median(times), queries
