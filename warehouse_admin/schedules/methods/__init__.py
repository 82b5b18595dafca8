"""Every way of acting on schedules; a new one is one class."""

from __future__ import annotations

from warehouse_admin.schedules.methods.base import Method
from warehouse_admin.schedules.methods.cadence import Never, RestoreCadence
from warehouse_admin.schedules.methods.propose import ProposeCadence
from warehouse_admin.schedules.methods.resume import ResumeSchedules
from warehouse_admin.schedules.methods.runs import RunNow
from warehouse_admin.schedules.models import Campaign

__all__ = ["METHODS", "Method", "method_of", "methods_for"]

METHODS: dict[str, Method] = {
    method.name: method for method in (ResumeSchedules(), RestoreCadence(), Never(), RunNow(), ProposeCadence())
}


def method_of(campaign: Campaign) -> Method:
    return METHODS[campaign.method]


def methods_for(action: str) -> list[Method]:
    """The ways to carry an action out, the usual one first."""
    return [method for method in METHODS.values() if method.action == action]
