"""Every list at 100 and at 10,000 rows, beside Django admin's changelist of the same rows in the same run.

The targets are for PostgreSQL: at most 12 SQL queries; a list no slower than the admin's, and as fast at 10,000 rows as
at 100; a search in half of the admin's time. A search is what the search box asks for at each pause in typing: the
table alone, while the admin answers with its whole page.

The two sizes are minutes apart, on a machine that may be busier at one of them. So growth is counted in times of a
yardstick, a list of one row at both sizes, asked in turn with the others.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.seed import seed_mirror
from tests.bench.seed_work import seed_work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.mirror.models import SavedQuery

SIZES = (100, 10_000)
ROUNDS = 15
MOST_QUERIES = 12
AS_FAST, HALF = 1.0, 0.5
FLAT = 1.5
"""A list may take this many times as long at the larger size: room for noise and for counting, not for more rows."""
YARDSTICK = "/connections/"

VIEWS, SCHEDULES = "/admin/mirror/savedquery/", "/schedules-admin/mirror/savedquery/"
TABLES, SYNCS, RUNS = "/admin/mirror/warehousetable/", "/admin/mirror/syncrun/", "/admin/mirror/run/"
CHANGES, RESUMES = "/admin/changes/changerequest/", "/admin/schedules/campaign/"
ACTIVITY, AUDIT, PEOPLE = "/admin/activity/activityentry/", "/admin/audit/auditentry/", "/admin/accounts/user/"


@dataclass(frozen=True)
class Case:
    """A list of the portal, and the admin's of the same rows ("" where it has none like it)."""

    name: str
    url: str
    admin: str = ""
    is_search: bool = False
    is_fragment: bool = False
    is_partial: bool = False  # shows fewer rows, or others, at the smaller size: its growth says nothing

    @property
    def share(self) -> float:
        """How much of the admin's time it may take."""
        return HALF if self.is_search else AS_FAST


def searches(name: str, url: str, admin: str, **words: str) -> list[Case]:
    """A search for each word, named by what it finds."""
    return [
        Case(f"{name}, search: {found}", f"{url}q={word}", f"{admin}?q={word}", is_search=True, is_fragment=True)
        for found, word in words.items()
    ]


def cases(view: SavedQuery) -> list[Case]:
    """All lists; `view` has a long history of runs."""
    of_view = f"/saved-queries/{view.posthog_id}"
    runs_of_view = f"{RUNS}?saved_query__id__exact={view.pk}"
    return [
        Case("views", "/saved-queries/", VIEWS),
        Case(
            "views, page 2 by last run", "/saved-queries/?sort=-last_run&page=2", f"{VIEWS}?o=-7&p=2", is_partial=True
        ),
        Case("views, last page", "/saved-queries/?deleted=any&page=200", f"{VIEWS}?p=200"),
        Case(
            "views, failing", "/saved-queries/?state=failing", f"{VIEWS}?schedule_state__exact=failing", is_partial=True
        ),
        Case("views, changed outside", "/saved-queries/?tab=outside", is_partial=True),
        *searches("views", "/saved-queries/?", VIEWS, many="signed_up", one="raw_orders_00042", none="no_such_word"),
        Case("runs of a view", f"{of_view}/runs/", runs_of_view, is_fragment=True),
        Case("activity of a view", f"{of_view}/activity/"),
        Case("tables", "/tables/", TABLES),
        *searches("tables", "/tables/?", TABLES, many="orders", one="raw_orders_00042", none="no_such_word"),
        Case("syncs", "/syncs/", SYNCS),
        Case("schedules", "/schedules/", SCHEDULES),
        Case(
            "schedules, failing",
            "/schedules/?state=failing",
            f"{SCHEDULES}?schedule_state__exact=failing",
            is_partial=True,
        ),
        Case("schedules, by cause", "/schedules/?group=cause", SCHEDULES),
        Case("schedules, by root", "/schedules/?group=root", SCHEDULES),
        Case("schedules, by owner", "/schedules/?group=owner"),
        Case("schedules, by last editor", "/schedules/?group=editor"),
        Case("schedules, grid", "/schedules/?layout=grid", SCHEDULES),
        *searches("schedules", "/schedules/?", SCHEDULES, many="mart", one="_00042", none="no_such_word"),
        Case("campaigns", "/schedules/resumes/", RESUMES),
        Case("changes, all", "/changes/?tab=all", CHANGES),
        Case("changes, open", "/changes/"),
        *searches("changes", "/changes/?tab=all&", CHANGES, many="finance", one="(42)", none="no_such_word"),
        Case("activity, all", "/activity/?folder=all", ACTIVITY),
        Case(
            "activity, unreviewed", "/activity/", f"{ACTIVITY}?needs_review__exact=1&verdict__exact=", is_partial=True
        ),
        *searches("activity", "/activity/?folder=all&", ACTIVITY, many="mart", none="no_such_word"),
        Case("audit", "/audit/", AUDIT),
        Case("audit, denied", "/audit/?result=denied", f"{AUDIT}?result__exact=denied", is_partial=True),
        *searches("audit", "/audit/?", AUDIT, many="finance", one="(42)", none="no_such_word"),
        Case("people", "/people/", PEOPLE),
        *searches("people", "/people/?", PEOPLE, many="person", one="00042", none="no_such_word"),
        *_rest(of_view, runs_of_view),
    ]


