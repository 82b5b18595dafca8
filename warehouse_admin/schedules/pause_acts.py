"""What is done with a pause in force: end it now, or give it another wake-up date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.refresh import refresh_state
from warehouse_admin.schedules.errors import AlreadyInCampaign, NothingToDo
from warehouse_admin.schedules.methods.cadence import RestoreCadence
from warehouse_admin.schedules.models import Campaign, Hold
from warehouse_admin.schedules.start import PERMISSION, check_until, start_campaign, why_not_offered

WAY = RestoreCadence()
"""How the portal wakes a schedule on its date, and so how a person does it earlier."""
DATE = "schedules.change_wake_up"


def no_wake(hold: Hold, user: User) -> str:
    """Why this pause cannot be ended now, in a sentence; empty when it can."""
    return why_not_alive(hold) or why_not_offered(WAY, hold.saved_query.connection, user)


def why_not_alive(hold: Hold) -> str:
    """Why nothing can be done with this pause any more, in a sentence; empty while it is in force."""
    if hold.ended_at is None:
        return ""
    by = f" by {hold.ended_by.get_username()}" if hold.ended_by else ""
    return f"This pause has ended{by} at {hold.ended_at:%Y-%m-%d %H:%M} UTC."


def lacks_cadence(hold: Hold) -> bool:
    """Whether the person who wakes it has to say which cadence it gets."""
    return not WAY.wanted(Campaign(cadence=hold.cadence_before), hold.saved_query)


def wake_now(*, hold: Hold, user: User, reason: str, cadence: str = "") -> Campaign:
    """Resume the schedule before its date, by a campaign: asked again by the same person, the one that is open."""
    policies.require(user, PERMISSION, action="schedules.resume", target=_target(hold.saved_query))
    reason = clean_reason(reason)
    if why := why_not_alive(hold):
        raise NothingToDo(why)
    if lacks_cadence(hold) and not cadence:
        text = "Its last cadence is not known; choose the one that it gets."
        raise InvalidInput(text, errors={"cadence": [text]})
    try:
        return start_campaign(
            user=user,
            action=WAY.action,
            method=WAY.name,
            saved_queries=[hold.saved_query],
            reason=reason,
            cadence=cadence or hold.cadence_before,
        )
    except AlreadyInCampaign:
        own = Campaign.objects.filter(action=WAY.action, started_by=user, state__in=Campaign.OPEN)
        begun = own.filter(items__saved_query=hold.saved_query_id, items__is_open=True).first()
        if begun is None:
            raise
        return begun


def change_date(*, hold: Hold, user: User, until: datetime | None, reason: str = "") -> Hold:
    """Give a pause another wake-up date, or none; a wake-up that failed begins anew. The same date changes nothing."""
    policies.require(user, PERMISSION, action=DATE, target=_target(hold.saved_query))
    reason = clean_reason(reason, needed=False)
    check_until(until)
    with transaction.atomic():
        found = Hold.objects.select_for_update(of=("self",)).select_related("ended_by", "wake").get(pk=hold.pk)
        if why := why_not_alive(found):
            raise NothingToDo(why)
        if found.wake is not None and found.wake.is_open:
            raise NothingToDo("It is being woken already.")
        if found.until == until:
            return found
        before = _told(found)
        Hold.objects.filter(pk=found.pk).update(until=until, **AS_NEW)
        found.refresh_from_db()
        view = SavedQuery.objects.select_related("connection").get(pk=found.saved_query_id)
        refresh_state(view)  # its evidence names the date
        audit.record(
            actor=user,
            action=DATE,
            target=_target(view),
            result="ok",
            reason=reason,
            before=before,
            after=_told(found),
            connection=view.connection.slug,
        )
    return found


AS_NEW: dict[str, Any] = {
    "wake": None,
    "wake_tries": 0,
    "wake_not_before": None,
    "wake_error": "",
    "needs_person_at": None,
}
"""A pause whose wake-up was not tried yet."""


def _told(hold: Hold) -> dict[str, Any]:
    return {"until": hold.until.isoformat() if hold.until else None, "needs_person": hold.needs_person_at is not None}


def _target(view: SavedQuery) -> Target:
    return Target("saved_query", str(view.posthog_id), view.name)
