"""Rows in bulk, straight into the mirror: believable in number and size, not in meaning."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import Run, SavedQuery, ScheduleState

SQL = """-- bench view {number}
SELECT date_trunc('day', timestamp) AS day, event, count() AS events, uniq(person_id) AS people
FROM events
WHERE timestamp > now() - INTERVAL {number} DAY AND event IN ('paid', 'signed_up', 'cancelled')
GROUP BY day, event
ORDER BY day DESC
"""


def seed_views(connection: Connection, count: int, *, runs_each: int = 10) -> None:
    """Add views until the connection has `count` of them, each with a short run history."""
    chosen = random.Random(count)  # noqa: S311  a fixed seed, so that two runs measure the same rows
    now = timezone.now()
    have = SavedQuery.objects.filter(connection=connection).count()
    views = []
    for number in range(have, count):
        query = SQL.format(number=number)
        views.append(
            SavedQuery(
                connection=connection,
                posthog_id=uuid.UUID(int=chosen.getrandbits(128)),
                name=f"bench.{chosen.choice(['stg', 'int', 'mart'])}_{number:05}",
                query=query,
                query_hash=text_digest(query),
                columns=[{"name": "day", "type": "date"}, {"name": "events", "type": "integer"}],
                is_materialized=number % 2 == 0,
                sync_frequency="24hour" if number % 2 == 0 else "",
                schedule_state=chosen.choice(ScheduleState.values),
                last_run_at=now - timedelta(minutes=number),
                synced_at=now,
                needs_detail=False,
            )
        )
    made = SavedQuery.objects.bulk_create(views, batch_size=500)
    runs = [
        Run(
            saved_query=view,
            job_id=uuid.uuid4().hex,
            status="Completed",
            started_at=now - timedelta(hours=hour),
            rows=hour,
        )
        for view in made
        if view.is_materialized
        for hour in range(runs_each)
    ]
    Run.objects.bulk_create(runs, batch_size=1000)
