"""Giving an approved change the time at which it is applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import apply as applying
from warehouse_admin.changes import policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.core.errors import InvalidInput

FURTHEST = timedelta(days=366)


def schedule(change: ChangeRequest, user: User, at: datetime) -> ChangeRequest:
    """Have an approved change applied at a time, or at another than before. The sweep checks everything anew then."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.scheduled")
        require_state(change, "schedule")
        _check_time(at)
        revision = current_revision(change)
        if approved := applying.still_approved(change):
            move(change, State.SCHEDULED, scheduled_for=at, apply_asked_by=user, problem="")
            note(change, user, "scheduled", f"For {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
            record(change, user, "scheduled", after={"revision": revision.number, "at": at})
    if not approved:
        raise StateForbids(change.problem or applying.APPROVAL_LOST, who="a reviewer")
    return change


def _check_time(at: datetime) -> None:
    now = timezone.now()
    if not now < at <= now + FURTHEST:
        told = f"Give a time to come, at most {FURTHEST.days} days ahead."
        raise InvalidInput(told, errors={"at": [told]})
