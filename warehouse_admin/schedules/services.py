"""What can be done with schedules."""

from __future__ import annotations

from warehouse_admin.schedules.campaign import run_resume
from warehouse_admin.schedules.follow import follow
from warehouse_admin.schedules.single import cancel_run, refusal, run_now, send_single
from warehouse_admin.schedules.start import guard_count, request_stop, start_resume

__all__ = [
    "cancel_run",
    "follow",
    "guard_count",
    "refusal",
    "request_stop",
    "run_now",
    "run_resume",
    "send_single",
    "start_resume",
]
