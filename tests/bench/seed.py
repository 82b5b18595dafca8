"""What a mirror holds, in bulk: believable in number and size, not in meaning."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import (
    Confidence,
    Run,
    SavedQuery,
    SavedQueryVersion,
    ScheduleState,
    SyncRun,
    WarehouseTable,
)

Row = TypeVar("Row", bound=models.Model)
CADENCES = ("1hour", "6hour", "12hour", "24hour", "7day")
STATES = (*[ScheduleState.ON_TIME] * 16, *ScheduleState.values)  # most schedules are fine
SOURCES = ("Stripe", "Postgres", "Hubspot", "Salesforce", "Zendesk", "")
STEP = """    countIf(event = '{event}_{number}' AND properties.$lib = 'web') AS {event}_{number}_count,
    uniqIf(person_id, event = '{event}_{number}') AS {event}_{number}_people"""
EVENTS = ("paid", "signed_up", "cancelled", "invited", "exported", "upgraded", "churned")
SQL = """-- bench view {number}: what people did, day by day
SELECT
    date_trunc('day', timestamp) AS day,
{steps}
FROM events
LEFT JOIN raw_orders_{number:05} AS orders ON orders.person_id = events.person_id
WHERE timestamp > now() - INTERVAL {days} DAY AND properties.$host NOT IN ('localhost', 'staging.example.com')
GROUP BY day
ORDER BY day DESC
"""


def sql_of(number: int, chosen: random.Random) -> str:
    """About 2 kB of SQL, a few of 8; every view joins a table of its own."""
    count = chosen.choice((4, 6, 8, 10, 12, 60))
    steps = ",\n".join(STEP.format(event=chosen.choice(EVENTS), number=step) for step in range(count))
    return SQL.format(number=number, steps=steps, days=chosen.randint(7, 400))


def bulk(rows: list[Row]) -> list[Row]:
    """Insert rows of one model."""
    return type(rows[0])._default_manager.bulk_create(rows, batch_size=500) if rows else []


def missing(count: int, model: type[models.Model], **conditions: Any) -> range:
    """The numbers of the rows that `model` lacks to have `count`."""
    return range(model._default_manager.filter(**conditions).count(), count)


def seed_mirror(connection: Connection, count: int) -> None:
    """Add rows until there are `count` views with their runs and versions, tables and syncs, and runs of one view."""
    chosen = random.Random(count)  # a fixed seed, so that two runs measure the same rows
    views = seed_views(connection, count)
    _seed_versions(views, chosen)
    _seed_edges(connection, views, chosen)
    _seed_tables(connection, count, chosen)
    _seed_syncs(connection, count, chosen)
    _seed_long_history(connection, count)


def seed_views(connection: Connection, count: int, *, runs_each: int = 10) -> list[SavedQuery]:
    """Add views until the connection has `count` of them, each materialized one with a short run history."""
    chosen = random.Random(count)
    now = timezone.now()
    made = bulk([_view(connection, number, chosen) for number in missing(count, SavedQuery, connection=connection)])
    runs = [
        Run(
            saved_query=view,
            job_id=uuid.uuid4().hex,
            status="Completed" if chosen.random() < 0.9 else "Failed",
            started_at=now - timedelta(hours=hour),
            finished_at=now - timedelta(hours=hour) + timedelta(seconds=chosen.randint(5, 500)),
            rows=chosen.randint(1, 1_000_000),
        )
        for view in made
        if view.is_materialized
        for hour in range(runs_each)
    ]
    bulk(runs)
    return made


def _view(connection: Connection, number: int, chosen: random.Random) -> SavedQuery:
    now = timezone.now()
    query = sql_of(number, chosen)
    is_materialized = number % 2 == 0
    state = chosen.choice(STATES) if is_materialized else ScheduleState.NOT_SCHEDULED
    is_broken = state in (ScheduleState.FAILING, ScheduleState.SUSPENDED)
    cause = f"Memory limit exceeded in part {number % 40} of the join." if is_broken else ""
    return SavedQuery(
        connection=connection,
        posthog_id=uuid.UUID(int=chosen.getrandbits(128)),
        name=f"bench.{chosen.choice(['stg', 'int', 'mart'])}_{number:05}",
        description=f"What people did, for report {number}" if number % 3 == 0 else "",
        query=query,
        query_hash=text_digest(query),
        columns=[{"name": f"column_{place}", "type": "integer"} for place in range(12)],
        is_materialized=is_materialized,
        sync_frequency=chosen.choice(CADENCES) if is_materialized else "",
        schedule_state=state,
        schedule_confidence=Confidence.values[number % 3],
        cause=cause,
        cause_fingerprint=text_digest(cause)[:16] if cause else "",
        lineage_depth=number % 9,
        next_due_at=now + timedelta(minutes=number) if is_materialized else None,
        schedule_evidence=f"Worked out from the cadence and the last {number % 7} runs.",
        latest_error=cause,
        last_run_at=now - timedelta(minutes=number) if is_materialized else None,
        synced_at=now,
        deleted_at=now - timedelta(days=3) if number % 50 == 49 else None,
        needs_detail=False,
    )


def _seed_versions(views: list[SavedQuery], chosen: random.Random) -> None:
    now, Origin = timezone.now(), SavedQueryVersion.Origin
    bulk(
        [
            SavedQueryVersion(
                saved_query=view,
                number=number,
                query=view.query or "",
                query_hash=view.query_hash,
                origin=Origin.FIRST_SEEN if number == 1 else chosen.choice((Origin.PORTAL, Origin.OUTSIDE)),
                seen_at=now - timedelta(days=chosen.randint(0, 200)),
            )
            for view in views
            for number in range(1, chosen.choice((2, 2, 2, 3)))
        ]
    )


def _seed_edges(connection: Connection, views: list[SavedQuery], chosen: random.Random) -> None:
    bulk(
        [
            Edge(connection=connection, downstream=view, name=upstream.name, upstream_view=upstream)
            for place, view in enumerate(views)
            for upstream in {chosen.choice(views[: place or 1]) for _ in range(2)}
        ]
    )


def _seed_tables(connection: Connection, count: int, chosen: random.Random) -> None:
    now = timezone.now()
    bulk(
        [
            WarehouseTable(
                connection=connection,
                posthog_id=uuid.UUID(int=chosen.getrandbits(128)),
                name=f"raw_orders_{number:05}",
                format="DeltaS3Wrapper",
                url_pattern=f"https://warehouse.example.com/team_1/raw_orders_{number:05}",
                columns=[{"name": f"column_{place}", "type": "string"} for place in range(20)],
                source_type=(source := chosen.choice(SOURCES)),
                source_status="Completed" if source else "",
                schema_last_synced_at=now - timedelta(minutes=number) if source else None,
                synced_at=now,
            )
            for number in missing(count, WarehouseTable, connection=connection)
        ]
    )


def _seed_syncs(connection: Connection, count: int, chosen: random.Random) -> None:
    now, State = timezone.now(), SyncRun.State
    outcomes = (*[State.SUCCEEDED] * 18, State.FAILED, State.STOPPED)
    made = bulk(
        [
            SyncRun(
                connection=connection,
                kind=SyncRun.Kind.FULL if number % 100 == 0 else SyncRun.Kind.INCREMENTAL,
                state=(state := chosen.choice(outcomes)),
                counts={"unchanged": number, "updated": chosen.randint(0, 9), "runs": 40, "requests": 12},
                error="PostHog could not be reached." if state == State.FAILED else "",
                started_at=now - timedelta(minutes=5 * number),
                finished_at=now - timedelta(minutes=5 * number) + timedelta(seconds=20),
            )
            for number in missing(count, SyncRun, connection=connection)
        ]
    )
    for sync in made:  # the field sets itself to now, whatever it is given
        sync.created_at = sync.started_at
    SyncRun.objects.bulk_update(made, ["created_at"], batch_size=500)


def _seed_long_history(connection: Connection, count: int) -> None:
    """Give the first view `count` hourly runs."""
    view, now = SavedQuery.objects.filter(connection=connection).earliest("pk"), timezone.now()
    bulk(
        [
            Run(
                saved_query=view,
                job_id=uuid.uuid4().hex,
                status="Completed",
                started_at=now - timedelta(hours=number),
                finished_at=now - timedelta(hours=number) + timedelta(seconds=90),
                rows=number,
            )
            for number in missing(count, Run, saved_query=view)
        ]
    )
