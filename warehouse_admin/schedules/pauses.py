"""Whether a view's schedule stands still, told from what is known of it."""

from __future__ import annotations

from enum import StrEnum

from warehouse_admin.mirror.models import SavedQuery, ScheduleState

STOPPED = (ScheduleState.SUSPENDED, ScheduleState.PAUSED)
AT_WORK = (ScheduleState.ON_TIME, ScheduleState.LATE, ScheduleState.OVERDUE, ScheduleState.RUNNING)


class Pause(StrEnum):
    """How a schedule stands still. `CADENCE`: it has none, on a server that tells suspensions apart."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    CADENCE = "cadence"
    NONE = "none"
    NO_SCHEDULE = "no_schedule"


def pause_of(view: SavedQuery) -> Pause:
    """What a resume would find. Where the server has no `suspended`, a missing cadence is the only sign there is."""
    if view.is_materialized is False:
        return Pause.NO_SCHEDULE
    if view.suspended is not None:
        if view.suspended:
            return Pause.SUSPENDED
        return Pause.NONE if view.sync_frequency else Pause.CADENCE
    if view.schedule_state == ScheduleState.SUSPENDED:
        return Pause.SUSPENDED
    if view.schedule_state == ScheduleState.PAUSED or not view.sync_frequency:
        return Pause.PAUSED
    return Pause.NONE


def stands_still(view: SavedQuery) -> bool:
    """Whether there is nothing to pause: it has no cadence, and no run shows that its schedule goes on without one.

    PostHog's own resume starts a schedule again and gives the view no cadence back.
    """
    return not view.sync_frequency and view.schedule_state not in AT_WORK


def tells_suspension(view: SavedQuery) -> bool:
    """Whether re-reading the view proves that it was resumed."""
    return view.suspended is not None


def suspension_reason(view: SavedQuery) -> str:
    """PostHog's own words for why it suspended the schedule, bounded; empty when it says nothing."""
    for entry in (view.suspended or {}).values():
        if isinstance(entry, dict) and entry.get("reason"):
            return str(entry["reason"])[:200]
    return ""
