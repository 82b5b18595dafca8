"""A pause in force: woken before its date, or given another one, on pages that need no script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, YEAR, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services, waking
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
ClientOf = Callable[[User], Client]
Commit = Callable[..., object]
DATE = "schedules.change_wake_up"
NEXT_YEAR = datetime(YEAR, 1, 1, 8, tzinfo=UTC)


@pytest.fixture
def until(synced: Connection, begin: Begin) -> datetime:
    """When the one pause there is wakes up."""
    moment = timezone.now() + timedelta(days=1)
    work(begin("pause", HEALTHY, reason="source moves", until=moment))
    return moment


@pytest.fixture
def page(until: datetime) -> str:
    """Where the pages of that pause begin."""
    return f"/schedules/pauses/{Hold.objects.get().pk}/"


def changed_dates() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=DATE, result="ok").order_by("sequence"))


def test_each_pause_offers_both_to_those_who_may(
    page: str, operator: User, viewer: User, client_of: ClientOf, django_assert_max_num_queries: Commit
) -> None:
    client = client_of(operator)
    with django_assert_max_num_queries(12):
        listed = client.get("/schedules/pauses/").content.decode()
    assert f'href="{page}wake/"' in listed and f'href="{page}date/"' in listed

    read = client_of(viewer).get("/schedules/pauses/").content.decode()
    assert page not in read and "Operators and administrators wake schedules and change dates." in read


def test_a_pause_is_woken_before_its_date(
    page: str,
    operator: User,
    client_of: ClientOf,
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    client = client_of(operator)
    assert "source moves" in client.get(f"{page}wake/").content.decode()
    refused = client.post(f"{page}wake/", {"reason": " "})
    assert refused.status_code == 422 and "Say why" in refused.content.decode()
    assert sandbox.world.view(HEALTHY).schedule.paused

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{page}wake/", {"reason": "it moved already"})

    campaign = Campaign.objects.get(action="resume")
    assert answer["Location"] == f"/schedules/resumes/{campaign.pk}/"
    assert (campaign.method, campaign.reason, campaign.started_by) == ("restore_cadence", "it moved already", operator)
    assert not sandbox.world.view(HEALTHY).schedule.paused
    hold = Hold.objects.get()
    assert (hold.how, hold.ended_by) == ("resumed", operator)
    asked = AuditEntry.objects.get(action="schedules.resume", result="asked")
    assert (asked.actor, asked.reason, asked.object_id) == (operator, "it moved already", str(campaign.pk))
    assert AuditEntry.objects.filter(action="saved_query.set_cadence", result="ok", actor=operator).count() == 2

    again = client.post(f"{page}wake/", {"reason": "it moved already"})
    assert again.status_code == 409 and "This pause has ended by operator" in again.content.decode()
    assert Campaign.objects.filter(action="resume").count() == 1


def test_pressed_twice_it_is_woken_once_and_another_operator_finds_the_campaign(
    page: str, operator: User, person: Callable[..., User], client_of: ClientOf
) -> None:
    client = client_of(operator)
    answers = [client.post(f"{page}wake/", {"reason": "now"}) for _ in range(2)]

    campaign = Campaign.objects.get(action="resume")
    path = f"/schedules/resumes/{campaign.pk}/"
    assert [answer["Location"] for answer in answers] == [path, path]
    other = client_of(person("second", Role.OPERATOR)).post(f"{page}wake/", {"reason": "me too"})
    text = other.content.decode()
    assert other.status_code == 409 and f'href="{path}"' in text and "me too" in text
    assert Campaign.objects.filter(action="resume").count() == 1


def test_who_may_not_is_refused_on_record(page: str, viewer: User, client_of: ClientOf) -> None:
    client = client_of(viewer)
    for verb, body in (("wake", {"reason": "x"}), ("date", {"until": ""})):
        shown = client.get(f"{page}{verb}/").content.decode()
        assert re.search(r'<button class="btn btn-primary" disabled title="Operators and administrators wake', shown)
        assert client.post(f"{page}{verb}/", body).status_code == 403

    denied = AuditEntry.objects.filter(result="denied", actor=viewer, object_name=HEALTHY)
    assert set(denied.values_list("action", flat=True)) == {"schedules.resume", DATE}
    assert Hold.objects.get().until is not None and not Campaign.objects.filter(action="resume").exists()


def test_a_server_that_refuses_the_key_says_so_before_waking(page: str, operator: User, client_of: ClientOf) -> None:
    Connection.objects.update(key_refused_at=timezone.now())
    client = client_of(operator)

    assert "PostHog refuses the API key of Demo" in client.get(f"{page}wake/").content.decode()
    assert client.post(f"{page}wake/", {"reason": "now"}).status_code == 409
    assert not Campaign.objects.filter(action="resume").exists()


def test_where_no_cadence_is_known_one_is_asked_for(
    page: str,
    operator: User,
    client_of: ClientOf,
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    client = client_of(operator)
    assert 'name="cadence"' not in client.get(f"{page}wake/").content.decode()
    Hold.objects.update(cadence_before="")
    SavedQuery.objects.filter(name=HEALTHY).update(last_cadence="")

    assert 'name="cadence"' in client.get(f"{page}wake/").content.decode()
    assert client.post(f"{page}wake/", {"reason": "now"}).status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{page}wake/", {"reason": "now", "cadence": "6hour"})

    assert sandbox.world.view(HEALTHY).sync_frequency == "6hour"


def test_the_date_is_changed_and_taken_away_on_record(page: str, operator: User, client_of: ClientOf) -> None:
    client, view = client_of(operator), SavedQuery.objects.get(name=HEALTHY)
    before = Hold.objects.get().until
    assert f'value="{before:%Y-%m-%dT%H:%M}"' in client.get(f"{page}date/").content.decode()

    for _ in range(2):
        answer = client.post(f"{page}date/", {"until": f"{YEAR}-01-01T08:00", "reason": "the source is late"})
        assert answer["Location"] == "/schedules/pauses/"

    assert Hold.objects.get().until == NEXT_YEAR
    [entry] = changed_dates()
    assert (entry.actor, entry.object_id, entry.reason) == (operator, str(view.posthog_id), "the source is late")
    assert entry.before["until"] == before.isoformat() and entry.after["until"] == NEXT_YEAR.isoformat()
    view.refresh_from_db()
    assert f"until {YEAR}-01-01 08:00" in view.schedule_evidence

    assert client.post(f"{page}date/", {"until": "", "reason": ""}).status_code == 302
    assert Hold.objects.get().until is None
    assert [entry.after["until"] for entry in changed_dates()] == [NEXT_YEAR.isoformat(), None]
    with time_machine.travel(NEXT_YEAR + timedelta(days=1)):
        assert services.wake_due() == 0


def test_a_date_that_has_passed_is_refused(page: str, until: datetime, operator: User, client_of: ClientOf) -> None:
    answer = client_of(operator).post(f"{page}date/", {"until": "2001-01-01T08:00"})

    assert answer.status_code == 422 and "The wake-up date has passed" in answer.content.decode()
    assert Hold.objects.get().until == until and changed_dates() == []


def test_after_a_failed_wake_up_another_date_begins_anew(
    page: str, until: datetime, operator: User, client_of: ClientOf
) -> None:
    client = client_of(operator)
    with time_machine.travel(until + timedelta(minutes=1)):
        assert services.wake_due() == 1
        under_way = client.post(f"{page}date/", {"until": f"{YEAR}-01-01T08:00"})
        assert under_way.status_code == 409 and "being woken already" in under_way.content.decode()
        assert "It is being woken." in client.get("/schedules/pauses/").content.decode()
        Campaign.objects.filter(action="resume").update(state="stopped")
        Campaign.objects.get(action="resume").items.update(is_open=False)
        services.wake_due()
    hold = Hold.objects.get()
    assert hold.needs_person_at is not None or hold.wake_not_before is not None

    client.post(f"{page}date/", {"until": f"{YEAR}-01-01T08:00"})

    hold.refresh_from_db()
    assert (hold.wake, hold.wake_tries, hold.wake_not_before, hold.wake_error) == (None, 0, None, "")
    assert hold.needs_person_at is None
    with time_machine.travel(NEXT_YEAR + timedelta(minutes=1)):
        assert services.wake_due() == 1


def test_a_date_that_changes_while_the_beat_wakes_is_kept(
    until: datetime, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the beat's look and its campaign somebody gives the pause another date."""
    create = waking.create

    def late(*args: object, **more: object) -> Campaign:
        Hold.objects.update(until=NEXT_YEAR)
        return create(*args, **more)

    monkeypatch.setattr(waking, "create", late)
    with time_machine.travel(until + timedelta(minutes=1)):
        assert services.wake_due() == 0

    assert not Campaign.objects.filter(action="resume").exists()
    assert Hold.objects.get().wake is None


