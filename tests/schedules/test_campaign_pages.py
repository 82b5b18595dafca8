"""The page of a campaign, and of acts on one view."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED, YEAR, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Views = Callable[..., list[SavedQuery]]
Commit = Callable[..., object]
Begin = Callable[..., Campaign]


def test_a_second_operator_finds_the_button_and_the_first_does_not(
    synced: Connection,
    begin: Begin,
    operator: User,
    person: Callable[..., User],
    client_of: ClientOf,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    Connection.objects.update(guard_count=2, guard_percent=1, guard_second_person=True)
    names = list(SavedQuery.objects.filter(schedule_state="suspended").values_list("name", flat=True))
    campaign = begin("resume", *names, confirm_count=len(names))
    path = f"/schedules/resumes/{campaign.pk}/"
    assert "Confirm and start" not in client_of(operator).get(path).content.decode()
    assert client_of(operator).post(path + "confirm/").status_code == 403
    second = client_of(person("second", Role.OPERATOR))
    assert "Confirm and start" in second.get(path).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        second.post(path + "confirm/")

    assert "confirmed by <bdi>second</bdi>" in second.get(path).content.decode()
    polled = client_of(operator).get(path, headers={"HX-Request": "true"}).content.decode()
    assert "confirmed by <bdi>second</bdi>" in polled and "Nothing was sent yet" not in polled
    campaign.refresh_from_db()
    assert campaign.state == "succeeded"


def test_a_paused_campaign_says_so_and_offers_to_continue(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf
) -> None:
    campaign = begin("resume", *SUSPENDED)
    client, path = client_of(operator), f"/schedules/resumes/{campaign.pk}/"
    client.post(path + "pause/")

    text = client.get(path).content.decode()
    assert "nothing more is sent until somebody continues it" in text and path + "continue/" in text
    assert client.post(path + "continue/").status_code == 302
    work(campaign)
    assert campaign.state == "succeeded"


def test_one_that_no_worker_takes_up_says_so_after_a_while(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf
) -> None:
    campaign = begin("resume", *SUSPENDED)
    client, path = client_of(operator), f"/schedules/resumes/{campaign.pk}/"
    assert "none has taken it up yet" not in client.get(path).content.decode()
    Campaign.objects.update(created_at=timezone.now() - timedelta(seconds=30))

    assert "Waits for a background worker: none has taken it up yet" in client.get(path).content.decode()
    told = client.get(f"/api/v1/schedules/resumes/{campaign.pk}/").json()
    assert told["waits_for"].startswith("a background worker: none has taken it up yet")

    work(campaign)
    assert campaign.state == "succeeded"
    assert "a background worker" not in client.get(path).content.decode()


def test_one_view_is_paused_and_resumed_from_its_own_page(
    synced: Connection,
    operator: User,
    viewer: User,
    client_of: ClientOf,
    views: Views,
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    client, view = client_of(operator), views(HEALTHY)[0]
    page = f"/saved-queries/{view.posthog_id}/"
    assert f"{page}pause/" in client.get(page).content.decode()
    assert f"{page}pause/" not in client_of(viewer).get(page).content.decode()
    assert client.post(f"{page}pause/", {"reason": ""}).status_code == 422

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{page}pause/", {"reason": "source moves", "until": f"{YEAR}-01-01T08:00"})
    assert sandbox.world.view(HEALTHY).schedule.paused
    assert Hold.objects.get().reason == "source moves"
    assert f"{page}resume/" in client.get(page).content.decode()
    assert "By setting its cadence again" in client.get(f"{page}resume/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{page}resume/", {"reason": "it moved"})
    assert not sandbox.world.view(HEALTHY).schedule.paused
    assert client_of(viewer).post(f"{page}pause/", {"reason": "me too"}).status_code == 403
    assert services.wake_due() == 0


def test_one_view_is_warned_about_on_its_own_page_as_in_a_plan(
    synced: Connection, operator: User, client_of: ClientOf, views: Views
) -> None:
    broken, source, healthy = views("int_sessions", "int_account_health", HEALTHY)
    Edge.objects.filter(downstream=broken).delete()
    Edge.objects.create(connection=synced, downstream=broken, name=source.name, upstream_view=source)
    client = client_of(operator)

    page = client.get(f"/saved-queries/{broken.posthog_id}/resume/").content.decode()
    assert "Unchanged since it failed: it will most likely fail again." in page
    assert "Upstream still broken: int_account_health." in page
    assert (
        "It is not paused as far as the mirror knows"
        in client.get(f"/saved-queries/{healthy.posthog_id}/resume/").content.decode()
    )
    pause = client.get(f"/saved-queries/{source.posthog_id}/pause/").content.decode()
    assert "1 view reads it and keeps the rows of its last run." in pause


def test_every_look_at_a_campaign_brings_the_line_below_its_title_up_to_date(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf
) -> None:
    address = f"/schedules/resumes/{begin('resume', *SUSPENDED).pk}/"
    client = client_of(operator)

    whole = client.get(address).content.decode()
    look = client.get(address, headers={"HX-Request": "true"}).content.decode()

    assert (
        whole.count('id="resume-started"') == 1 and "hx-swap-oob" not in whole.partition('id="resume-started"')[2][:40]
    )
    assert look.count('id="resume-started" hx-swap-oob="true"') == 1
    assert "Started <time" in look.partition('id="resume-started"')[2]


def test_the_last_action_says_what_was_done_and_why_it_failed(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_clear_suspension", lambda world, view: False)
    campaign = work(begin("resume", "int_sessions"))
    item = campaign.items.get()
    assert item.outcome == "ignored" and campaign.error == "Of 1 schedule 1 was ignored."

    page = client_of(operator).get("/schedules/?q=int_sessions").content.decode()

    cell = page.partition('data-label="Last action"')[2].partition("</td>")[0]
    assert "Ignored" in cell and item.detail[:20] in cell
    assert re.sub(r"<[^>]+>", "", cell.partition("sub")[2]).partition(">")[2].startswith("Resume, ")


def test_the_page_that_changes_a_date_names_people_as_they_are_called(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf
) -> None:
    User.objects.filter(pk=operator.pk).update(first_name="Olga", last_name="Petrova")
    work(begin("pause", HEALTHY))

    page = client_of(operator).get(f"/schedules/pauses/{Hold.objects.get().pk}/date/").content.decode()

    facts = page.partition('class="facts"')[2].partition("</dl>")[0]
    assert "<bdi>Olga Petrova</bdi>" in facts
