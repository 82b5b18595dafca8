"""Pauses that people asked for here: what they are now, and waking those whose date has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror.states import OwnPause
from warehouse_admin.schedules import holding
from warehouse_admin.schedules.methods import METHODS
from warehouse_admin.schedules.models import Campaign, CampaignItem, Hold
from warehouse_admin.schedules.plan import Plan
from warehouse_admin.schedules.start import PERMISSION, create, why_not_offered

AT_ONCE = 500


def own_pauses(keys: Sequence[int]) -> dict[int, OwnPause]:
    """The open pauses of these views, by primary key, in one query."""
    rows = Hold.objects.filter(saved_query__pk__among=keys, ended_at=None)
    return {
        key: OwnPause(at, until, by or "system", reason)
        for key, at, until, by, reason in rows.values_list("saved_query", "at", "until", "by__username", "reason")
    }


def wake_due() -> int:
    """Resume what is due, through campaigns of its own; gives how many views. Ends holds that others ended."""
    now = timezone.now()
    _end_overtaken()
    woken = 0
    for (connection, by), holds in groupby(_due(now), key=lambda hold: (hold.saved_query.connection, hold.by)):
        woken += _wake(connection, by, list(holds))
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
    busy = CampaignItem.objects.filter(is_open=True).values("saved_query")
    due = Hold.objects.filter(ended_at=None, until__lte=now, saved_query__connection__is_active=True)
    # A view that was tried stays for a person: what came of it is in its campaign.
    due = due.exclude(saved_query__in=busy).filter(wake=None)
    rows = due.select_related("saved_query__connection", "by").order_by("saved_query__connection", "by", "pk")
    return list(rows[:AT_ONCE])


def _wake(connection: Connection, by: User | None, holds: list[Hold]) -> int:
    """As the person who paused, if they still may; else as the system, and the reason says so."""
    way = METHODS[Campaign.Method.RESTORE_CADENCE]
    acts = by if by is not None and policies.allows(by, PERMISSION) else None
    if why_not_offered(way, connection, acts):
        return 0  # tried again by the next beat: a key may be mended by then
    name = by.get_username() if by else "system"
    as_whom = "" if acts or by is None else f" {name} may no longer resume schedules, so the system does it."
    reasons = "; ".join(dict.fromkeys(hold.reason for hold in holds))[:500]
    fields = {"action": way.action, "method": way.name, **Plan(stop_percent=100).fields()}
    try:
        with transaction.atomic():
            views = [hold.saved_query for hold in holds]
            reason = f"The wake-up date of a pause by {name} has come ({reasons}).{as_whom}"
            campaign = create(acts, connection, views, reason, fields)
            Hold.objects.filter(pk__in=[hold.pk for hold in holds]).update(wake=campaign)
    except UserError:
        return 0  # an operator was faster with one of them; the next beat takes the rest
    return len(holds)
