"""What the row of a sync tells about how far it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror import progress
from warehouse_admin.mirror.models import SyncRun


def running(
    done: int, total: int | None, seconds: float, *, limits: tuple[int, int] = (0, 0), **counts: Any
) -> SyncRun:
    connection = Connection(slug="x", budget_per_minute=limits[0], budget_per_hour=limits[1])
    counts["phases"] = [["Reading the list of views", 3.0], ["Reading views", seconds]]
    return SyncRun(connection=connection, state="running", done=done, total=total, counts=counts)


def test_the_time_left_is_told_from_the_pace_of_the_phase() -> None:
    assert progress.time_left(running(50, 200, 10.0)) == timedelta(seconds=30)


@pytest.mark.parametrize(("done", "total", "seconds"), [(50, None, 10.0), (5, 200, 10.0), (50, 200, 0.5), (0, 0, 9.0)])
def test_it_is_unknown_where_it_cannot_be_told(done: int, total: int | None, seconds: float) -> None:
    assert progress.time_left(running(done, total, seconds)) is None


def test_it_is_no_shorter_than_the_allowed_rate() -> None:
    """441 views went in a burst of ten seconds; the other 9,559 cannot at 450 a minute, less so at 4,500 an hour."""
    by_minute = progress.time_left(running(441, 10_000, 10.0, limits=(450, 0)))
    by_hour = progress.time_left(running(441, 10_000, 10.0, limits=(450, 4500)))

    assert by_minute and timedelta(minutes=20) < by_minute < timedelta(minutes=21)
    assert by_hour and timedelta(minutes=67) < by_hour < timedelta(minutes=68)


def test_waiting_is_only_told_of_a_running_sync_and_until_it_is_over() -> None:
    soon, past = timezone.now() + timedelta(seconds=40), timezone.now() - timedelta(seconds=1)
    sync = running(1, 2, 1.0, waiting_until=soon.isoformat())

    assert progress.waiting_until(sync) == soon
    sync.state = "failed"
    assert progress.waiting_until(sync) is None
    assert progress.waiting_until(running(1, 2, 1.0, waiting_until=past.isoformat())) is None
    assert progress.waiting_until(running(1, 2, 1.0)) is None


@pytest.mark.django_db
def test_the_api_tells_numbers_words_and_the_wait_apart(
    viewer: User, client_of: Callable[[User], Client], connection: Connection
) -> None:
    until = timezone.now() + timedelta(seconds=40)
    counts = {
        "details": 7,
        "notes": {"runs": "Runs cannot be read."},
        "phases": [["Reading views", 1.5]],
        "waiting_until": until.isoformat(),
    }
    sync = SyncRun.objects.create(connection=connection, state="running", phase="Reading views", counts=counts)

    answer = client_of(viewer).get(reverse("api:sync-detail", args=[sync.pk]))

    assert answer.status_code == 200
    assert answer.json()["counts"] == {"details": 7}
    assert answer.json()["notes"] == ["Runs cannot be read."]
    assert answer.json()["progress"]["waiting_until"][:19] == until.isoformat()[:19]
