"""The same troubles where PostHog refuses keys for its own resume, so that cadences are set view by view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.errors import AlreadyInCampaign
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]


@pytest.fixture
def refusing(generation: Generation) -> Connection:
    found = generation("B")
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="6hour")
    return found


def sent(sandbox: SandboxServer) -> Counter[str]:
    return Counter(request.path.rstrip("/")[-36:] for request in sandbox.world.requests_to("saved_queries", "PATCH"))


@pytest.mark.parametrize("name", ["B", "D"])
def test_two_operators_with_overlapping_views_never_send_one_twice(
    generation: Generation,
    begin: Begin,
    person: Callable[..., User],
    views: Callable[..., list[SavedQuery]],
    outcomes: Outcomes,
    sandbox: SandboxServer,
    name: str,
) -> None:
    generation(name)
    SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="6hour")
    method = "restore_cadence" if name == "B" else "resume_schedules"
    second = {"user": person("second", Role.OPERATOR), "reason": "mine too", "method": method}
    second["saved_queries"] = views(SUSPENDED[2], HEALTHY)
    first = begin("resume", *SUSPENDED, method=method)
    with pytest.raises(AlreadyInCampaign, match=SUSPENDED[2]):
        services.start_resume(**second)

    work(first)
    later = work(services.start_resume(**second))

    proven = {"B": "accepted", "D": "resumed"}[name]
    assert outcomes(first) == dict.fromkeys(SUSPENDED, proven)
    assert outcomes(later) == {SUSPENDED[2]: "not_paused", HEALTHY: "not_paused"}
    calls = sent(sandbox) + Counter(
        key for call in sandbox.world.requests_to("resume_schedules") for key in call.body["view_ids"]
    )
    assert sorted(calls.values()) == [1, 1, 1]


def test_a_key_refused_in_the_middle_is_tried_no_more(
    refusing: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    campaign = begin("resume", *SUSPENDED, method="restore_cadence")
    sandbox.world.faults.add(Fault("revoke_key", "PATCH", after=1))

    work(campaign)

    assert Counter(outcomes(campaign).values()) == {"accepted": 1, "failed": 2}
    assert campaign.state == "needs_attention"
    assert [call.status for call in sandbox.world.requests_to("saved_queries", "PATCH")] == [200, 401]
    assert "Not sent" in campaign.items.order_by("position").last().detail
    assert AuditEntry.objects.filter(action="connection.key_refused", result="failed").count() == 1


def test_a_server_that_is_down_in_the_middle_is_waited_for(
    refusing: Connection, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    campaign = begin("resume", *SUSPENDED, method="restore_cadence")
    sandbox.world.faults.add(Fault("status_503_html", "PATCH", after=1))

    work(campaign)
    assert (campaign.state, campaign.waits_for) == ("running", "PostHog to be reachable again")
    assert Counter(outcomes(campaign).values()) == {"accepted": 1, "unknown": 1, "queued": 1}
    for seconds in (80, 110):
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
            mutations.settle_due()
            services.follow()

    campaign.refresh_from_db()
    assert Counter(outcomes(campaign).values()) == {"accepted": 2, "failed": 1}
    down = campaign.items.get(outcome="failed")
    assert "PostHog failed with 503." in down.detail and "did not carry the request out" in down.detail
    assert sandbox.world.view(down.saved_query.name).schedule.paused
    assert sorted(sent(sandbox).values()) == [1, 1, 1]
