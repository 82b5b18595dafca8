"""How runs have gone: by day, by view, and whose fault a failed run was."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.dateparse import parse_datetime

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import Run, SavedQuery

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
NOW = datetime.now(UTC)


@pytest.fixture
def connection(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


def ran(view: SavedQuery, days: float, status: str = "Completed", minutes: float = 1, error: str = "") -> Run:
    started = NOW - timedelta(days=days)
    ended = started + timedelta(minutes=minutes)
    told = {"status": status, "started_at": started, "finished_at": ended, "error": error, "rows": 7}
    return Run.objects.create(saved_query=view, job_id=uuid.uuid4().hex, **told)


@pytest.fixture
def views(connection: Connection) -> dict[str, SavedQuery]:
    return {name: make_view(connection, name, is_materialized=True) for name in ("slow", "flaky", "fine")}


def test_the_slowest_and_the_most_failing_views_stand_first(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    ran(views["slow"], 1, minutes=90)
    ran(views["slow"], 20, "Failed")
    for days in (1, 2, 3):
        ran(views["flaky"], days, "Failed", minutes=400)
    ran(views["flaky"], 4, minutes=2)
    ran(views["fine"], 1, "Cancelled", minutes=500)
    ran(views["fine"], 1)
    client = client_of(viewer)

    page = client.get("/schedules/runs/")

    found = page.context["found"]
    assert [(row.name, row.failed, row.runs) for row in found.most_failing] == [("flaky", 3, 4)]
    assert [row.name for row in found.slowest] == ["slow", "flaky", "fine"]
    assert (found.completed, found.failed, len(found.by_day)) == (3, 3, 7)
    assert "50 % of 6 succeeded; 3 failed" in page.content.decode()
    month = client.get("/schedules/runs/?days=30").context["found"]
    assert [row.name for row in month.most_failing] == ["flaky", "slow"]

    told = client.get("/api/v1/schedules/statistics/?days=7").json()
    assert (told["success_rate"], len(told["by_day"])) == (0.5, 7)
    assert told["most_failing"][0]["saved_query"] == str(views["flaky"].posthog_id)
    assert client.get("/api/v1/schedules/statistics/?days=8").status_code == 400


def test_states_are_those_of_now_while_the_counts_are_kept(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    ran(views["flaky"], 1, "Failed")
    ran(views["flaky"], 2)
    SavedQuery.objects.update(schedule_state="failing")
    client = client_of(viewer)
    assert "Failing" in client.get("/schedules/runs/").content.decode()

    SavedQuery.objects.update(schedule_state="on_time")
    ran(views["flaky"], 3, "Failed")

    page = client.get("/schedules/runs/")
    assert [(row.failed, row.schedule_state) for row in page.context["found"].most_failing] == [(1, "on_time")]
    assert page.content.decode().count("On time") == 2 and "Failing" not in page.content.decode()
    told = client.get("/api/v1/schedules/statistics/").json()
    assert [row["schedule_state"] for row in told["slowest"]] == ["on_time"]


def month(view: SavedQuery, *, begins: int, good: int, bad: int = 0, minutes: float = 10) -> None:
    """Runs spread over 30 days, the newest so many days ago."""
    for number in range(good + bad):
        status = "Completed" if number < good else "Failed"
        ran(view, begins + number * 28 / (good + bad), status, minutes=minutes)


def trend_of(client: Client) -> tuple[str, dict]:
    """What the page says of it, and what the API tells."""
    cache.clear()
    page = client.get("/schedules/runs/").content.decode()
    said = re.search(r"The last 30 days against the 30 before: (.*?)</p>", page, re.S)
    words = re.sub(r"<[^>]+>", "", said[1]).strip() if said else ""
    return words, client.get("/api/v1/schedules/statistics/").json()["trend"]


def test_how_success_and_duration_have_moved_is_said_in_words(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    month(views["fine"], begins=1, good=19, bad=1, minutes=15)
    month(views["fine"], begins=31, good=12, bad=8, minutes=10)

    words, told = trend_of(client_of(viewer))

    assert words == "success rate better, 60 % then and 95 % now; median run longer, 10 m then and 15 m now."
    assert (told["success_rate_trend"], told["duration_trend"]) == ("better", "longer")
    assert told["duration_change"] == pytest.approx(0.5)
    assert (told["before"]["completed"], told["before"]["failed"]) == (12, 8)
    assert told["lately"]["median_duration"] == "00:15:00"


def test_a_small_change_is_steady_and_the_median_heeds_no_single_long_run(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    month(views["fine"], begins=1, good=45, bad=5, minutes=10.9)
    ran(views["fine"], 2, minutes=5_000)
    ran(views["fine"], 2, "Cancelled")
    month(views["fine"], begins=31, good=45, bad=5, minutes=10)

    words, told = trend_of(client_of(viewer))

    assert words == "success rate steady at 90 %; median run steady at 10 m 54 s."
    assert (told["success_rate_trend"], told["duration_trend"]) == ("steady", "steady")


def test_of_too_few_runs_no_trend_is_said(views: dict[str, SavedQuery], viewer: User, client_of: ClientOf) -> None:
    month(views["fine"], begins=1, good=50)
    month(views["fine"], begins=31, good=4, bad=5, minutes=90)

    words, told = trend_of(client_of(viewer))

    assert words == ""
    assert [told[name] for name in ("success_rate_trend", "duration_trend", "duration_change")] == [None] * 3
    month(views["fine"], begins=31, good=0, bad=2)
    assert trend_of(client_of(viewer))[0] == "success rate better, 36 % then and 100 % now."


def test_a_warehouse_without_runs_is_said_to_have_none(viewer: User, client_of: ClientOf) -> None:
    page = client_of(viewer).get("/schedules/runs/?days=nonsense").content.decode()

    assert "no run is known in these 7 days" in page


def test_a_view_tells_its_success_duration_trend_and_next_run(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    view = views["slow"]
    SavedQuery.objects.filter(pk=view.pk).update(next_due_at=NOW + timedelta(hours=2))
    for days in (1, 2, 3):
        ran(view, days, minutes=30)
    ran(view, 4, "Failed", minutes=1)
    for days in (40, 41, 42):
        ran(view, days, minutes=20)
    client = client_of(viewer)

    page = client.get(f"/saved-queries/{view.posthog_id}/?tab=runs").content.decode()
    told = client.get(f"/api/v1/saved-queries/{view.posthog_id}/runs/summary/").json()

    assert "75 %" in page and "50 % longer than the month before" in page and "in 1 h" in page
    assert "Rows of the last 7 runs, at most 7" in page
    assert (told["completed"], told["failed"], told["success_rate"]) == (3, 1, 0.75)
    assert told["duration_change"] == pytest.approx(0.5)


def test_while_a_run_is_under_way_the_page_says_since_when_and_when_the_next_is_due(
    views: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    view = views["slow"]
    fields = {"schedule_state": "running", "next_due_at": None, "sync_frequency": "6hour"}
    SavedQuery.objects.filter(pk=view.pk).update(**fields)
    ran(view, 1)
    began = datetime.now(UTC) - timedelta(minutes=30)
    Run.objects.create(saved_query=view, job_id="now", status="Running", started_at=began)
    client = client_of(viewer)
    address = f"/saved-queries/{view.posthog_id}/?tab=runs"

    page = client.get(address).content.decode()
    told = client.get(f"/api/v1/saved-queries/{view.posthog_id}/runs/summary/").json()

    next_run = re.sub(r"<[^>]+>", "", page[page.index("Next run") :][:600])
    assert "running since 30 min ago; the next is due in 5 h" in next_run and "none expected" not in page
    assert told["is_running"] is True and parse_datetime(told["running_since"]) == began
    assert parse_datetime(told["next_due_at"]) == began + timedelta(hours=6)

    SavedQuery.objects.filter(pk=view.pk).update(sync_frequency="")
    assert "no further one is expected" in client.get(address).content.decode()
    Run.objects.filter(job_id="now").update(status="Completed")
    SavedQuery.objects.filter(pk=view.pk).update(schedule_state="paused")
    page = client.get(address).content.decode()
    assert "none expected" in page and "running since" not in page


def test_a_run_that_failed_because_of_another_view_names_its_root(
    connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    views = {
        name: make_view(connection, name, is_materialized=name != "plain") for name in ("src", "plain", "mid", "leaf")
    }
    for reader, source in (("plain", "src"), ("mid", "plain"), ("leaf", "mid")):
        Edge.objects.create(connection=connection, downstream=views[reader], name=source, upstream_view=views[source])
    ran(views["src"], 3)
    alone = ran(views["leaf"], 2.8, "Failed")
    ran(views["src"], 2, "Failed")
    ran(views["mid"], 1.9, "Failed")
    caused = ran(views["leaf"], 1.8, "Failed")
    ran(views["mid"], 1.5)
    ran(views["src"], 1)
    named = ran(views["leaf"], 0.5, "Skipped", error="Skipped: upstream 'mid' is not fresh")

    page = client_of(viewer).get(f"/saved-queries/{views['leaf'].posthog_id}/?tab=runs")

    roots = {key: root.name for key, root in page.context["roots"].items()}
    assert roots == {caused.pk: "src", named.pk: "mid"}
    assert alone.pk not in roots
    assert "because of" in page.content.decode()
