"""What can be done with one view's schedule, by whom, and in which way: for its own page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.states import KEPT_BY_POSTHOG
from warehouse_admin.schedules.methods import METHODS, Method
from warehouse_admin.schedules.methods.cadence import RestoreCadence
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.pauses import STOPPED, Pause, pause_of, stands_still
from warehouse_admin.schedules.start import PERMISSION, why_not_offered

Way = Campaign.Method


def resume_way(view: SavedQuery, user: User) -> Method:
    """PostHog's own resume where it helps and is offered, else setting the cadence again."""
    own, cadence = METHODS[Way.RESUME_SCHEDULES], METHODS[Way.RESTORE_CADENCE]
    if pause_of(view) is Pause.CADENCE or why_not_offered(own, view.connection, user):
        return cadence
    return own


def no_pause(view: SavedQuery, user: User) -> str:
    """Why its schedule cannot be paused, in a sentence; empty when it can."""
    if stands_still(view) and not view.deleted_at and view.is_materialized:
        return "PostHog shows no cadence for it, so it stands still already."
    return _closed(view) or why_not_offered(METHODS[Way.NEVER], view.connection, user)


def no_resume(view: SavedQuery, user: User) -> str:
    """Why its schedule cannot be resumed, in a sentence; empty when it can."""
    return _closed(view) or why_not_offered(resume_way(view, user), view.connection, user)


def lacks_cadence(view: SavedQuery, user: User) -> bool:
    """Whether the operator has to give the cadence that it is resumed with."""
    way = resume_way(view, user)
    return isinstance(way, RestoreCadence) and not way.wanted(Campaign(), view)


def way_in_words(view: SavedQuery, user: User, act: str) -> str:
    """How it will be done, where that is not plain."""
    if act == "resume" and isinstance(resume_way(view, user), RestoreCadence):
        known = view.last_cadence
        return f"By setting its cadence again{f' ({known})' if known else ''}, which un-pauses an existing schedule."
    if act == "pause":
        return "By setting its cadence to never; the cadence it has is remembered for the wake-up."
    return ""


def menu(user: Any, view: SavedQuery) -> list[dict[str, Any]]:
    """The entries of the view's menu; nothing where they make no sense."""
    if view.deleted_at or not view.is_materialized or view.is_managed or not policies.allows(user, PERMISSION):
        return []
    if view.schedule_state in STOPPED or stands_still(view):
        return [_entry("Resume schedule", "play", "schedules:view-resume", view, no_resume(view, user))]
    return [_entry("Pause schedule", "pause", "schedules:view-pause", view, no_pause(view, user))]


def _entry(label: str, icon: str, name: str, view: SavedQuery, refusal: str) -> dict[str, Any]:
    url = reverse(name, args=[view.posthog_id])
    return {"label": label, "icon": icon, "url": url, "refusal": refusal, "danger": False}


def _closed(view: SavedQuery) -> str:
    if view.deleted_at:
        return "This view was deleted in PostHog."
    if view.is_managed:
        return KEPT_BY_POSTHOG
    return "" if view.is_materialized else "This view is not materialized, so it has no schedule."
