"""What can be done with schedules."""

from __future__ import annotations

from warehouse_admin.schedules.engine import run_campaign
from warehouse_admin.schedules.follow import follow
from warehouse_admin.schedules.pause_acts import change_date, wake_now
from warehouse_admin.schedules.plan import Plan
from warehouse_admin.schedules.single import cancel_run, refusal, run_now, send_single
from warehouse_admin.schedules.start import guard_count, start_campaign, start_resume
from warehouse_admin.schedules.steering import confirm, go_on, pause, request_stop
from warehouse_admin.schedules.waking import wake_due

__all__ = [
    "Plan",
    "cancel_run",
    "change_date",
    "confirm",
    "follow",
    "go_on",
    "guard_count",
    "pause",
    "refusal",
    "request_stop",
    "run_campaign",
    "run_now",
    "send_single",
    "start_campaign",
    "start_resume",
    "wake_due",
    "wake_now",
]
