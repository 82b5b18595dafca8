"""A schedule that stops without a word is told once for each silence, until it runs again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import tasks
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun
from warehouse_admin.mirror.refresh import refresh_states

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def connection(db: None) -> Connection:
    found = Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")
    SyncRun.objects.create(connection=found, state="succeeded", started_at=NOW - timedelta(days=9))
    return found


@pytest.fixture
def silent(connection: Connection) -> SavedQuery:
    return make_view(
        connection, "silent", is_materialized=True, sync_frequency="1hour", last_run_at=NOW - timedelta(hours=5)
    )


def look() -> list[ActivityEntry]:
    refresh_states()
    tasks.watch_overdue()
    return list(ActivityEntry.objects.filter(kind="overdue").order_by("pk"))


def test_one_entry_for_each_silence(silent: SavedQuery) -> None:
    (entry,) = look()
    assert (entry.saved_query, entry.source, entry.needs_review) == (silent, "system", True)
    assert entry.occurred_at == NOW - timedelta(hours=4)
    assert len(look()) == 1

    Run.objects.create(saved_query=silent, status="Completed", started_at=datetime.now(UTC))
    (entry,) = look()
    assert (entry.needs_review, entry.verdict) == (False, "")
    assert "It ran again" in entry.note

    Run.objects.all().delete()
    SavedQuery.objects.update(last_run_at=NOW - timedelta(hours=3))
    assert [entry.needs_review for entry in look()] == [False, True]


def test_what_a_person_has_said_stays_when_it_runs_again(silent: SavedQuery, reviewer: User) -> None:
    look()
    ActivityEntry.objects.update(verdict="flagged", note="asked Ann", reviewed_by=reviewer)

    Run.objects.create(saved_query=silent, status="Completed", started_at=datetime.now(UTC))

    (entry,) = look()
    assert (entry.verdict, entry.note) == ("flagged", "asked Ann")


def test_what_was_overdue_before_we_came_is_history(silent: SavedQuery) -> None:
    SyncRun.objects.update(started_at=NOW)

    assert [entry.needs_review for entry in look()] == [False]


@pytest.mark.parametrize("trouble", [{"is_active": False}, {"key_refused_at": NOW}])
def test_nothing_is_told_while_posthog_cannot_be_read(silent: SavedQuery, trouble: dict[str, object]) -> None:
    Connection.objects.update(**trouble)

    assert look() == []


def test_late_is_not_told(silent: SavedQuery) -> None:
    SavedQuery.objects.update(last_run_at=NOW - timedelta(minutes=65))

    assert look() == []


def test_the_inbox_shows_it(silent: SavedQuery, reviewer: User, client_of: Callable[[User], Client]) -> None:
    look()
    client = client_of(reviewer)

    page = client.get("/activity/?folder=suspensions").content.decode()

    assert "silent stopped running on its schedule" in page
    entry = ActivityEntry.objects.get()
    assert "knew of none" in client.get(f"/activity/{entry.pk}/").content.decode()
    told = client.get("/api/v1/activity/?kind=overdue").json()["results"][0]
    assert (told["saved_query"], told["source"]) == (str(silent.posthog_id), "system")
