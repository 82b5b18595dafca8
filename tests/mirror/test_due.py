"""When syncs start by themselves, and the signs of life of the background processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror import beats, tasks
from warehouse_admin.mirror.due import pause_after
from warehouse_admin.mirror.models import Beat, SyncRun

pytestmark = pytest.mark.django_db


def ended(connection: Connection, minutes_ago: float, state: str = "succeeded") -> SyncRun:
    sync = SyncRun.objects.create(connection=connection, state=state)
    at = timezone.now() - timedelta(minutes=minutes_ago)
    SyncRun.objects.filter(pk=sync.pk).update(created_at=at, finished_at=at)
    return sync


def test_a_new_connection_is_synced_at_once_and_only_once(connection: Connection) -> None:
    tasks.start_due_syncs.apply()
    tasks.start_due_syncs.apply()

    assert SyncRun.objects.get().state == "queued"


@pytest.mark.parametrize(("minutes", "syncs"), [(4, 1), (6, 2), (600, 2)])
def test_the_interval_decides_and_missed_beats_count_once(connection: Connection, minutes: int, syncs: int) -> None:
    ended(connection, minutes)

    tasks.start_due_syncs.apply()

    assert SyncRun.objects.count() == syncs


def test_a_paused_connection_is_left_alone(connection: Connection) -> None:
    Connection.objects.update(is_active=False)

    tasks.start_due_syncs.apply()

    assert not SyncRun.objects.exists()


def test_failures_in_a_row_slow_down_up_to_an_hour(connection: Connection) -> None:
    good, bad = SyncRun(state="succeeded"), SyncRun(state="failed")
    minutes = [
        pause_after(recent, connection).total_seconds() / 60
        for recent in ([good], [bad, good], [bad, bad, good], [bad] * 6, [SyncRun(state="needs_attention")])
    ]

    assert minutes == [5, 5, 10, 60, 30]


def test_beat_and_worker_leave_signs_of_life(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "_last_written", -1000.0)
    monkeypatch.setattr(beats, "close_old_connections", lambda: None)
    tasks.note_beat.apply()
    beats.note_worker()
    first = Beat.objects.get(name="worker").at
    beats.note_worker()

    assert set(Beat.objects.values_list("name", flat=True)) == {"beat", "worker"}
    assert Beat.objects.get(name="worker").at == first


def test_the_sync_page_tells_when_the_next_one_starts(
    viewer: User, client_of: Callable[[User], Client], connection: Connection
) -> None:
    ended(connection, 1, state="failed")
    ended(connection, 0, state="failed")  # the second in a row: the pause is twice the interval
    page = client_of(viewer).get(reverse("mirror:sync-list"))
    [state] = page.context["standings"]
    assert timedelta(minutes=9.9) < state.next_at - timezone.now() < timedelta(minutes=10)
    assert b"next <time" in page.content

    Connection.objects.update(is_active=False)

    page = client_of(viewer).get(reverse("mirror:sync-list"))
    assert page.context["standings"][0].next_at is None and b"next <time" not in page.content
