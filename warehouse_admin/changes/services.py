"""Everything that moves a change request."""

from __future__ import annotations

from warehouse_admin.changes.apply import advance, apply, settle_open
from warehouse_admin.changes.propose import create, rebase, revise, save_revision, submit
from warehouse_admin.changes.review import approve, reject, request_changes, withdraw
from warehouse_admin.changes.rollback import inverse, rollback
from warehouse_admin.changes.schedule import schedule

__all__ = [
    "advance",
    "apply",
    "approve",
    "create",
    "inverse",
    "rebase",
    "reject",
    "request_changes",
    "revise",
    "rollback",
    "save_revision",
    "schedule",
    "settle_open",
    "submit",
    "withdraw",
]
