"""The page of schedules: groups, causes, roots, both layouts, and what they cost."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.seed import seed_mirror
from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.catalog import services as catalog
from warehouse_admin.lineage.models import Edge
from warehouse_admin.lineage.services import refresh as read_lineage
from warehouse_admin.mirror import known_people
from warehouse_admin.mirror.models import Run, SavedQuery, SavedQueryVersion, SyncRun
from warehouse_admin.mirror.refresh import refresh_states
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.filters import GROUPS
from warehouse_admin.schedules.models import Hold

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
LAYOUTS = ["", *(f"?group={name}" for name in GROUPS), "?layout=grid", "?layout=grid&span=hours"]


@pytest.fixture
def connection() -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def broken(connection: Connection) -> dict[str, SavedQuery]:
    """Five failing views: three with one cause, two of them below the third; and one that is well."""
    now = datetime.now(UTC)
    errors = {
        "src": "Memory limit 9 GiB exceeded",
        "mid": "Memory limit 17.5 GiB exceeded",
        "leaf": "Memory limit 3 GiB exceeded",
        "other": "Unknown table 'x'",
        "third": "Unknown column 'y'",
        "well": "",
    }
    views = {}
    for name, error in errors.items():
        views[name] = make_view(
            connection,
            name,
            is_materialized=True,
            sync_frequency="1hour",
            created_by_email="li@x.io" if name in ("src", "mid") else "",
        )
        status = "Failed" if error else "Completed"
        started = now - timedelta(minutes=20)
        Run.objects.create(
            saved_query=views[name],
            status=status,
            error=error,
            started_at=started,
            finished_at=started + timedelta(minutes=3),
        )
    for reader, source in (("mid", "src"), ("leaf", "mid")):
        Edge.objects.create(connection=connection, downstream=views[reader], name=source, upstream_view=views[source])
    refresh_states()
    return views


def test_the_table_names_who_answers_for_a_schedule(
    broken: dict[str, SavedQuery], operator: User, client_of: ClientOf
) -> None:
    client = client_of(operator)
    with CaptureQueriesContext(database) as before:
        client.get("/schedules/")
    catalog.describe(user=operator, subject=broken["leaf"], owner="operator")
    known_people.names()  # kept for a while by whoever asks first

    with CaptureQueriesContext(database) as after:
        page = client.get("/schedules/").content.decode()

    rows = dict(re.findall(r'aria-label="Select (\w+)".*?data-label="Owner">(.*?)</td>', page, re.S))
    assert "<bdi>operator</bdi>" in rows["leaf"] and "operator" not in rows["well"]
    assert "–" in rows["well"]
    assert len(after) == len(before) <= 12


def edit(view: SavedQuery, by: str, at: datetime) -> None:
    SavedQueryVersion.objects.create(saved_query=view, number=2, query="", origin="outside", seen_at=at, author_name=by)


@pytest.mark.parametrize("query", LAYOUTS)
def test_each_layout_and_group_costs_the_same_however_many_there_are(
    connection: Connection, operator: User, client_of: ClientOf, query: str
) -> None:
    client = client_of(operator)
    costs = []
    for size in (150, 400):
        seed_mirror(connection, size)
        refresh_states()
        with CaptureQueriesContext(database) as captured:
            assert client.get(f"/schedules/{query}").status_code == 200
        costs.append(len(captured))

    assert costs[0] == costs[1] <= 12


def test_views_of_one_cause_stand_together_the_most_first(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    client = client_of(viewer)
    page = client.get("/schedules/?group=cause")

    found = [(group.total, {row.view.name for row in group.rows}) for group in page.context["groups"]]
    assert found[0] == (3, {"src", "mid", "leaf"})
    assert sorted(names for _, names in found[1:3]) == [{"other"}, {"third"}] or {"other"} in [n for _, n in found]
    assert found[-1] == (1, {"well"})
    assert "3 views, one cause" in page.content.decode()
    key = page.context["groups"][0].key
    only = client.get(f"/schedules/?cause={key}")
    assert {row.view.name for row in only.context["page"].object_list} == {"src", "mid", "leaf"}


def test_what_waits_for_a_broken_view_stands_with_it(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    client = client_of(viewer)
    page = client.get("/schedules/?group=root")

    first = page.context["groups"][0]
    assert (first.total, first.root, {row.view.name for row in first.rows}) == (
        3,
        broken["src"],
        {"src", "mid", "leaf"},
    )
    only = client.get(f"/schedules/?root={broken['src'].posthog_id}")
    assert only.context["page"].paginator.count == 3
    leaf = next(row for row in only.context["page"].object_list if row.view.name == "leaf")
    assert leaf.view.root_upstream == broken["src"]
    listed = client.get("/schedules/?sort=-waiting").context["page"].object_list
    assert (listed[0].view.name, listed[0].view.holds_up) == ("src", 2)


def test_schedules_are_put_together_by_who_answers_for_them(
    broken: dict[str, SavedQuery], author: User, viewer: User, client_of: ClientOf
) -> None:
    for name in ("mid", "well"):
        catalog.describe(user=author, subject=broken[name], owner="author")
    catalog.describe(user=author, subject=broken["leaf"], tag_names=["owned-by-nobody"])
    client = client_of(viewer)

    page = client.get("/schedules/?group=owner")

    found = {group.key: sorted(row.view.name for row in group.rows) for group in page.context["groups"]}
    assert found == {"author": ["mid", "well"], "": ["leaf", "other", "src", "third"]}
    assert page.context["groups"][-1].key == ""
    assert "4 views that nobody answers for" in page.content.decode()
    assert sorted(row.view.name for row in client.get("/schedules/?owner=author").context["page"]) == ["mid", "well"]
    nobodys = client.get("/schedules/?owner=none")
    assert sorted(row.view.name for row in nobodys.context["page"]) == ["leaf", "other", "src", "third"]
    assert ("Owner", "nobody") in [(chip["label"], chip["value"]) for chip in nobodys.context["chips"]]


def test_they_are_put_together_by_last_editor_or_else_creator(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    edit(broken["other"], "ann@x.io", datetime.now(UTC))
    refresh_states()

    groups = client_of(viewer).get("/schedules/?group=editor").context["groups"]

    found = {group.key: sorted(row.view.name for row in group.rows) for group in groups}
    assert found == {"li@x.io": ["mid", "src"], "ann@x.io": ["other"], "": ["leaf", "third", "well"]}
    assert groups[-1].key == ""
    only = client_of(viewer).get("/schedules/?editor=li@x.io").context["page"]
    assert sorted(row.view.name for row in only) == ["mid", "src"]


def test_a_group_that_goes_on_over_pages_says_so_and_no_row_is_lost(
    connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    for number in range(70):
        make_view(connection, f"v{number:02}", is_materialized=True, cause="boom", cause_fingerprint="f" * 16)
    client = client_of(viewer)

    pages = [client.get(f"/schedules/?group=cause&page={number}") for number in (1, 2)]

    assert "20 more on other pages" in pages[0].content.decode()
    names = [row.view.name for page in pages for row in page.context["page"].object_list]
    assert len(names) == len(set(names)) == 70


@pytest.mark.parametrize(
    ("edited", "expected"), [(timedelta(hours=-2), False), (timedelta(minutes=-1), True), (None, False)]
)
def test_whether_a_view_was_changed_since_it_broke(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf, edited: timedelta | None, expected: bool
) -> None:
    view = broken["other"]
    if edited is not None:
        edit(view, "erin", datetime.now(UTC) + edited)
    SavedQuery.objects.filter(pk=view.pk).update(last_run_at=datetime.now(UTC) - timedelta(minutes=20))
    refresh_states()

    page = client_of(viewer).get("/schedules/?q=other")

    row = page.context["page"].object_list[0]
    assert (row.changed_since, row.unchanged_since_failure) == (expected, not expected)
    assert (">erin<" in page.content.decode()) is expected


@pytest.mark.parametrize("state", ["failing", "suspended"])
def test_those_that_were_changed_since_they_broke_can_be_asked_for(
    broken: dict[str, SavedQuery], operator: User, client_of: ClientOf, state: str
) -> None:
    client, ran = client_of(operator), datetime.now(UTC) - timedelta(days=1)
    rows = SavedQuery.objects.exclude(name="well")
    SavedQuery.objects.update(last_run_at=ran)
    rows.update(schedule_state=state, schedule_since=ran + timedelta(minutes=5), edited_at=ran - timedelta(hours=1))
    rows.filter(name="mid").update(edited_at=ran + timedelta(minutes=1))  # after the run, before the suspension
    rows.filter(name="leaf").update(edited_at=ran + timedelta(hours=1))
    rows.filter(name="other").update(edited_at=None)
    SavedQuery.objects.filter(name="well").update(edited_at=ran + timedelta(hours=1))

    asked = {word: client.get("/schedules/", {"changed": word}).context["page"].object_list for word in ("yes", "no")}

    assert {row.view.name for row in asked["yes"]} == ({"leaf"} if state == "suspended" else {"leaf", "mid"})
    assert {row.view.name for row in asked["no"]} == {row.name for row in rows} - {r.view.name for r in asked["yes"]}
    assert all(row.changed_since for row in asked["yes"]) and not any(row.changed_since for row in asked["no"])


def test_the_page_tells_how_sure_it_is_and_filters_by_that(
    broken: dict[str, SavedQuery], connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    client = client_of(viewer)
    assert {one.confidence: one.count for one in client.get("/schedules/").context["sure"]} == {
        "certain": 5,
        "likely": 1,
    }
    assert [row.view.name for row in client.get("/schedules/?confidence=likely").context["page"].object_list] == [
        "well"
    ]

    SyncRun.objects.create(connection=connection, state="failed", started_at=datetime.now(UTC) + timedelta(minutes=1))
    refresh_states()

    page = client.get("/schedules/")
    assert "PostHog could not be read: the last sync failed." in page.content.decode()
    assert {one.confidence: one.count for one in page.context["sure"]} == {"likely": 5, "guess": 1}


def test_how_late_a_run_is_and_what_was_done_last(
    broken: dict[str, SavedQuery], connection: Connection, operator: User, client_of: ClientOf
) -> None:
    view = broken["well"]
    Run.objects.filter(saved_query=view).update(started_at=datetime.now(UTC) - timedelta(hours=4))
    now = datetime.now(UTC)
    Mutation.objects.create(
        connection=connection,
        kind=Mutation.Kind.RUN,
        cause="schedules",
        idempotency_key="k",
        actor=operator,
        object_id=str(view.posthog_id),
        sent_at=now,
    )
    refresh_states()

    row = client_of(operator).get("/schedules/?state=overdue").context["page"].object_list[0]

    assert row.view.name == "well" and row.overdue_by == pytest.approx(3 * 3600, abs=60)
    assert (row.last_act.words, row.last_act.by) == ("Run asked for", operator.username)


def test_the_grid_shows_sources_first_and_each_status_without_colour(
    connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    now = datetime.now(UTC)
    make_view(connection, "z_source", "SELECT 1", is_materialized=True)
    reader = make_view(connection, "a_reader", "SELECT * FROM z_source", is_materialized=True)
    read_lineage(connection)
    for days, status, minutes in ((0, "Failed", 1), (1, "Completed", 5), (2, "Cancelled", 0), (40, "Failed", 9)):
        started = now - timedelta(days=days)
        Run.objects.create(
            saved_query=reader, status=status, started_at=started, finished_at=started + timedelta(minutes=minutes)
        )

    page = client_of(viewer).get("/schedules/?layout=grid")

    lines = page.context["grid"].lines
    assert [line.view.name for line in lines] == ["z_source", "a_reader"]
    assert [bar.shape for bar in lines[1].chart.bars] == ["low", "", "cross"]
    assert lines[1].chart.bars[1].height > lines[1].chart.bars[2].height
    assert lines[1].chart.summary == "Last 30 days: 1 cancelled, 1 completed, 1 failed"
    assert lines[0].chart.summary == "Last 30 days: no runs"
    today = page.context["grid"].columns[-1]
    assert (today.failed, today.words) == (1, f"{now:%a %d %b} · 1 of 1 that ran failed: a_reader")
    assert page.context["grid"].columns[0].words.endswith("nothing ran")
    assert 'aria-label="Last 30 days: 1 cancelled, 1 completed, 1 failed"' in page.content.decode()


@pytest.mark.parametrize(
    "query", ["group=nonsense&layout=x&span=y&confidence=z&root=no&sort=zzz", "root=%00&owner=%00&editor=%00"]
)
def test_nonsense_in_the_address_is_left_out(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf, query: str
) -> None:
    assert client_of(viewer).get(f"/schedules/?{query}").context["page"].paginator.count == 6


def test_an_unknown_root_or_cause_finds_nothing(
    broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf
) -> None:
    for query in (f"root={uuid.uuid4()}", "cause=0000", "owner=nobody", "editor=nobody"):
        assert "No schedule matches" in client_of(viewer).get(f"/schedules/?{query}").content.decode()


def test_programs_are_told_the_same(broken: dict[str, SavedQuery], viewer: User, client_of: ClientOf) -> None:
    told = client_of(viewer).get(f"/api/v1/saved-queries/{broken['leaf'].posthog_id}/").json()

    assert (told["schedule_state"], told["schedule_confidence"]) == ("failing", "certain")
    assert told["schedule_confidence_reason"] and told["schedule_since"]
    assert told["cause"] == "Memory limit 3 GiB exceeded"
    assert told["root_upstream"] == str(broken["src"].posthog_id)
    page = client_of(viewer).get(f"/saved-queries/{broken['leaf'].posthog_id}/").content.decode()
    assert "PostHog&#x27;s records of these runs say so." in page and "the furthest broken view upstream" in page


def test_the_tile_of_paused_schedules_tells_how_many_wake_this_week(
    connection: Connection, viewer: User, operator: User, client_of: ClientOf
) -> None:
    now = datetime.now(UTC)
    for name, days in (("soon", 2), ("sunday", 6), ("later", 9), ("open", None), ("on_time", 1)):
        state = "on_time" if name == "on_time" else "paused"
        view = make_view(connection, name, is_materialized=True, schedule_state=state)
        until = now + timedelta(days=days) if days else None
        Hold.objects.create(saved_query=view, reason="because", by=operator, at=now, until=until)
    client = client_of(viewer)

    assert "2 wake this week" in client.get("/schedules/").content.decode()
    assert "1 wakes this week" in client.get("/schedules/?q=soon").content.decode()
    found = client.get("/schedules/?state=paused&wakes=week")
    assert [row.view.name for row in found.context["page"].object_list] == ["soon", "sunday"]
    assert found.context["chips"] == [{"label": "Wakes up", "value": "within 7 days", "url": "?state=paused"}]


def test_a_wake_up_whose_date_has_passed_no_longer_counts(
    connection: Connection, viewer: User, operator: User, client_of: ClientOf
) -> None:
    view = make_view(connection, "tried", is_materialized=True, schedule_state="paused")
    past = datetime.now(UTC) - timedelta(hours=1)
    Hold.objects.create(saved_query=view, reason="because", by=operator, at=past, until=past)

    assert "this week" not in client_of(viewer).get("/schedules/").content.decode()
