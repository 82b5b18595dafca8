"""What the schedule of a view is doing, with the evidence: one rule for lists, pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse_admin.core.formatting import cadence
from warehouse_admin.mirror.models import Run, SavedQuery, ScheduleState

CADENCES = {
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "1hour": timedelta(hours=1),
    "6hour": timedelta(hours=6),
    "12hour": timedelta(hours=12),
    "24hour": timedelta(days=1),
    "7day": timedelta(days=7),
    "30day": timedelta(days=30),
}
AUTO_PAUSED = "This materialized view sync schedule has been paused"
REVERTED = "This materialized view has been reverted to a view"
LEAST_GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class State:
    """A schedule state and the sentence that says how we know."""

    state: ScheduleState
    evidence: str


def schedule_state(view: SavedQuery, *, now: datetime, newest_runs: Sequence[Run] = ()) -> State:
    """The state of a view's schedule; `newest_runs` newest first, as many as are known."""
    if view.is_managed:
        kind = view.managed_viewset_kind or "a managed set"
        return State(ScheduleState.MANAGED, f"PostHog manages this view ({kind}) and its schedule.")
    if view.is_materialized is None:
        return State(ScheduleState.UNKNOWN, "PostHog does not say whether this view is materialized.")
    if not view.is_materialized:
        return _not_materialized(view)
    newest = newest_runs[0] if newest_runs else None
    if suspended := _suspension(view, newest):
        return suspended
    if view.status == "Running" or (newest is not None and newest.status == "Running"):
        since = f" since {_clock(newest.started_at)}" if newest is not None and newest.status == "Running" else ""
        return State(ScheduleState.RUNNING, f"PostHog reports a run under way{since}.")
    if not view.sync_frequency:
        known = f" The last one seen was {cadence(view.last_cadence)}." if view.last_cadence else ""
        return State(ScheduleState.PAUSED, f"Materialized, but PostHog shows no cadence.{known}")
    if failing := _failure(view, newest_runs):
        return failing
    return _timeliness(view, newest, now)


def _not_materialized(view: SavedQuery) -> State:
    if view.latest_error.startswith(REVERTED):
        return State(ScheduleState.NOT_SCHEDULED, "PostHog turned it back into a plain view: it read an unknown table.")
    if view.sync_frequency:
        text = f"It has a cadence ({cadence(view.sync_frequency)}) but is not materialized, so it never runs."
        return State(ScheduleState.NOT_SCHEDULED, text)
    return State(ScheduleState.NOT_SCHEDULED, "Not materialized: it is computed each time it is read.")


def _suspension(view: SavedQuery, newest: Run | None) -> State | None:
    if view.suspended:
        causes = [cause for cause in view.suspended.values() if isinstance(cause, dict)]
        reason = str(causes[0].get("reason") or "") if causes else ""
        since = str(causes[0].get("at") or "")[:16].replace("T", " ") if causes else ""
        text = f"PostHog reports it suspended{f' since {since} UTC' if since else ''}{f': {reason}' if reason else '.'}"
        return State(ScheduleState.SUSPENDED, _bounded(text))
    error = newest.error if newest is not None and newest.error else view.latest_error
    if not view.sync_frequency and error.startswith(AUTO_PAUSED):
        return State(ScheduleState.SUSPENDED, "It has no cadence and its last error says that PostHog paused it.")
    return None


def _failure(view: SavedQuery, runs: Sequence[Run]) -> State | None:
    ended = [run for run in runs if run.status not in {"Running", "Cancelled", "Skipped"}]
    failed = 0
    for run in ended:
        if run.status != "Failed":
            break
        failed += 1
    if failed:
        amount = "The last run failed" if failed == 1 else f"The last {failed} runs failed"
        return State(ScheduleState.FAILING, f"{amount}, most recently at {_clock(ended[0].started_at)}.")
    newer_success = bool(ended) and (view.last_run_at is None or ended[0].started_at >= view.last_run_at)
    if view.status == "Failed" and not newer_success:
        return State(ScheduleState.FAILING, "PostHog reports that the last run failed.")
    return None


def _timeliness(view: SavedQuery, newest: Run | None, now: datetime) -> State:
    last = max((moment for moment in (view.last_run_at, newest and newest.started_at) if moment), default=None)
    if last is None:
        return State(ScheduleState.NEVER_RAN, f"Scheduled {cadence(view.sync_frequency)}, and no run is known.")
    interval = CADENCES.get(view.sync_frequency)
    if interval is None:
        return State(ScheduleState.UNKNOWN, _bounded(f"The cadence {view.sync_frequency} is not known to the portal."))
    due = last + interval
    ran = f"{cadence(view.sync_frequency).capitalize()}; last ran {_clock(last)}"
    if now <= due:
        return State(ScheduleState.ON_TIME, f"{ran}, next due {_clock(due)}.")
    if now <= due + max(LEAST_GRACE, interval / 4):
        return State(ScheduleState.LATE, f"{ran}, was due {_clock(due)}; still within the grace period.")
    return State(ScheduleState.OVERDUE, f"{ran}, was due {_clock(due)}.")


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _bounded(text: str) -> str:
    return text if len(text) <= 300 else text[:299] + "…"
