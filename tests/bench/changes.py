"""A change with a long text: its review page, and how long an approval takes to be in PostHog on an idle system."""

from __future__ import annotations

import statistics
import time
import uuid

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.bench.session import Browser
from tests.bench.telling import told
from tests.running import environment_of, scratch_folder, start, stop, wait_until_mirrored, wait_until_ready
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.revisions import add_revision
from warehouse_admin.mirror.models import SavedQuery

LINES, CHANGED, ROUNDS = 2_000, 500, 15
LONGEST_PAGE, MOST_QUERIES = 0.3, 15
LONGEST_APPLY = 2.0
"""Seconds, the server's own time aside."""


def run() -> None:
    _review_page()
    _apply()


def _review_page() -> None:
    """The page of a change of 500 lines in 2,000, both ways to show the difference."""
    change, client = _long_change(), Client()
    client.force_login(_person("bench-reviewer", Role.REVIEWER))
    for name, query in (("side by side", ""), ("unified", "?view=unified")):
        url = f"/changes/{change.pk}/{query}"
        client.get(url)
        seconds = [_timed(client, url) for _ in range(ROUNDS)]
        with CaptureQueriesContext(database) as captured:
            client.get(url)
        median, queries = statistics.median(seconds), len(captured)
        reached = median <= LONGEST_PAGE and queries <= MOST_QUERIES
        told(f"review page, {name}", f"{median * 1000:.0f} ms, {queries} queries", "300 ms, 15 queries", reached)


def _timed(client: Client, url: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)
    assert answer.status_code == 200
    return time.perf_counter() - began


def _long_change() -> ChangeRequest:
    author = _person("bench-author", Role.EDITOR)
    connection = Connection.objects.create(
        slug="long", name="Long", host="http://127.0.0.1:9", project_id="2", api_key="k" * 40
    )
    lines = [f"    countIf(event = 'step_{number}') AS step_{number}," for number in range(LINES - 3)]
    edited = list(lines)
    for number in range(0, LINES - 3, (LINES - 3) // CHANGED):
        edited[number] = edited[number].replace("countIf", "uniqIf")
    base, proposal = (_sql(one) for one in (lines, edited))
    view = SavedQuery.objects.create(connection=connection, posthog_id=uuid.uuid4(), name="long_view", query=base)
    change = ChangeRequest.objects.create(
        connection=connection,
        saved_query=view,
        object_name=view.name,
        author=author,
        action=ChangeRequest.Action.EDIT_QUERY,
        state=ChangeRequest.State.IN_REVIEW,
        reason="bench",
        state_changed_at=timezone.now(),
    )
    held = {"id": str(view.posthog_id), "name": view.name, "query": base, "fetched_at": timezone.now().isoformat()}
    add_revision(change, author, held, {"query": proposal})
    return change


def _sql(lines: list[str]) -> str:
    return "\n".join(["SELECT", *lines, "    1 AS last", "FROM events"])


def _person(name: str, role: Role) -> User:
    user = User.objects.create_user(name)
    give_role(user, role)
    return user


def _apply() -> None:
    """A portal of its own, as `make run` starts it: from the click on Approve until the page says applied."""
    with scratch_folder() as folder:
        environment = environment_of(folder)
        process = start(environment)
        try:
            portal = wait_until_ready(process, environment)
            wait_until_mirrored(portal)
            seconds = [_one_apply(portal.url, number) for number in range(5)]
        finally:
            stop(process)
    median = statistics.median(seconds)
    told(
        "approved → applied",
        f"{median:.2f} s",
        f"{LONGEST_APPLY:.0f} s and PostHog's own time",
        median <= LONGEST_APPLY,
    )


def _one_apply(url: str, number: int) -> float:
    erin, remy = Browser(url, "erin"), Browser(url, "remy")
    view = erin.api("GET", "saved-queries/?search=mart_refunds_disputes")["results"][0]
    body = {"action": "edit_query", "saved_query": view["id"], "query": f"SELECT {number} AS bench_{number}"}
    change = erin.api("POST", "changes/", {**body, "reason": "bench", "submit": True})["number"]
    began = time.perf_counter()
    remy.api("POST", f"changes/{change}/approve/", {})
    while remy.api("GET", f"changes/{change}/")["state"] != "applied":
        time.sleep(0.02)
        assert time.perf_counter() - began < 60, "it was not applied within a minute"
    return time.perf_counter() - began
