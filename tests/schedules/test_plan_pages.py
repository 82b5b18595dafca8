"""The page before an act on many schedules: what is ticked, what speaks against it, and what would be sent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, MANAGED, PAUSED, SUSPENDED, YEAR
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion
from warehouse_admin.mirror.refresh import refresh_state
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Views = Callable[..., list[SavedQuery]]
Commit = Callable[..., object]
Begin = Callable[..., Campaign]


def many_suspended(connection: Connection, count: int, *, edited: range, managed: range = range(0)) -> list[SavedQuery]:
    """Views `many_000` and so on, all suspended since yesterday; those `edited` were, after that."""
    now = timezone.now()
    return SavedQuery.objects.bulk_create(
        SavedQuery(
            connection=connection,
            posthog_id=uuid.UUID(int=number + 1),
            name=f"many_{number:03}",
            is_materialized=True,
            suspended={"clickhouse": {"at": None}},
            schedule_state="suspended",
            last_run_at=now - timedelta(days=1),
            edited_at=now if number in edited else None,
            managed_viewset_kind="revenue_analytics" if number in managed else "",
        )
        for number in range(count)
    )


def chosen(views: Views, *names: str) -> dict[str, object]:
    return {"saved_queries": [str(view.posthog_id) for view in views(*names)]}


def shown(page: HttpResponse, name: str) -> str:
    """What stands in the place that script keeps up to date."""
    found = re.search(rf"<[^>]*\b{name}(?![\w-])[^>]*>([^<]*)<", page.content.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("source_too", [False, True])
def test_only_what_was_mended_is_ticked_with_its_sources_and_a_broken_one_is_named(
    synced: Connection, operator: User, client_of: ClientOf, views: Views, source_too: bool
) -> None:
    reader, source, alone = views("int_sessions", "int_account_health", "int_marketing_touches")
    for number, mended in enumerate([reader, alone, *([source] if source_too else [])], start=90):
        SavedQueryVersion.objects.create(
            saved_query=mended, number=number, query="", query_hash="x", origin="outside", seen_at=mended.synced_at
        )
        refresh_state(mended)
    Edge.objects.filter(downstream__in=[reader, source, alone]).delete()
    Edge.objects.create(connection=synced, downstream=reader, name=source.name, upstream_view=source)

    page = client_of(operator).post("/schedules/resume/", chosen(views, *SUSPENDED, HEALTHY, MANAGED))

    ticked = {plan.view.name for plan in page.context["planned"] if plan.ticked}
    assert ticked == ({alone.name, reader.name, source.name} if source_too else {alone.name})
    text = page.content.decode()
    still_broken = "Upstream still broken: int_account_health (also in this list)" in text
    assert (still_broken, "int_account_health comes before it" in text) == (not source_too, source_too)
    assert text.count("edited <time") == len(ticked | {reader.name})
    assert ("Unchanged since it failed: it will most likely fail again." in text) is not source_too
    names = [plan.view.name for plan in page.context["planned"]]
    assert names.index(source.name) < names.index(reader.name)
    first = page.context["sections"][0]
    against = {plan.view.name for plan in first.plans}
    assert first.against and against >= {HEALTHY, MANAGED} and (reader.name in against) is not source_too
    assert alone.name not in {plan.view.name for plan in first.plans}


def test_every_one_of_many_views_is_warned_of_and_none_is_ticked_unseen(
    connection: Connection, operator: User, client_of: ClientOf
) -> None:
    """Beyond the rows that are listed one by one, those of which the same is to be said stand together."""
    made = many_suspended(connection, 600, edited=range(520, 590), managed=range(590, 600))
    Edge.objects.create(connection=connection, downstream=made[580], name="many_000", upstream_view=made[0])
    client, scope = client_of(operator), {"all_matching": "1", "filter": ""}
    with CaptureQueriesContext(database) as captured:
        page = client.post("/schedules/resume/", scope)

    assert len(captured) <= 12, "\n".join(query["sql"][:1500] for query in captured)
    assert (page.context["total"], page.context["ticked"], len(page.context["planned"])) == (600, 69, 500)
    assert not any(plan.ticked for plan in page.context["planned"])
    groups = [(len(group.planned), group.ticked, group.reads_broken) for group in page.context["groups"]]
    assert groups == [(20, False, False), (10, False, False), (1, False, True), (69, True, False)]
    text = page.content.decode()
    told = (
        "531 views are left unticked: 520 were not edited since the failure and will most likely fail again; "
        "1 was edited but reads a view that is still broken; 10 have nothing to resume."
    )
    assert told in text and "reads many_000" in text
    assert page.context["guard"] == 600

    ticked = [group.ids for group in page.context["groups"] if group.ticked]
    form = {"scope": page.context["scope"], "confirmed": "1", "reason": "mended"}
    again = client.post("/schedules/resume/", form | {"more": ticked, "reason": ""})
    assert (again.status_code, again.context["total"], again.context["ticked"]) == (422, 600, 69)
    assert [group.ids for group in again.context["groups"] if group.ticked] == ticked
    assert client.post("/schedules/resume/", form | {"more": ticked}).status_code == 302
    sent = set(Campaign.objects.get().items.values_list("saved_query__name", flat=True))
    assert sent == {f"many_{number:03}" for number in range(520, 590) if number != 580}


def test_the_page_shown_again_keeps_what_was_listed_and_what_was_ticked(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    client = client_of(operator)
    listed = client.post("/schedules/resume/", chosen(views, *SUSPENDED)).context["scope"]

    again = client.post("/schedules/resume/", {**chosen(views, "int_sessions"), "scope": listed, "confirmed": "1"})
    assert again.status_code == 422
    assert {plan.view.name: plan.ticked for plan in again.context["planned"]} == {
        **dict.fromkeys(SUSPENDED, False),
        "int_sessions": True,
    }
    other = client.post("/schedules/resume/", {"scope": listed, "confirmed": "", "method": "restore_cadence"})
    assert (other.context["total"], other.context["way"].name) == (3, "restore_cadence")


def test_what_only_a_cadence_brings_back_is_planned_that_way(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    page = client_of(operator).post("/schedules/resume/", chosen(views, PAUSED))
    assert page.context["way"].name == "restore_cadence"
    assert page.context["ticked"] == 1


def test_the_confirm_page_costs_the_same_for_few_and_many(
    synced: Connection, operator: User, client_of: ClientOf, django_assert_max_num_queries: Commit
) -> None:
    client = client_of(operator)
    keys = [str(one) for one in SavedQuery.objects.filter(is_materialized=True).values_list("posthog_id", flat=True)]
    client.post("/schedules/resume/", {"saved_queries": keys[:1]})
    with django_assert_max_num_queries(30) as few:
        client.post("/schedules/resume/", {"saved_queries": keys[:5]})
    with django_assert_max_num_queries(30) as many:
        client.post("/schedules/resume/", {"saved_queries": keys})

    assert len(many) <= len(few) + 10  # a hop up the lineage more costs a query more, never a view more


def test_where_keys_may_not_resume_the_page_offers_the_cadence(
    generation: Callable[[str], Connection],
    operator: User,
    client_of: ClientOf,
    views: Views,
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    generation("B")
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="")
    client = client_of(operator)

    page = client.post("/schedules/resume/", chosen(views, *SUSPENDED))
    assert page.context["way"].name == "restore_cadence"
    text = page.content.decode()
    assert "only a person signed in to PostHog can" in text and "Its last cadence is not known" in text

    form = {"confirmed": "1", "reason": "why", "method": "restore_cadence", "cadence": "6hour"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/schedules/resume/", {**chosen(views, *SUSPENDED), **form})
    shown = client.get(answer["Location"]).content.decode()
    assert "Setting the cadence again, view by view" in shown
    assert {sandbox.world.view(name).sync_frequency for name in SUSPENDED} == {"6hour"}


@pytest.mark.parametrize(
    ("action", "more", "said"),
    [
        ("pause", {"until": f"{YEAR}-01-01T08:00"}, "wakes up"),
        ("run", {}, "One run each"),
        ("cadence", {"sync_frequency": "12hour"}, "Proposed"),
    ],
)
def test_each_act_has_its_page(
    synced: Connection,
    operator: User,
    client_of: ClientOf,
    views: Views,
    django_capture_on_commit_callbacks: Commit,
    action: str,
    more: dict[str, str],
    said: str,
) -> None:
    client = client_of(operator)
    assert client.post(f"/schedules/{action}/", chosen(views, HEALTHY)).status_code == 200
    form = {**chosen(views, HEALTHY), "confirmed": "1", "reason": "why", **more}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"/schedules/{action}/", form)

    assert answer.status_code == 302, answer.content.decode()
    assert said in client.get(answer["Location"]).content.decode()
    assert client.post(f"/schedules/{action}/", {**form, "reason": ""}).status_code == 422


def test_the_button_and_the_requests_count_what_would_be_sent(
    generation: Callable[[str], Connection], operator: User, client_of: ClientOf, views: Views
) -> None:
    """Without script: those not ticked, those that PostHog manages and those without a cadence are left out."""
    generation("B")
    SavedQuery.objects.filter(name__in=SUSPENDED).update(edited_at=timezone.now(), last_cadence="6hour")
    SavedQuery.objects.filter(name=SUSPENDED[0]).update(last_cadence="")
    Edge.objects.all().delete()
    client, given = client_of(operator), chosen(views, *SUSPENDED, HEALTHY, MANAGED)

    page = client.post("/schedules/resume/", given)
    assert (page.context["total"], page.context["ticked"]) == (5, 3)
    assert (shown(page, "data-bulk-sends"), shown(page, "data-bulk-left")) == ("2", "3")
    assert shown(page, "data-bulk-requests") == "6"

    body = {"confirmed": "1", "method": "restore_cadence", "reason": "", **chosen(views, *SUSPENDED, MANAGED)}
    scope = {"scope": page.context["scope"]}
    again = client.post("/schedules/resume/", body | scope | {"cadence": "6hour"})
    assert again.status_code == 422
    assert (shown(again, "data-bulk-sends"), shown(again, "data-bulk-left")) == ("3", "2")
    assert shown(again, "data-bulk-requests") == "9"


def test_requests_follow_the_calls_that_a_campaign_makes(
    connection: Connection, operator: User, client_of: ClientOf
) -> None:
    many_suspended(connection, 900, edited=range(700))

    page = client_of(operator).post("/schedules/resume/", {"all_matching": "1", "filter": ""})

    assert (page.context["sent"], page.context["left_out"]) == (700, 200)
    assert shown(page, "data-bulk-requests") == "725"  # 25 calls, and each view read again


def test_nothing_ticked_cannot_be_sent_and_the_page_says_what_to_tick(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    client = client_of(operator)
    page = client.post("/schedules/resume/", chosen(views, HEALTHY, MANAGED))
    text = page.content.decode()
    button = re.search(r"<button[^>]*data-bulk-go[^>]*>", text)
    assert button and " disabled" in button[0] and "needs-js" in button[0]
    assert re.search(r"<noscript><button[^>]*value=\"1\">Resume what is ticked", text)
    assert re.search(r"data-bulk-none>Tick at least one view whose cause is fixed\.", text)

    scope = {"scope": page.context["scope"], "confirmed": "1", "reason": "r"}
    assert client.post("/schedules/resume/", scope).status_code == 422
    assert not Campaign.objects.exists()

    for act, name, is_sent in (("pause", HEALTHY, True), ("resume", PAUSED, False)):  # of this no cadence is known
        text = client.post(f"/schedules/{act}/", chosen(views, name)).content.decode()
        button = re.search(r"<button[^>]*data-bulk-go[^>]*>", text)
        assert button and (" disabled" not in button[0]) is is_sent
        assert ("<noscript><button" not in text) is is_sent
    assert "and choose a cadence where the last is not known." in text


@pytest.mark.parametrize(
    ("limits", "words", "setting"),
    [
        ({"guard_count": 5, "guard_percent": 100}, "More than 5 schedules at once", "Schedules at once"),
        (
            {"guard_count": 1000, "guard_percent": 10},
            "More than 10 % of the {known} schedules of Demo",
            "Percent of schedules at once",
        ),
    ],
)
def test_the_guard_names_the_limit_and_where_it_is_set(
    synced: Connection,
    begin: Begin,
    operator: User,
    client_of: ClientOf,
    limits: dict[str, int],
    words: str,
    setting: str,
) -> None:
    Connection.objects.update(**limits, guard_second_person=True)
    known = SavedQuery.objects.present().filter(is_materialized=True).count()
    words = words.format(known=known)
    client = client_of(operator)
    names = sorted(SavedQuery.objects.filter(schedule_state="suspended").values_list("name", flat=True))
    ids = [str(one) for one in SavedQuery.objects.filter(name__in=names).values_list("posthog_id", flat=True)]

    page = client.post("/schedules/resume/", {"saved_queries": ids}).content.decode()
    assert words in page and f"under “{setting}”, which administrators change" in page
    refused = client.post("/schedules/resume/", {"saved_queries": ids, "confirmed": "1", "reason": "r"})
    assert refused.status_code == 422
    assert f"m{words[1:]}, as the connection&#x27;s settings have it under “{setting}”" in refused.content.decode()

    campaign = begin("resume", *names, confirm_count=len(names))
    waiting = client.get(f"/schedules/resumes/{campaign.pk}/").content.decode()
    assert f"{len(names)} are m{words[1:]}" in waiting and f"“{setting}”" in waiting


def test_a_cadence_has_to_be_chosen(synced: Connection, operator: User, client_of: ClientOf, views: Views) -> None:
    form = {**chosen(views, HEALTHY), "confirmed": "1", "reason": "why"}
    answer = client_of(operator).post("/schedules/cadence/", form)
    assert answer.status_code == 422 and "This server accepts" in answer.content.decode()


def test_a_huge_plan_is_refused_on_the_page_and_a_due_count_is_not_called_optional(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    client = client_of(operator)
    given = chosen(views, *SUSPENDED) | {"confirmed": "1", "reason": "because", "canary_size": "9" * 30}

    answer = client.post("/schedules/pause/", given)

    assert answer.status_code == 422
    assert "less than or equal to 10000" in answer.content.decode()
    everything = {"all_matching": "1", "filter": "", "confirmed": "1", "reason": "because"}
    page = client.post("/schedules/pause/", everything).content.decode()
    assert "to confirm that." in page and "confirm_count." not in page
    label = re.search(r'<label for="id_confirm_count">(.*?)</label>', page)
    assert label and "optional" not in label[1]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("action", "field", "value", "said"),
    [
        ("pause", "wave_size", "5", "Give 1 to 1: this way sends one view at a time."),
        ("pause", "wave_size", "x", "Enter a whole number."),
        ("cadence", "canary_size", "-1", "Ensure this value is greater than or equal to 0."),
        ("resume", "until", "soon", "Enter a valid date/time."),
        ("resume", "sync_frequency", "soon", "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_marked_also_where_the_page_does_not_ask_for_it(
    synced: Connection,
    operator: User,
    client_of: ClientOf,
    views: Views,
    action: str,
    field: str,
    value: str,
    said: str,
) -> None:
    given = chosen(views, HEALTHY) | {"confirmed": "1", "reason": "why", "sync_frequency": "12hour", field: value}
    if action != "cadence" and field != "sync_frequency":
        del given["sync_frequency"]

    answer = client_of(operator).post(f"/schedules/{action}/", given)

    page = answer.content.decode()
    assert answer.status_code == 422 and f'id="id_{field}_error"' in page and said in page
    assert not Campaign.objects.exists()


def test_an_edit_speaks_against_no_pause(synced: Connection, operator: User, client_of: ClientOf, views: Views) -> None:
    SavedQuery.objects.filter(name="int_sessions").update(edited_at=timezone.now())
    client = client_of(operator)

    resume = client.post("/schedules/resume/", chosen(views, "int_sessions")).content.decode()
    pause = client.post("/schedules/pause/", chosen(views, "int_sessions")).content.decode()

    assert "edited <time" in resume and "edited <time" not in pause


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["int_sessions"],
            "1 view was not edited since the failure and will most likely fail again, so it is left unticked",
        ),
        (
            SUSPENDED,
            "3 views were not edited since the failure and will most likely fail again, so they are left unticked",
        ),
        ([*SUSPENDED, HEALTHY], "4 views are left unticked: 3 were not edited since the failure and will most likely"),
        ([*SUSPENDED, HEALTHY], "fail again; 1 has nothing to resume. Tick those whose cause you fixed elsewhere."),
        ([HEALTHY], None),
    ],
)
def test_the_banner_before_a_resume_counts_all_that_is_not_ticked(
    synced: Connection, operator: User, client_of: ClientOf, views: Views, names: list[str], said: str | None
) -> None:
    page = client_of(operator).post("/schedules/resume/", chosen(views, *names))

    assert said in page.content.decode() if said else page.context["unchanged"] == ""


def test_another_cadence_for_what_stands_still_is_not_ticked_and_says_that_it_starts_again(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    still, running = views(SUSPENDED[0], HEALTHY)
    SavedQuery.objects.filter(pk=still.pk).update(sync_frequency="")
    ids = ",".join(str(view.posthog_id) for view in (still, running))

    page = client_of(operator).post("/schedules/cadence/", {"scope": ids, "confirmed": ""})

    assert "It stands still: another cadence starts it again." in page.content.decode()
    assert (page.context["total"], page.context["ticked"]) == (2, 1)
