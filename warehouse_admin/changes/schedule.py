"""Giving an approved change the time at which it is applied."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import guards, policies
from warehouse_admin.changes.apply import refuse_held_up
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.localtime import with_offset

FURTHEST = timedelta(days=366)


def schedule(change: ChangeRequest, user: User, at: datetime) -> ChangeRequest:
    """Have an approved change applied at a time, or at another than before. The sweep checks everything anew then."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.scheduled")
        require_state(change, "schedule")
        refuse_held_up(change)
        _check_time(at)
        revision = current_revision(change)
        if approved := guards.still_approved(change):
            move(change, State.SCHEDULED, scheduled_for=at, by_hand=True, apply_asked_by=user, problem="")
            note(change, user, "scheduled", f"For {with_offset(at)}.")
            record(change, user, "scheduled", after={"revision": revision.number, "at": at})
    if not approved:
        raise StateForbids(change.problem or guards.APPROVAL_LOST, who="a reviewer")
    return change


def unschedule(change: ChangeRequest, user: User) -> ChangeRequest:
    """Take its time away again: it stays approved, and an operator applies it."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.unscheduled")
        require_state(change, "unschedule")
        former = change.scheduled_for
        move(change, State.APPROVED, scheduled_for=None, by_hand=True)
        note(change, user, "unscheduled")
        record(change, user, "unscheduled", before={"at": former}, after={"at": None})
    return change


def _check_time(at: datetime) -> None:
    now = timezone.now()
    if not now < at <= now + FURTHEST:
        told = f"Give a time to come, at most {FURTHEST.days} days ahead."
        raise InvalidInput(told, errors={"at": [told]})
