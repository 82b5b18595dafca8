"""Outcomes change long after an act: what is learned late begins no pause again and ends none that came later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, work
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign, Hold

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]
DAY = timedelta(days=1)


def learn_of_a_run(sandbox: SandboxServer, connection: Connection) -> None:
    sandbox.world.run_outside(HEALTHY, finish=True)
    sync(connection)
    services.follow()


def holds() -> list[tuple[str, str]]:
    return list(Hold.objects.order_by("pk").values_list("reason", "how"))


def test_a_pause_that_was_ended_does_not_begin_again_when_its_outcome_is_told(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("B")
    campaign = work(begin("pause", HEALTHY, until=timezone.now() + DAY))
    work(begin("resume", HEALTHY, method="restore_cadence"))

    learn_of_a_run(sandbox, connection)

    assert outcomes(campaign) == {HEALTHY: "paused"}
    assert holds() == [("because", "resumed")]
    assert "on record here" not in SavedQuery.objects.get(name=HEALTHY).schedule_confidence_reason


def test_a_later_pause_keeps_its_date_when_the_outcome_of_an_earlier_one_is_told(
    generation: Generation, begin: Begin, sandbox: SandboxServer
) -> None:
    connection = generation("B")
    work(begin("pause", HEALTHY, reason="first", until=timezone.now() + DAY))
    work(begin("resume", HEALTHY, method="restore_cadence"))
    sandbox.world.run_outside(HEALTHY, finish=True)
    sync(connection)
    until = timezone.now() + 9 * DAY
    work(begin("pause", HEALTHY, reason="second", until=until))

    services.follow()

    assert holds() == [("first", "resumed"), ("second", "")]
    assert Hold.objects.get(ended_at=None).until == until


def test_a_pause_outlives_the_late_proof_of_a_resume_before_it(
    generation: Generation, begin: Begin, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("B")
    work(begin("pause", HEALTHY))
    resume = work(begin("resume", HEALTHY, method="restore_cadence"))
    assert outcomes(resume) == {HEALTHY: "accepted"}
    sandbox.world.run_outside(HEALTHY, finish=True)
    sync(connection)
    work(begin("pause", HEALTHY, reason="again", until=timezone.now() + DAY))

    services.follow()

    assert outcomes(resume) == {HEALTHY: "resumed"}
    assert holds() == [("because", "resumed"), ("again", "")]
