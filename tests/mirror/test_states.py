"""The state of a schedule, from what PostHog says and from the runs that are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.causes import AUTO_PAUSED, fingerprint
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun
from warehouse_admin.mirror.own_acts import OwnActs, OwnPause, OwnStart
from warehouse_admin.mirror.refresh import refresh_states
from warehouse_admin.mirror.roots import broken_above
from warehouse_admin.mirror.states import schedule_state

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


OLD = {"is_materialized": True, "sync_frequency": "", "last_cadence": "1hour", "cadence_lost_at": NOW - 9 * HOURS}
PAUSE = OwnPause(NOW - HOURS, NOW + HOURS, "olga", "source is down")


@pytest.mark.parametrize(
    ("fields", "runs", "more", "state", "confidence", "because"),
    [
        (HOURLY | {"suspended": {"clickhouse": {"at": "2026-11-01T10:00:00Z"}}}, [], {}, "suspended", "certain", ""),
        (HOURLY | {"sync_frequency": "", "latest_error": AUTO_PAUSED}, [], {}, "suspended", "likely", "words PostHog"),
        (OLD, [], {}, "paused", "guess", "does not tell"),
        (OLD | {"suspended": {}}, [], {}, "paused", "likely", "no suspension"),
        (OLD | {"suspended": {}}, [], {"own": OwnActs(PAUSE)}, "paused", "certain", "on record here"),
        (OLD | {"latest_error": AUTO_PAUSED}, [], {"own": OwnActs(PAUSE)}, "paused", "certain", "on record here"),
        (OLD, [ran(HALF_HOUR), ran(2 * HOURS)], {}, "on_time", "likely", "run twice"),
        (OLD, [ran(HALF_HOUR)], {}, "paused", "guess", ""),
        (HOURLY, [ran(HALF_HOUR)], {}, "on_time", "likely", "says nothing of the schedule"),
        (HOURLY | {"suspended": {}}, [ran(HALF_HOUR)], {}, "on_time", "certain", "no suspension"),
        (HOURLY, [ran(timedelta(days=3), "Running")], {}, "running", "guess", "left over"),
        (HOURLY | {"status": "Running"}, [], {}, "running", "likely", ""),
        (HOURLY | {"status": "Failed"}, [], {}, "failing", "likely", ""),
        (HOURLY | {"synced_at": NOW}, [ran(3 * HOURS)], {}, "overdue", "certain", "knew of no run"),
        # Due twenty minutes ago, and not read since before: nobody knows yet that it did not run.
        (HOURLY | {"synced_at": NOW - HALF_HOUR}, [ran(80 * timedelta(minutes=1))], {}, "late", "likely", "next sync"),
    ],
)
def test_how_sure_a_state_is_and_why(
    fields: dict[str, Any], runs: list[Run], more: dict[str, Any], state: str, confidence: str, because: str
) -> None:
    found = schedule_state(SavedQuery(name="v", **fields), now=NOW, newest_runs=runs, **more)

    assert (found.state, found.confidence) == (state, confidence)
    assert because in found.because


RESUMED = OwnStart(NOW - HALF_HOUR, "olga", resumes=True)
NOT_SEEN = "A resume was asked for here by olga at 2026-11-01"


@pytest.mark.parametrize(
    ("fields", "runs", "own", "state", "told"),
    [
        (HOURLY, [ran(9 * HOURS)], OwnActs(start=RESUMED), "on_time", True),  # overdue but for the resume
        (HOURLY, [ran(9 * HOURS, "Failed")], OwnActs(start=RESUMED), "failing", True),
        (HOURLY, [ran(timedelta(minutes=5), "Failed")], OwnActs(start=RESUMED), "failing", False),
        (OLD | {"latest_error": AUTO_PAUSED}, [], OwnActs(start=RESUMED), "suspended", True),
        (OLD, [ran(timedelta(minutes=5))], OwnActs(start=RESUMED), "on_time", False),
        # Paused again since, here or elsewhere: the resume explains nothing any more.
        (OLD | {"cadence_lost_at": NOW - timedelta(minutes=9)}, [], OwnActs(start=RESUMED), "paused", False),
        (OLD, [], OwnActs(OwnPause(NOW - timedelta(minutes=9), None, "olga", "r"), RESUMED), "paused", False),
    ],
)
def test_a_resume_of_our_own_is_told_until_it_is_followed_or_overtaken(
    fields: dict[str, Any], runs: list[Run], own: OwnActs, state: str, told: bool
) -> None:
    found = schedule_state(SavedQuery(name="v", synced_at=NOW, **fields), now=NOW, newest_runs=runs, own=own)

    assert found.state == state
    assert (NOT_SEEN in found.evidence) is told
    assert not told or (found.due is not None and found.due > NOW)


def test_news_and_time_are_what_a_sync_looks_at(connection: Connection) -> None:
    late, quiet = (
        make_view(connection, name, is_materialized=True, sync_frequency="1hour") for name in ("late", "quiet")
    )
    hours_ago = datetime.now(UTC) - timedelta(hours=5)
    Run.objects.bulk_create(Run(saved_query=view, status="Completed", started_at=hours_ago) for view in (late, quiet))
    kept = {"schedule_state": "on_time", "schedule_evidence": "It ran."}
    SavedQuery.objects.filter(pk=late.pk).update(next_due_at=hours_ago + timedelta(hours=1), **kept)
    SavedQuery.objects.filter(pk=quiet.pk).update(next_due_at=datetime.now(UTC) + timedelta(hours=1), **kept)

    assert refresh_states(connection, news=[]) == 1
    late.refresh_from_db()
    assert late.schedule_state == "overdue"
    assert refresh_states(connection, news=[quiet.pk]) == 1
    quiet.refresh_from_db()
    assert quiet.schedule_state == "overdue"


@pytest.mark.parametrize(
    ("read_ago", "fields", "runs", "state", "confidence"),
    [
        (timedelta(minutes=40), HOURLY | {"suspended": {}}, [ran(timedelta(minutes=45))], "on_time", "likely"),
        (timedelta(hours=4), HOURLY | {"suspended": {}}, [ran(5 * HOURS - HALF_HOUR)], "unknown", "guess"),
        (timedelta(hours=4), HOURLY, [ran(9 * HOURS)], "overdue", "likely"),
        (timedelta(hours=4), HOURLY, [ran(5 * HOURS, "Failed")], "failing", "likely"),
        (timedelta(hours=4), HOURLY, [ran(5 * HOURS, "Running")], "unknown", "guess"),
        (timedelta(hours=4), HOURLY | {"sync_frequency": ""}, [], "paused", "guess"),
    ],
)
def test_what_nobody_could_read_since_is_said_to_be_as_last_known(
    read_ago: timedelta, fields: dict[str, Any], runs: list[Run], state: str, confidence: str
) -> None:
    view = SavedQuery(name="v", synced_at=NOW - read_ago, **fields)

    found = schedule_state(view, now=NOW, newest_runs=runs, unread="the last sync failed.")

    assert (found.state, found.confidence) == (state, confidence)
    assert f"As of 2026-11-01 {NOW - read_ago:%H:%M} UTC; PostHog could not be read since" in found.evidence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_active": False}, "the connection is paused"),
        ({"key_refused_at": datetime(2026, 11, 1, tzinfo=UTC)}, "PostHog refuses the key"),
        ({}, "no sync has read it for too long"),
    ],
)
def test_on_time_does_not_outlive_the_reading(connection: Connection, change: dict[str, Any], said: str) -> None:
    now = datetime.now(UTC)
    view = make_view(connection, "v", **HOURLY, synced_at=now - 3 * HOURS, last_run_at=now - 4 * HOURS + HALF_HOUR)
    Connection.objects.filter(pk=connection.pk).update(**change)

    refresh_states()

    view.refresh_from_db()
    assert (view.schedule_state, view.schedule_confidence) == ("unknown", "guess")
    assert said in view.schedule_evidence


@pytest.mark.django_db
def test_a_failed_sync_puts_in_doubt_only_what_was_not_read_since(connection: Connection) -> None:
    now = datetime.now(UTC)
    SyncRun.objects.create(connection=connection, state="failed", started_at=now - timedelta(minutes=5))
    before, after = (
        make_view(connection, name, **HOURLY, synced_at=now - timedelta(minutes=ago), last_run_at=now - HALF_HOUR)
        for name, ago in (("before", 9), ("after", 1))
    )

    refresh_states()

    before.refresh_from_db()
    after.refresh_from_db()
    assert "the last sync failed" in before.schedule_evidence
    assert after.schedule_evidence.startswith("Every hour")


@pytest.mark.django_db
def test_since_tells_when_a_state_began(connection: Connection) -> None:
    now = datetime.now(UTC)
    view = make_view(connection, "v", **HOURLY, last_run_at=now - HALF_HOUR)
    refresh_states()
    view.refresh_from_db()
    assert (view.schedule_state, view.schedule_since) == ("on_time", None)  # so since we know it

    failed = Run.objects.create(saved_query=view, status="Failed", started_at=now, error="Error 17 in 'a.b'\nmore")
    refresh_states()
    view.refresh_from_db()
    assert (view.schedule_state, view.schedule_since) == ("failing", failed.started_at)
    assert view.cause == "Error 17 in 'a.b'"

    Run.objects.create(saved_query=view, status="Completed", started_at=now + timedelta(seconds=1))
    refresh_states()
    view.refresh_from_db()
    assert view.schedule_state == "on_time" and view.schedule_since is not None and view.schedule_since >= now
    assert view.cause == view.cause_fingerprint == ""


@pytest.mark.django_db
def test_a_pause_made_here_is_known_to_the_list_of_states(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = make_view(connection, "v", is_materialized=True, sync_frequency="")
    monkeypatch.setattr(hooks, "own_pauses", [lambda keys: {view.pk: PAUSE} if view.pk in keys else {}])

    refresh_states()

    view.refresh_from_db()
    assert (view.schedule_state, view.schedule_confidence, view.schedule_since) == ("paused", "certain", PAUSE.at)
    assert "Paused here by olga until 2026-11-01 13:00 UTC: source is down" in view.schedule_evidence


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Memory limit 17.2 GiB exceeded", "Memory limit 9 GiB exceeded", True),
        ("Unknown column 'a.b'", "Unknown column `c`", True),
        ("At 2026-01-01T10:00:00Z job 6f9619ff-8b86-d011-b42d-00c04fc964ff", "at 2026-02-02 11:11 job 1", True),
        (
            "Code: 159. DB::Exception: Timeout: 600.1 s. (TIMEOUT_EXCEEDED) (while reading events)",
            "Code: 159. DB::Exception: Timeout: 601 s. (TIMEOUT_EXCEEDED) (in JOIN)",
            True,
        ),
        ("Memory limit exceeded", "Timeout exceeded", False),
    ],
)
def test_errors_that_differ_in_detail_only_are_one_cause(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) is same


@pytest.mark.django_db
def test_the_root_is_the_furthest_broken_view_that_nothing_healthy_stands_before(connection: Connection) -> None:
    states = {"source": "1", "plain": None, "middle": "1", "healthy": "0", "behind": "1", "last": "1"}
    views = {}
    for name, broken in states.items():
        fields = HOURLY if broken is not None else {"is_materialized": False}
        views[name] = make_view(connection, name, **fields, last_run_at=datetime.now(UTC))
        if broken == "1":
            Run.objects.create(saved_query=views[name], status="Failed", started_at=datetime.now(UTC))
    reads = [("plain", "source"), ("middle", "plain"), ("last", "middle"), ("healthy", "source"), ("behind", "healthy")]
    for reader, source in reads:
        Edge.objects.create(connection=connection, downstream=views[reader], name=source, upstream_view=views[source])

    refresh_states()

    roots = dict(SavedQuery.objects.values_list("name", "root_upstream__name"))
    assert {name: root for name, root in roots.items() if root} == {"middle": "source", "last": "source"}
    assert SavedQuery.objects.get(name="source").holds_up == 2
    keys = {name: view.pk for name, view in views.items()}
    assert broken_above(list(SavedQuery.objects.all())) == {
        keys["plain"]: [{keys["source"]}],
        keys["middle"]: [{keys["source"]}],
        keys["last"]: [{keys["middle"]}, {keys["source"]}],
        keys["healthy"]: [{keys["source"]}],
    }

    Run.objects.create(
        saved_query=views["source"], status="Completed", started_at=datetime.now(UTC) + timedelta(seconds=1)
    )
    refresh_states()
    assert SavedQuery.objects.get(name="last").root_upstream == views["middle"]
    assert SavedQuery.objects.get(name="source").holds_up == 0
