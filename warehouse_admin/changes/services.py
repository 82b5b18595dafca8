"""Everything that moves a change request."""

from __future__ import annotations

from warehouse_admin.changes.apply import advance, apply, settle_open
from warehouse_admin.changes.co_authors import set_co_authors
from warehouse_admin.changes.comments import comment
from warehouse_admin.changes.deciding import decide
from warehouse_admin.changes.expiry import expire_idle, reopen
from warehouse_admin.changes.propose import create, submit
from warehouse_admin.changes.rebase import drop_mine, rebase, replace_remote
from warehouse_admin.changes.recreated import carry_over
from warehouse_admin.changes.review import approve, dismiss, re_request, reject, request_changes, withdraw
from warehouse_admin.changes.revising import revise, save_revision
from warehouse_admin.changes.rollback import inverse, rollback
from warehouse_admin.changes.schedule import schedule, unschedule
from warehouse_admin.changes.suggesting import accept as accept_suggestions
from warehouse_admin.changes.suggesting import decline as decline_suggestion
from warehouse_admin.changes.threads import Said, open_thread
from warehouse_admin.changes.threads import reopen as reopen_thread
from warehouse_admin.changes.threads import reply as reply_in_thread
from warehouse_admin.changes.threads import resolve as resolve_thread

__all__ = [
    "Said",
    "accept_suggestions",
    "advance",
    "apply",
    "approve",
    "carry_over",
    "comment",
    "create",
    "decide",
    "decline_suggestion",
    "dismiss",
    "drop_mine",
    "expire_idle",
    "inverse",
    "open_thread",
    "re_request",
    "rebase",
    "reject",
    "reopen",
    "reopen_thread",
    "replace_remote",
    "reply_in_thread",
    "request_changes",
    "resolve_thread",
    "revise",
    "rollback",
    "save_revision",
    "schedule",
    "set_co_authors",
    "settle_open",
    "submit",
    "unschedule",
    "withdraw",
]