def test_an_ended_or_unknown_pause_is_told(page: str, operator: User, client_of: ClientOf, begin: Begin) -> None:
    work(begin("resume", HEALTHY, method="restore_cadence"))
    client = client_of(operator)

    for verb, body in (("wake", {"reason": "x"}), ("date", {"until": f"{YEAR}-01-01T08:00"})):
        assert "This pause has ended" in client.get(f"{page}{verb}/").content.decode()
        assert client.post(f"{page}{verb}/", body).status_code == 409
    assert client.get("/schedules/pauses/999999/wake/").status_code == 404
    assert changed_dates() == []


def test_a_date_that_nobody_can_mean_is_refused_on_the_page_and_over_rest(
    page: str, until: datetime, operator: User, client_of: ClientOf
) -> None:
    client, view = client_of(operator), SavedQuery.objects.get(name=HEALTHY)

    answer = client.post(f"{page}date/", {"until": "9999-01-01T08:00"})
    assert answer.status_code == 422 and "more than 5 years away" in answer.content.decode()
    body = {"until": "9999-01-01T08:00Z", "reason": "x"}
    told = client.post(f"/api/v1/schedules/pauses/{view.posthog_id}/date/", body, content_type="application/json")
    assert told.status_code == 400 and "more than 5 years away" in str(told.json()["errors"]["until"])
    assert Hold.objects.get().until == until and changed_dates() == []


@pytest.mark.parametrize("unseen", ["\u200b\u200b", "\u3164", " \ufeff\u2060 ", "\u2800"])
def test_a_reason_of_which_nothing_can_be_seen_is_none(
    page: str, operator: User, client_of: ClientOf, unseen: str
) -> None:
    client, view = client_of(operator), SavedQuery.objects.get(name=HEALTHY)

    for verb, body in (("wake", {}), ("date", {"until": f"{YEAR}-01-01T08:00"})):
        answer = client.post(f"{page}{verb}/", {**body, "reason": unseen})
        assert answer.status_code == 422 and "Say why" in answer.content.decode()
    one = view.posthog_id
    for address in (f"saved-queries/{one}/run/", f"schedules/pauses/{one}/wake/", f"schedules/pauses/{one}/date/"):
        body = {"reason": unseen} | ({"until": f"{YEAR}-01-01T08:00Z"} if address.endswith("date/") else {})
        told = client.post(f"/api/v1/{address}", body, content_type="application/json")
        assert told.status_code == 400 and "Say why" in str(told.json()["errors"]["reason"])
    assert changed_dates() == [] and Campaign.objects.count() == 1
