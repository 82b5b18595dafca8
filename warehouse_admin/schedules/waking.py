"""Wake the pauses whose date has come: tried again where it fails, and given to a person where that does not help."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror.refresh import refresh_state
from warehouse_admin.schedules import holding
from warehouse_admin.schedules.errors import NothingToDo
from warehouse_admin.schedules.methods import METHODS
from warehouse_admin.schedules.models import MOST_WAKE_TRIES, Campaign, CampaignItem, Hold
from warehouse_admin.schedules.plan import Plan
from warehouse_admin.schedules.start import PERMISSION, create, why_not_offered

Outcome = CampaignItem.Outcome

AT_ONCE = 500
BACKOFFS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=2))
PATIENCE = timedelta(hours=2)  # so long a wake-up may be kept from beginning before a person is told
WOKE = (Outcome.RESUMED, Outcome.ACCEPTED)
STILL_OPEN = (Outcome.SENT, Outcome.UNKNOWN)
TRANSIENT = (Outcome.FAILED,)  # the others come out the same however often it is tried


def wake_due() -> int:
    """Resume what is due, through campaigns of its own; gives how many views. Ends holds that others ended."""
    now = timezone.now()
    _end_overtaken()
    _take_in_failures(now)
    woken = 0
    for (connection, by), holds in groupby(_due(now), key=lambda hold: (hold.saved_query.connection, hold.by)):
        woken += _wake(connection, by, list(holds), now)
    return woken


def _end_overtaken() -> None:
    """A cadence that appeared without us, or a view that is gone, ends its hold."""
    open_ones = Hold.objects.filter(ended_at=None)
    for key in open_ones.exclude(saved_query__deleted_at=None).values_list("saved_query", flat=True):
        holding.end(key, Hold.End.GONE, by=None)
    seen = open_ones.exclude(saved_query__sync_frequency="").filter(saved_query__synced_at__gt=F("at"))
    busy = CampaignItem.objects.filter(is_open=True).values("saved_query")
    for key in seen.exclude(saved_query__in=busy).values_list("saved_query", flat=True):
        holding.end(key, Hold.End.OUTSIDE, by=None)


def _due(now: datetime) -> list[Hold]:
    """In turn of each connection and person, so that one that is refused takes no place from the others.

    Of one person's, those that nothing is said of come first, then those that no person was called for: where many
    are kept from beginning, every one of them is told of in the end.
    """
    busy = CampaignItem.objects.filter(is_open=True).values("saved_query")
    due = Hold.objects.filter(ended_at=None, until__lte=now, saved_query__connection__is_active=True)
    due = due.exclude(saved_query__in=busy).filter(Q(wake=None) | Q(wake_not_before__lte=now))
    told = [F("needs_person_at").asc(nulls_first=True), F("wake_error").asc(), F("pk").asc()]
    turn = Window(RowNumber(), partition_by=["saved_query__connection_id", "by_id"], order_by=told)
    rows = due.select_related("saved_query__connection", "by").annotate(turn=turn).order_by("turn", "pk")
    return sorted(rows[:AT_ONCE], key=lambda hold: (hold.saved_query.connection_id, hold.by_id or 0, hold.pk))


def _wake(connection: Connection, by: User | None, holds: list[Hold], now: datetime) -> int:
    """As the person who paused, if they still may; else as the system, and the reason says so."""
    way = METHODS[Campaign.Method.RESTORE_CADENCE]
    acts = by if by is not None and policies.allows(by, PERMISSION) else None
    if why := why_not_offered(way, connection, acts):
        _hold_up(holds, why, now)
        return 0
    name = holds[0].by_name
    as_whom = "" if acts or by is None else f" {name} may no longer resume schedules, so the system does it."
    reasons = "; ".join(dict.fromkeys(hold.reason for hold in holds))[:500]
    fields = {"action": way.action, "method": way.name, **Plan(stop_percent=100).fields()}
    try:
        with transaction.atomic():
            views = [hold.saved_query for hold in holds]
            reason = f"The wake-up date of a pause by {name} has come ({reasons}).{as_whom}"
            campaign = create(acts, connection, views, reason, fields)
            begun = Hold.objects.filter(pk__in=[hold.pk for hold in holds], ended_at=None, until__lte=now)
            if begun.update(wake=campaign, wake_not_before=None, wake_error="", needs_person_at=None) != len(holds):
                raise NothingToDo("Somebody ended one of these pauses, or gave it another date.")
    except UserError:
        return 0  # somebody was faster with one of them; the next beat takes the rest
    return len(holds)


def _hold_up(holds: list[Hold], why: str, now: datetime) -> None:
    """It cannot even begin: every beat tries again, since a key may be mended at any time."""
    for hold in holds:
        is_overdue = hold.until is not None and now - hold.until > PATIENCE
        called = hold.needs_person_at or (now if is_overdue else None)
        if (hold.wake_error, hold.needs_person_at) != (why[:300], called):
            _note(hold, why, needs_person_at=called)


def _take_in_failures(now: datetime) -> None:
    """What came of the wake-ups that have ended and left their view standing."""
    ended = Hold.objects.filter(ended_at=None, wake_not_before=None, needs_person_at=None)
    ended = ended.exclude(wake=None).exclude(wake__state__in=Campaign.OPEN)
    for hold in ended.select_related("saved_query__connection", "by", "wake")[:AT_ONCE]:
        item = CampaignItem.objects.filter(campaign=hold.wake, saved_query=hold.saved_query).first()
        if item is not None and item.outcome not in (*WOKE, *STILL_OPEN):
            _take_in(hold, item, now)


def _take_in(hold: Hold, item: CampaignItem, now: datetime) -> None:
    if item.outcome == Outcome.NOT_PAUSED:  # with a cadence it would have been ended as overtaken: no schedule is left
        holding.end(hold.saved_query_id, Hold.End.GONE, by=None)
        return
    tries = hold.wake_tries + 1
    said = item.detail or "The campaign that was to wake it was stopped."
    if item.outcome in TRANSIENT and tries < MOST_WAKE_TRIES:
        _note(hold, said, wake_tries=tries, wake_not_before=now + BACKOFFS[tries - 1])
    else:
        _note(hold, said, wake_tries=tries, needs_person_at=now)


@transaction.atomic
def _note(hold: Hold, error: str, **changes: Any) -> None:
    """Keep what is wrong where people see it: the pause, the state of the view, the trail."""
    changes["wake_error"] = error[:300]
    Hold.objects.filter(pk=hold.pk, ended_at=None).update(**changes)
    hold.refresh_from_db(fields=list(changes))
    view = hold.saved_query
    refresh_state(view)
    audit.record(
        actor=None,
        action="schedules.wake_up",
        target=Target("saved_query", str(view.posthog_id), view.name),
        result="failed",
        reason=hold.reason,
        after={
            "error": hold.wake_error,
            "tries": hold.wake_tries,
            "next_try": hold.wake_not_before.isoformat() if hold.wake_not_before else None,
            "needs_person": hold.needs_person_at is not None,
        },
        remote={"campaign": str(hold.wake_id)} if hold.wake_id else None,
        connection=view.connection.slug,
    )
