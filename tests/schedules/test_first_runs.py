"""When the first run after a campaign is due, and which cadence a view gets back, wherever it is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from tests.schedules.conftest import HEALTHY, SUSPENDED, work
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Begin = Callable[..., Campaign]


def text_of(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.decode()))


def test_a_first_run_is_due_without_its_grace_and_counts_as_missed_after_it(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf
) -> None:
    SavedQuery.objects.filter(name="int_sessions").update(sync_frequency="6hour", last_cadence="6hour")
    campaign = work(begin("resume", "int_sessions"))
    sent_at = campaign.items.get().sent_at
    address = f"/schedules/resumes/{campaign.pk}/"

    with time_machine.travel(sent_at, tick=False):
        page = text_of(client_of(operator).get(address).content)
    assert "due in 6 h" in page and "counts as missed" not in page and "1 still awaited" in page

    with time_machine.travel(sent_at + timedelta(hours=6, minutes=20), tick=False):
        page = text_of(client_of(operator).get(address).content)
    assert "due 20 min ago; counts as missed in 1 h" in page


def test_no_run_is_said_to_be_due_where_nobody_knows_whether_it_was_taken(
    synced: Connection, begin: Begin, operator: User, client_of: ClientOf, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_before", "POST", "resume_schedules"))
    campaign = work(begin("resume", "int_sessions"))
    assert campaign.items.get().outcome == "unknown"
    client = client_of(operator)

    page = text_of(client.get(f"/schedules/resumes/{campaign.pk}/").content)

    assert "not known whether it was taken" in page and " due " not in page and "still awaited" not in page
    assert client.get(f"/api/v1/schedules/resumes/{campaign.pk}/").json()["follow_up"] == {}


def test_a_run_that_was_asked_for_is_awaited_at_once(
    generation: Callable[[str], Connection], begin: Begin, operator: User, client_of: ClientOf
) -> None:
    generation("C")
    campaign = work(begin("run", HEALTHY))

    page = text_of(client_of(operator).get(f"/schedules/resumes/{campaign.pk}/").content)

    assert "awaited; counts as missed in" in page and "due in" not in page


def test_plan_page_file_and_rest_tell_which_cadence_each_view_gets_back(
    generation: Callable[[str], Connection], begin: Begin, operator: User, client_of: ClientOf
) -> None:
    generation("B")
    for name, cadence in zip(SUSPENDED, ("6hour", "24hour", ""), strict=True):
        SavedQuery.objects.filter(name=name).update(last_cadence=cadence)
    client = client_of(operator)
    keys = [str(one) for one in SavedQuery.objects.filter(name__in=SUSPENDED).values_list("posthog_id", flat=True)]

    plan = client.post("/schedules/resume/", {"saved_queries": keys})
    assert {row.view.name: row.gets for row in plan.context["planned"]} == dict(
        zip(SUSPENDED, ("6hour", "24hour", ""), strict=True)
    )
    assert "gets back every 6 h" in text_of(plan.content) and "gets back every 24 h" in text_of(plan.content)

    campaign = begin("resume", *SUSPENDED, method="restore_cadence", cadence="12hour")
    told = dict(zip(SUSPENDED, ("6hour", "24hour", "12hour"), strict=True))
    for _ in ("before", "after"):
        page = text_of(client.get(f"/schedules/resumes/{campaign.pk}/").content)
        assert all(f"gets back every {hours} h" in page for hours in (6, 24, 12))
        rest = client.get(f"/api/v1/schedules/resumes/{campaign.pk}/").json()["items"]
        assert {item["name"]: item["cadence"] for item in rest} == told
        report = b"".join(client.get(f"/schedules/resumes/{campaign.pk}/report.csv").streaming_content).decode()
        lines = [line.split(",") for line in report.splitlines()]
        assert {line[0]: line[-1] for line in lines[1:]} == told and lines[0][-1] == "cadence"
        work(campaign)
        SavedQuery.objects.filter(name__in=SUSPENDED).update(last_cadence="7day")  # what is set later changes nothing


def test_other_ways_give_no_cadence_back(synced: Connection, begin: Begin, operator: User, client_of: ClientOf) -> None:
    campaign = work(begin("resume", "int_sessions"))

    rest = client_of(operator).get(f"/api/v1/schedules/resumes/{campaign.pk}/").json()["items"]

    assert [item["cadence"] for item in rest] == [None]
