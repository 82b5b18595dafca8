"""A change that nobody touches expires after a warning; what was closed unapplied can be opened again for a while."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Vote
from warehouse_admin.changes.transitions import ALLOWED, State, lock, move, note, record, require_state

LIFE = timedelta(days=60)
WARNED, WARNED_AGAIN = 0.75 * LIFE, 0.95 * LIFE
REOPENED_WITHIN = timedelta(days=30)
logger = logging.getLogger(__name__)


def expires_at(change: ChangeRequest, *, now: datetime | None = None) -> datetime | None:
    """When it is closed if nobody touches it until then; None where that is not near, or never comes."""
    now = now or timezone.now()
    if change.state not in ALLOWED["expire"] or now - change.state_changed_at < WARNED:
        return None
    end = _last_touched(change) + LIFE
    return end if end - now <= LIFE - WARNED else None


def expire_idle(*, now: datetime | None = None) -> int:
    """Close every open change that nobody has touched for its whole life; says how many."""
    now = now or timezone.now()
    before = now - LIFE
    touched = ChangeEvent.objects.filter(change=OuterRef("pk"), at__gt=before)
    waiting = Q(state=State.SCHEDULED, scheduled_for__gt=before)  # its own time is still to come, or just passed
    idle = ChangeRequest.objects.filter(~waiting, ~Exists(touched), state_changed_at__lte=before)
    expired = 0
    for key in idle.filter(state__in=ALLOWED["expire"]).order_by("pk").values_list("pk", flat=True):
        try:
            expired += _expire(key, before)
        except Exception:  # the sweep's edge: one change that cannot be closed must not hold up all others
            logger.exception("change %s could not be expired", key)
    return expired


def reopen(change: ChangeRequest, user: User) -> ChangeRequest:
    """Make a draft again of what its author withdrew, a reviewer rejected or time closed; earlier votes are gone."""
    with transaction.atomic():
        change = lock(change)
        policies.require_first_author(user, change, action="change.reopened")
        require_state(change, "reopen")
        if not may_still_reopen(change):
            days = REOPENED_WITHIN.days
            raise StateForbids(f"#{change.pk} was closed more than {days} days ago: propose it anew.", kind="fix")
        closed_as = change.state
        standing = Vote.objects.filter(change=change, voided_at=None)
        standing.update(voided_at=timezone.now(), voided_because="the change was closed and opened again")
        move(change, State.DRAFT, problem="", remote=None, submitted_at=None, by_hand=False)
        note(change, user, "reopened")
        record(change, user, "reopened", before={"state": closed_as}, after={"state": change.state})
    return change


def may_still_reopen(change: ChangeRequest) -> bool:
    return timezone.now() - change.state_changed_at <= REOPENED_WITHIN


def _expire(key: int, before: datetime) -> bool:
    with transaction.atomic():
        change = lock(key)
        if change.state not in ALLOWED["expire"] or _last_touched(change) > before:
            return False
        text = f"Nobody touched it for {LIFE.days} days. Its author can open it again."
        move(change, State.EXPIRED, problem=text, scheduled_for=None, by_hand=False)
        note(change, None, "expired", text)
        record(change, None, "expired", reason=text)
    return True


def _last_touched(change: ChangeRequest) -> datetime:
    """A change with a time to come is not idle before that."""
    events: list[ChangeEvent] | None = change.prefetched("events")
    if events is None:
        last = ChangeEvent.objects.filter(change=change).aggregate(last=Max("at"))["last"]
    else:
        last = max((event.at for event in events), default=None)
    due = change.scheduled_for if change.state == State.SCHEDULED else None
    return max(at for at in (change.state_changed_at, last, due) if at is not None)