def _rest(of_view: str, runs_of_view: str) -> list[Case]:
    """The same lists over REST, as many rows as the admin shows. A change is told there with its diff and its votes."""
    lists = {
        "saved-queries": VIEWS,
        f"{of_view.strip('/')}/runs": runs_of_view,
        "tables": TABLES,
        "sync": SYNCS,
        "schedules/resumes": RESUMES,
        "changes": "",
        "activity": ACTIVITY,
        "audit": AUDIT,
    }
    word = "signed_up"
    found = Case("REST views, search", f"/api/v1/saved-queries/?limit=50&search={word}", f"{VIEWS}?q={word}", True)
    return [
        *(Case(f"REST {path.split('/')[-1]}", f"/api/v1/{path}/?limit=50", admin) for path, admin in lists.items()),
        found,
    ]


@dataclass
class Result:
    """Medians in seconds, of the portal at the two sizes and of the admin at the larger; `grows` in yardsticks."""

    small: float = 0.0
    large: float = 0.0
    grows: float = 0.0
    queries: int = 0
    admin: float = 0.0

    def missed(self, case: Case) -> list[str]:
        """The targets that were not reached."""
        checks = {
            "queries": self.queries <= MOST_QUERIES,
            "flat": case.is_search or case.is_partial or self.grows <= FLAT,
            "admin": not case.admin or self.large <= case.share * self.admin,
        }
        return [name for name, reached in checks.items() if not reached]


def run() -> None:
    client, connection = _portal()
    results: dict[str, Result] = {}
    for size in SIZES:
        seed_mirror(connection, size)
        seed_work(connection, size)
        _settle()
        all_cases = cases(SavedQuery.objects.filter(connection=connection).earliest("pk"))
        for case in all_cases:
            measured = results.setdefault(case.name, Result())
            if size == SIZES[0]:
                measured.small, _, small_yardstick = _medians(client, case, beside="")
                measured.grows = small_yardstick / measured.small
                continue
            with CaptureQueriesContext(database) as captured:
                _seconds(client, case.url, is_fragment=case.is_fragment)
                measured.queries = len(captured)
            measured.large, measured.admin, yardstick = _medians(client, case, beside=case.admin)
            measured.grows *= measured.large / yardstick
    _report(all_cases, results)


def _portal() -> tuple[Client, Connection]:
    """A client signed in as somebody who may see everything here and in the admin, and a connection to fill."""
    user = User.objects.create_user("bench", is_staff=True, is_superuser=True)
    for role in Role:
        give_role(user, role)
    connection = Connection.objects.create(
        slug="bench", name="Bench", host="http://127.0.0.1:9", project_id="1", api_key="k" * 40
    )
    client = Client()
    client.force_login(user)
    return client, connection


def _settle() -> None:
    """What autovacuum would have done by the time people look."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _medians(client: Client, case: Case, *, beside: str) -> tuple[float, ...]:
    """Median seconds of the portal, the admin and the yardstick, asked in turn: a busy moment slows all of them."""
    rounds = []
    for _ in range(ROUNDS + 1):
        ours = _seconds(client, case.url, is_fragment=case.is_fragment)
        admins = _seconds(client, beside) if beside else 0.0
        rounds.append((ours, admins, _seconds(client, YARDSTICK, is_fragment=True)))
    return tuple(statistics.median(taken) for taken in zip(*rounds[1:], strict=True))  # the first loads templates


def _seconds(client: Client, url: str, *, is_fragment: bool = False) -> float:
    headers = {"HX-Request": "true"} if is_fragment else {}
    began = time.perf_counter()
    response = client.get(url, headers=headers)
    taken = time.perf_counter() - began
    assert response.status_code == 200, (url, response.status_code)
    return taken


def _report(all_cases: Iterable[Case], results: dict[str, Result]) -> None:
    small, large = (f"{size:,}" for size in SIZES)
    print(f"On {database.display_name}, medians of {ROUNDS} in milliseconds.")
    print(f"{'rows:':27}{small:>8}{large:>8}{'grows':>7}{'queries':>9}{'admin':>8}{'share':>7}{'target':>8}")
    for case in all_cases:
        found = results[case.name]
        beside = f"{'':23}"
        if case.admin:
            beside = f"{found.admin * 1000:8.1f}{found.large / found.admin:7.2f}{f'≤ {case.share:g}':>8}"
        cells = f"{found.small * 1000:8.1f}{found.large * 1000:8.1f}{found.grows:7.2f}{found.queries:9}"
        missed = found.missed(case)
        print(f"{case.name:27}{cells}{beside}  {'MISSED ' + ', '.join(missed) if missed else 'ok'}")
