"""Everything that moves a change request."""

from __future__ import annotations

from warehouse_admin.changes.apply import advance, apply, settle_open
from warehouse_admin.changes.co_authors import set_co_authors
from warehouse_admin.changes.comments import comment
from warehouse_admin.changes.expiry import expire_idle, reopen
from warehouse_admin.changes.propose import create, rebase, revise, submit
from warehouse_admin.changes.review import approve, dismiss, re_request, reject, request_changes, withdraw
from warehouse_admin.changes.rollback import rollback
from warehouse_admin.changes.schedule import schedule, unschedule

__all__ = [
    "advance",
    "apply",
    "approve",
    "comment",
    "create",
    "dismiss",
    "expire_idle",
    "re_request",
    "rebase",
    "reject",
    "reopen",
    "request_changes",
    "revise",
    "rollback",
    "schedule",
    "set_co_authors",
    "settle_open",
    "submit",
    "unschedule",
    "withdraw",
]
