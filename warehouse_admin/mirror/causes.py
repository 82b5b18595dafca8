"""Why a schedule is in trouble: PostHog's own words, and which of them say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import Run, SavedQuery, ScheduleState

AUTO_PAUSED = "This materialized view sync schedule has been paused"
REVERTED = "This materialized view has been reverted to a view"
LONGEST = 200
FINE = (ScheduleState.ON_TIME, ScheduleState.RUNNING, ScheduleState.LATE, ScheduleState.MANAGED)
"""In these states what once went wrong is over."""
_PREFIX = re.compile(rf"^(?:{re.escape(AUTO_PAUSED)}|{re.escape(REVERTED)}).{{0,200}}?Error:\s*", re.DOTALL)
_VARYING = re.compile(
    r"""[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}  # ids
      | \d{4}-\d\d-\d\d(?:[t\x20]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?  # moments
      | '[^'\n]*' | "[^"\n]*" | `[^`\n]*` | “[^”\n]*”  # names and values in quotes
      | 0x[0-9a-f]+ | \b[0-9a-f]{12,}\b  # addresses, digests
      | \d+(?:[.,]\d+)*  # numbers
    """,
    re.VERBOSE,
)

_NAMED = re.compile(r"Code: \d+\. DB::Exception: .*?\([A-Z_]{4,}\)")
"""What ClickHouse says after the name of an error is where it happened."""


def suspension(view: SavedQuery) -> tuple[str, str]:
    """PostHog's own words for why it suspended the schedule, and when; empty where it says nothing."""
    told = view.suspended if isinstance(view.suspended, dict) else {}
    for entry in told.values():
        if isinstance(entry, dict):
            return str(entry.get("reason") or ""), str(entry.get("at") or "")
    return "", ""


def cause_of(view: SavedQuery, state: str, runs: Sequence[Run] = ()) -> str:
    """The first line of what went wrong, bounded; empty while nothing is wrong. `runs` newest first."""
    if state in FINE:
        return ""
    failed = next((run.error for run in runs[:1] if run.status == "Failed"), "")
    text = suspension(view)[0] or failed or view.latest_error
    text = _PREFIX.sub("", text).strip()
    return text.split("\n", 1)[0].strip()[:LONGEST]


def fingerprint(cause: str) -> str:
    """The same for errors that differ in numbers, ids, moments and quoted names alone; empty for none."""
    if not cause:
        return ""
    if named := _NAMED.match(cause):
        cause = named[0]
    same = " ".join(_VARYING.sub("?", cause.lower()).split())
    return text_digest(same)[:16]
