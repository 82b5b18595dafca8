"""The rolling re-read: a few views of each sync are read in full although nothing says that they changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

REREAD_AFTER = timedelta(hours=12)
"""Silent edits surface within twice this: views read longer ago take their turn over as long again."""
LEAST_REREADS = 5
LISTS_WITH_SQL = "A"
"""The server generation whose lists carry the SQL, so that nothing needs to be re-read."""


@dataclass(frozen=True)
class Plan:
    """`per_sync` views at most in each sync, so that each is read at least once in `period`."""

    per_sync: int
    period: timedelta
    requests_per_day: int


def plan(views: int, every_minutes: int) -> Plan:
    """What re-reading so many views costs when there is a sync every so many minutes."""
    every = max(every_minutes, 1)
    per_sync = max(LEAST_REREADS, math.ceil(views * every / (REREAD_AFTER.total_seconds() / 60)))
    turn = timedelta(minutes=math.ceil(views / per_sync) * every)
    day = timedelta(days=1)
    at_most = math.ceil(per_sync * day / timedelta(minutes=every))
    return Plan(per_sync, REREAD_AFTER + turn, min(at_most, math.ceil(views * (day / REREAD_AFTER))))
