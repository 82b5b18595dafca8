"""Everything that moves a change request."""

from __future__ import annotations

from warehouse_admin.changes.apply import advance, apply, settle_open
from warehouse_admin.changes.propose import create, revise, save_revision, submit
from warehouse_admin.changes.rebase import drop_mine, rebase, replace_remote
from warehouse_admin.changes.recreated import carry_over
from warehouse_admin.changes.review import approve, reject, request_changes, withdraw
from warehouse_admin.changes.rollback import inverse, rollback
from warehouse_admin.changes.schedule import schedule

__all__ = [
    "advance",
    "apply",
    "approve",
    "carry_over",
    "create",
    "drop_mine",
    "inverse",
    "rebase",
    "reject",
    "replace_remote",
    "request_changes",
    "revise",
    "rollback",
    "save_revision",
    "schedule",
    "settle_open",
    "submit",
    "withdraw",
]
