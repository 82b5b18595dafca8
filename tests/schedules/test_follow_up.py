"""The look after the first scheduled run, and pauses that people asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, take_role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.holds import own_pauses
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]


def ran(name: str, status: str, ago: timedelta = timedelta()) -> None:
    view = SavedQuery.objects.get(name=name)
    Run.objects.create(
        saved_query=view, job_id=f"{name}-{status}-{ago}", status=status, started_at=timezone.now() - ago
    )


def test_the_first_run_after_a_resume_ends_in_the_report(
    synced: Connection, begin: Begin, operator: User, auditor: User, client_of: Callable[[User], Client]
) -> None:
    campaign = work(begin("resume", *SUSPENDED))
    assert campaign.state == "succeeded"
    ran("int_account_health", "Failed", ago=timedelta(hours=1))  # before it was sent: says nothing
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        ran("int_sessions", "Completed")
        ran("int_marketing_touches", "Failed")
        services.follow()
    told = dict(campaign.items.values_list("saved_query__name", "follow_up"))
    assert told == {"int_sessions": "ran_ok", "int_marketing_touches": "failed_again", "int_account_health": ""}
    campaign.refresh_from_db()
    assert campaign.followed_at is None

    with time_machine.travel(timezone.now() + timedelta(days=40)):
        services.follow()
        services.follow()
    assert campaign.items.get(saved_query__name="int_account_health").follow_up == "no_run_yet"
    final = AuditEntry.objects.get(action="schedules.follow_up")
    assert final.after == {
        "counts": {"failed_again": 1, "no_run_yet": 1, "ran_ok": 1},
        "views": {"failed_again": ["int_marketing_touches"], "no_run_yet": ["int_account_health"]},
    }
    address = f"/schedules/resumes/{campaign.pk}/"
    page = client_of(operator).get(address).content.decode()
    told = "3 resumed, of which 1 failed again at its first run and 1 did not run when due."
    assert told in page and told in client_of(operator).get("/schedules/resumes/").content.decode()
    assert "auditors and administrators find it in the audit trail" in page
    assert "auditors and administrators" not in client_of(auditor).get(address).content.decode()
    listed = "/api/v1/audit/?action=schedules.follow_up"
    assert client_of(operator).get(listed).json()["results"] == []
    assert [row["object"]["id"] for row in client_of(auditor).get(listed).json()["results"]] == [str(campaign.pk)]
    assert (final.object_id, final.request_id, final.result) == (str(campaign.pk), campaign.request_id, "failed")

    with time_machine.travel(timezone.now() + timedelta(days=41)):
        ran("int_account_health", "Completed")
        services.follow()
    assert campaign.items.get(saved_query__name="int_account_health").follow_up == "ran_ok"
    assert set(campaign.items.values_list("outcome", flat=True)) == {"resumed"}


def test_a_pause_is_kept_with_its_reason_and_wakes_up_on_its_date(
    synced: Connection, begin: Begin, operator: User, sandbox: SandboxServer
) -> None:
    view = SavedQuery.objects.get(name=HEALTHY)
    before = view.sync_frequency
    until = timezone.now() + timedelta(days=3)
    work(begin("pause", HEALTHY, reason="source moves", until=until))

    held = own_pauses([view.pk, 10**9])
    assert list(held) == [view.pk]
    assert (held[view.pk].by, held[view.pk].reason, held[view.pk].until) == ("operator", "source moves", until)
    assert services.wake_due() == 0

    with time_machine.travel(until + timedelta(minutes=1)):
        assert (services.wake_due(), services.wake_due()) == (1, 0)
        wake = Campaign.objects.get(action="resume")
        assert (wake.method, wake.started_by) == ("restore_cadence", operator)
        assert "wake-up date of a pause by operator" in wake.reason and "source moves" in wake.reason
        work(wake)

    assert sandbox.world.view(HEALTHY).sync_frequency == before
    assert not sandbox.world.view(HEALTHY).schedule.paused
    hold = Hold.objects.get()
    assert (hold.how, hold.ended_by, hold.cadence_before) == ("woken", operator, before)
    assert own_pauses([view.pk]) == {}
    assert AuditEntry.objects.filter(action="saved_query.set_cadence", result="ok", actor=operator).count() == 2


def test_somebody_who_may_no_longer_resume_is_stood_in_for_by_the_system(
    synced: Connection, begin: Begin, operator: User
) -> None:
    until = timezone.now() + timedelta(days=1)
    work(begin("pause", HEALTHY, until=until))
    take_role(operator, Role.OPERATOR)

    with time_machine.travel(until + timedelta(minutes=1)):
        services.wake_due()
        wake = work(Campaign.objects.get(action="resume"))

    assert (wake.started_by, wake.items.get().outcome) == (None, "resumed")
    assert "may no longer resume schedules, so the system does it" in wake.reason
    assert Hold.objects.get().how == "woken"


def test_a_wake_up_waits_for_a_usable_key(synced: Connection, begin: Begin) -> None:
    until = timezone.now() + timedelta(days=1)
    work(begin("pause", HEALTHY, until=until))
    Connection.objects.update(key_refused_at=timezone.now())

    with time_machine.travel(until + timedelta(minutes=1)):
        assert services.wake_due() == 0
        Connection.objects.update(key_refused_at=None)
        assert services.wake_due() == 1


def test_an_operator_ends_a_pause_by_resuming(synced: Connection, begin: Begin, operator: User) -> None:
    work(begin("pause", HEALTHY))
    work(begin("resume", HEALTHY, method="restore_cadence"))

    hold = Hold.objects.get()
    assert (hold.how, hold.ended_by) == ("resumed", operator)


def test_a_cadence_that_somebody_set_in_posthog_ends_a_pause(
    synced: Connection, begin: Begin, sandbox: SandboxServer
) -> None:
    work(begin("pause", HEALTHY, until=timezone.now() + timedelta(days=1)))
    sandbox.world.set_cadence_outside(HEALTHY, "24hour")
    with time_machine.travel(timezone.now() + timedelta(seconds=5), tick=True):
        sync(synced)
        services.wake_due()

    assert Hold.objects.get().how == "outside"
    assert Campaign.objects.filter(action="resume").count() == 0


def test_a_wake_up_date_that_nobody_can_mean_is_refused(synced: Connection, begin: Begin) -> None:
    with pytest.raises(InvalidInput, match="more than 5 years away"):
        begin("pause", HEALTHY, until=timezone.now() + timedelta(days=5 * 366 + 1))
    begin("pause", HEALTHY, until=timezone.now() + timedelta(days=5 * 365))


def test_a_wake_up_date_in_the_past_is_refused(synced: Connection, begin: Begin) -> None:
    with pytest.raises(InvalidInput, match="in the future"):
        begin("pause", HEALTHY, until=timezone.now() - timedelta(minutes=1))
