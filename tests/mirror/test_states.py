"""The state of a schedule, from what PostHog says and from the runs that are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.refresh import refresh_states
from warehouse_admin.mirror.states import AUTO_PAUSED, schedule_state

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOURLY = {"is_materialized": True, "sync_frequency": "1hour", "status": "Completed"}


def ran(ago: timedelta, status: str = "Completed", error: str = "") -> Run:
    return Run(status=status, started_at=NOW - ago, error=error)


HALF_HOUR, HOURS = timedelta(minutes=30), timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "runs", "expected", "evidence"),
    [
        ({"managed_viewset_kind": "revenue_analytics"}, [], "managed", "revenue_analytics"),
        ({"origin": "managed_viewset"}, [], "managed", "manages"),
        ({"is_materialized": None}, [], "unknown", "does not say"),
        ({"is_materialized": False}, [], "not_scheduled", "Not materialized"),
        ({"is_materialized": False, "sync_frequency": "1hour"}, [], "not_scheduled", "never runs"),
        (HOURLY, [ran(HALF_HOUR, "Running")], "running", "2026-11-01 11:30"),
        (HOURLY | {"status": "Running"}, [], "running", "under way"),
        (
            HOURLY | {"suspended": {"clickhouse": {"at": "2026-11-01T10:00:00Z", "reason": "too slow"}}},
            [],
            "suspended",
            "too slow",
        ),
        (HOURLY | {"suspended": {}, "last_run_at": NOW - HALF_HOUR}, [], "on_time", "next due"),
        (HOURLY | {"sync_frequency": "", "latest_error": AUTO_PAUSED + " until …"}, [], "suspended", "PostHog paused"),
        (HOURLY | {"sync_frequency": ""}, [ran(HOURS, "Failed", AUTO_PAUSED)], "suspended", "PostHog paused"),
        (HOURLY | {"sync_frequency": "", "last_cadence": "6hour"}, [ran(HOURS)], "paused", "every 6 h"),
        (HOURLY | {"status": "Failed"}, [], "failing", "last run failed"),
        (HOURLY, [ran(HALF_HOUR, "Failed"), ran(2 * HOURS, "Failed"), ran(3 * HOURS)], "failing", "last 2 runs"),
        (HOURLY, [ran(HALF_HOUR, "Cancelled"), ran(HALF_HOUR * 3, "Failed")], "failing", "last run failed"),
        (HOURLY, [], "never_ran", "no run is known"),
        (HOURLY, [ran(HALF_HOUR)], "on_time", "next due 2026-11-01 12:30"),
        (HOURLY, [ran(timedelta(minutes=70))], "late", "grace"),
        (HOURLY, [ran(timedelta(hours=3))], "overdue", "was due"),
        (HOURLY | {"sync_frequency": "3fortnights"}, [ran(HALF_HOUR)], "unknown", "3fortnights"),
    ],
)
def test_the_state_and_its_evidence(fields: dict[str, Any], runs: list[Run], expected: str, evidence: str) -> None:
    found = schedule_state(SavedQuery(name="v", **fields), now=NOW, newest_runs=runs)

    assert found.state == expected
    assert evidence in found.evidence


def test_the_evidence_fits_its_column_however_much_posthog_says() -> None:
    view = SavedQuery(**HOURLY, suspended={"clickhouse": {"reason": "x" * 5000}})

    assert len(schedule_state(view, now=NOW).evidence) == 300


@pytest.mark.django_db
def test_states_move_with_time_alone(connection: Connection) -> None:
    view = make_view(connection, "v", is_materialized=True, sync_frequency="1hour", schedule_state="on_time")
    Run.objects.create(saved_query=view, status="Completed", started_at=datetime.now(UTC) - timedelta(hours=5))

    assert refresh_states() == 1

    view.refresh_from_db()
    assert view.schedule_state == "overdue"
    assert refresh_states() == 0
