"""The schedules page and the campaigns in a browser's eyes."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, MANAGED, SUSPENDED
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Views = Callable[..., list[SavedQuery]]
Commit = Callable[..., object]


def more_views(connection: Connection, count: int) -> list[SavedQuery]:
    states = ["suspended", "on_time", "failing", "paused"]
    return SavedQuery.objects.bulk_create(
        SavedQuery(
            connection=connection,
            posthog_id=uuid.uuid4(),
            name=f"many_{number:03d}",
            is_materialized=True,
            schedule_state=states[number % 4],
            suspended={"clickhouse": {"at": "2026-01-01T00:00:00Z", "reason": "boom"}} if number % 4 == 0 else {},
        )
        for number in range(count)
    )


@pytest.mark.parametrize("path", ["/schedules/", "/schedules/?state=suspended&q=many&sort=-last_run"])
def test_the_page_costs_the_same_at_ten_and_at_sixty_schedules(
    connection: Connection, operator: User, client_of: ClientOf, django_assert_max_num_queries: Commit, path: str
) -> None:
    client = client_of(operator)
    more_views(connection, 10)
    with django_assert_max_num_queries(12):
        client.get(path)  # also counts whose turn it is, which later pages remember
    with django_assert_max_num_queries(12) as few:
        client.get(path)
    more_views(connection, 50)
    with django_assert_max_num_queries(12) as many:
        assert client.get(path).status_code == 200

    assert len(many) == len(few)


@pytest.mark.parametrize("layout", ["", "?layout=grid", "?group=cause"])
def test_the_page_tells_how_old_the_mirror_of_each_connection_is(
    synced: Connection, viewer: User, client_of: ClientOf, django_assert_max_num_queries: Commit, layout: str
) -> None:
    good = SyncRun.objects.get()
    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:1", project_id="2")
    client = client_of(viewer)
    now = timezone.now()
    with time_machine.travel(now + timedelta(minutes=12), tick=False), django_assert_max_num_queries(12):
        page = client.get(f"/schedules/{layout}").content.decode()

    stamp = re.search(r'<div class="stamp">(.*?)</div>', page, re.S)
    assert stamp and f'href="/syncs/{good.pk}/"' in stamp[1] and "12 min ago" in stamp[1]
    assert "Demo: " in stamp[1] and "Other: " in stamp[1] and "not mirrored yet" in stamp[1]
    assert "shown as last known" not in page
    alone = client.get(f"/schedules/?connection={other.slug}").content.decode()
    assert "Demo: " not in alone and "not mirrored yet" in alone


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("failed", "the last sync failed."),
        ("refused", "PostHog refuses the key."),
        ("silent", "no sync has succeeded for too long."),
    ],
)
def test_while_posthog_cannot_be_read_the_page_warns_and_tells_what_it_shows(
    synced: Connection, viewer: User, client_of: ClientOf, what: str, said: str
) -> None:
    now = timezone.now()
    if what == "failed":
        SyncRun.objects.create(connection=synced, kind="incremental", state="failed", started_at=now, finished_at=now)
    if what == "refused":
        Connection.objects.update(key_refused_at=now)
    with time_machine.travel(now + timedelta(hours=5 if what == "silent" else 0)):
        page = client_of(viewer).get("/schedules/").content.decode()

    assert "Demo: shown as last known." in page and f"PostHog could not be read: {said}" in page
    stamp = re.search(r'<div class="stamp">(.*?)</div>', page, re.S)
    assert stamp and "mirror as of" in stamp[1]
    assert ("last sync" in stamp[1]) is (what == "failed")


def test_tiles_count_and_filter(synced: Connection, viewer: User, client_of: ClientOf) -> None:
    page = client_of(viewer).get("/schedules/?state=suspended")

    tiles = {tile.state: tile.count for tile in page.context["tiles"]}
    assert tiles["suspended"] == SavedQuery.objects.filter(schedule_state="suspended").count() == 6
    assert tiles["managed"] == 4
    assert {row.view.schedule_state for row in page.context["page"].object_list} == {"suspended"}
    assert "Operators and administrators resume, pause and run schedules." in page.content.decode()


@pytest.mark.parametrize(
    ("role", "urls"),
    [("operator", ["resume", "pause", "run", "cadence"]), ("author", ["cadence"]), ("viewer", [])],
)
def test_everybody_is_offered_what_their_role_may_do_with_what_is_ticked(
    synced: Connection, role: str, urls: list[str], request: pytest.FixtureRequest, client_of: ClientOf
) -> None:
    client = client_of(request.getfixturevalue(role))

    page = client.get("/schedules/").content.decode()

    assert re.findall(r'formaction="/schedules/(\w+)/"', page) == urls
    chosen = {"saved_queries": [str(SavedQuery.objects.get(name="mart_orders_daily").posthog_id)]}
    for url in urls:
        assert client.post(f"/schedules/{url}/", chosen).status_code == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=int_sess", ["int_sessions"]),
        ("q=no_such", []),
        ("connection=other", []),
        ("state=nonsense&sort=nonsense&page=x&q=int_sess%00", ["int_sessions"]),
    ],
)
def test_filters_come_from_the_address(
    synced: Connection, viewer: User, client_of: ClientOf, query: str, names: list[str]
) -> None:
    page = client_of(viewer).get(f"/schedules/?{query}")

    assert page.status_code == 200
    assert [row.view.name for row in page.context["page"].object_list] == names


def test_an_operator_resumes_chosen_views_and_sees_each_outcome(
    synced: Connection,
    operator: User,
    client_of: ClientOf,
    views: Views,
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    client = client_of(operator)
    ids = [str(view.posthog_id) for view in views(*SUSPENDED, HEALTHY, MANAGED)]

    plan = client.post("/schedules/resume/", {"saved_queries": ids}).content.decode()
    assert all(name in plan for name in SUSPENDED)
    assert "PostHog manages it: nothing will be sent." in plan
    assert sandbox.world.requests_to("resume_schedules") == []
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/schedules/resume/", {"saved_queries": ids, "confirmed": "1", "reason": "source is back"})

    campaign = Campaign.objects.get()
    assert answer["Location"] == f"/schedules/resumes/{campaign.pk}/"
    page = client.get(answer["Location"]).content.decode()
    assert [word for word in ("Resumed", "Was not paused", "Ignored") if word not in page] == []
    assert 'hx-trigger="every 2s"' not in page
    assert f'href="{answer["Location"]}"' in client.get("/schedules/?q=int_sessions").content.decode()
    listed = client.get("/schedules/resumes/").content.decode()
    assert "source is back" in listed
    assert client.get(answer["Location"] + "?outcome=resumed").context["page"].paginator.count == 3


def test_a_running_campaign_refreshes_itself_and_can_be_stopped(
    synced: Connection, operator: User, viewer: User, client_of: ClientOf, views: Views
) -> None:
    campaign = services.start_resume(user=operator, saved_queries=views(*SUSPENDED), reason="because")
    path = f"/schedules/resumes/{campaign.pk}/"
    client = client_of(operator)
    assert 'hx-trigger="every 2s"' in client.get(path).content.decode()
    assert client_of(viewer).post(path + "stop/").status_code == 403

    assert client.post(path + "stop/").status_code == 302

    campaign.refresh_from_db()
    assert campaign.state == "stopped"
    page = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in page
    assert "Not sent: the campaign was stopped first." in page
    report = client.get(f"/schedules/resumes/{campaign.pk}/report.csv").getvalue().decode()
    (item, *_) = client.get(f"/api/v1/schedules/resumes/{campaign.pk}/").json()["items"]
    assert "Not sent: the campaign was stopped first." in report
    assert (item["outcome"], item["detail"]) == ("queued", "Not sent: the campaign was stopped first.")
    assert client.post(path + "stop/").status_code == 409
    denied = AuditEntry.objects.get(action="schedules.stop", result="denied")
    assert (denied.actor, denied.object_id) == (viewer, str(campaign.pk))


def test_everything_that_the_filter_matched_can_be_chosen(
    synced: Connection, operator: User, client_of: ClientOf
) -> None:
    plan = client_of(operator).post("/schedules/resume/", {"all_matching": "1", "filter": "state=suspended&page=2"})

    assert plan.context["total"] == 6
    assert {item.view.schedule_state for item in plan.context["planned"]} == {"suspended"}


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"reason": ""}, 422, "Say why"),
        ({"saved_queries": ["nonsense"]}, 422, "No such view: nonsense"),
        ({"saved_queries": [str(uuid.UUID(int=7))]}, 422, str(uuid.UUID(int=7))),
        ({"saved_queries": []}, 422, "at least one"),
        ({"confirm_count": "many"}, 422, "whole number"),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_the_reason(
    synced: Connection,
    operator: User,
    client_of: ClientOf,
    views: Views,
    change: dict[str, object],
    status: int,
    said: str,
) -> None:
    good = {
        "saved_queries": [str(view.posthog_id) for view in views(*SUSPENDED)],
        "reason": "kept text",
        "confirmed": "1",
    }

    answer = client_of(operator).post("/schedules/resume/", {**good, **change})

    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not Campaign.objects.exists()


def test_a_second_campaign_over_the_same_views_is_a_conflict(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    services.start_resume(user=operator, saved_queries=views(*SUSPENDED), reason="because")
    ids = [str(view.posthog_id) for view in views(*SUSPENDED)]

    answer = client_of(operator).post(
        "/schedules/resume/", {"saved_queries": ids, "reason": "kept text", "confirmed": "1"}
    )

    assert answer.status_code == 409
    assert "Another campaign is already resuming" in answer.content.decode()
    assert "kept text" in answer.content.decode()
    assert f'href="/schedules/resumes/{Campaign.objects.get().pk}/"' in answer.content.decode()


def test_the_campaign_that_has_a_view_is_linked_from_its_own_page_and_from_one_that_would_go_on(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    client = client_of(operator)
    stopped = services.start_resume(user=operator, saved_queries=views(*SUSPENDED), reason="because")
    services.request_stop(campaign=stopped, user=operator)
    busy = services.start_resume(user=operator, saved_queries=views(SUSPENDED[0]), reason="because")
    link = f'href="/schedules/resumes/{busy.pk}/"'

    alone = client.post(f"/saved-queries/{views(SUSPENDED[0])[0].posthog_id}/resume/", {"reason": "me too"})
    assert alone.status_code == 409 and link in alone.content.decode()
    again = client.post(f"/schedules/resumes/{stopped.pk}/continue/")
    assert again.status_code == 409 and link in again.content.decode()
    assert Campaign.objects.count() == 2


@pytest.mark.parametrize("role", ["author", "reviewer", "auditor", "viewer"])
def test_other_roles_are_refused_and_the_refusal_is_on_record(
    synced: Connection, role: str, request: pytest.FixtureRequest, client_of: ClientOf
) -> None:
    user: User = request.getfixturevalue(role)

    assert client_of(user).post("/schedules/resume/", {"confirmed": "1"}).status_code == 403

    assert AuditEntry.objects.filter(action="schedules.resume", result="denied", actor=user).count() == 1


def test_where_the_server_refuses_keys_the_page_says_so(
    generation: Callable[[str], Connection], operator: User, client_of: ClientOf, views: Views
) -> None:
    generation("B")
    client = client_of(operator)

    page = client.get("/schedules/").content.decode()
    assert "only a person signed in to PostHog can" in page
    assert "What works there instead: “Setting the cadence again, view by view”." in page
    ids = [str(view.posthog_id) for view in views(HEALTHY)]
    answer = client.post("/schedules/resume/", {"saved_queries": ids, "reason": "because", "confirmed": "1"})
    assert answer.status_code == 409


def test_the_report_cannot_trick_a_spreadsheet(
    synced: Connection, operator: User, viewer: User, client_of: ClientOf, views: Views
) -> None:
    SavedQuery.objects.filter(name="int_sessions").update(name="=cmd|' /C calc'!A0")
    chosen = [*views("=cmd|' /C calc'!A0"), *views(HEALTHY)]
    campaign = services.start_resume(user=operator, saved_queries=chosen, reason="because")
    campaign.items.filter(saved_query=chosen[1]).update(detail='-1+1, "quoted"')

    answer = client_of(viewer).get(f"/schedules/resumes/{campaign.pk}/report.csv")

    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert {row["view"] for row in rows} == {"'=cmd|' /C calc'!A0", HEALTHY}
    assert {row["detail"] for row in rows} == {"", '\'-1+1, "quoted"'}


def test_unknown_campaigns_are_not_found(viewer: User, client_of: ClientOf) -> None:
    assert client_of(viewer).get(f"/schedules/resumes/{uuid.uuid4()}/").status_code == 404
    assert client_of(viewer).get("/schedules/resume/").status_code == 302
