"""What a view's timeline tells of campaigns: pauses, resumes and cadences, who asked for them and why."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from warehouse_admin.mirror.history import Wanted
from warehouse_admin.mirror.hooks import Event, HistorySource
from warehouse_admin.schedules.models import Campaign, CampaignItem

Action, Outcome = Campaign.Action, CampaignItem.Outcome
_DONE = {Action.RESUME: "resumed it", Action.PAUSE: "paused it", Action.CADENCE: "set its cadence"}
_TRIED = {Action.RESUME: "tried to resume it", Action.PAUSE: "tried to pause it", Action.CADENCE: "set its cadence"}
_LOOKS = {Action.RESUME: ("play", "ok"), Action.PAUSE: ("pause", "muted"), Action.CADENCE: ("calendar", "muted")}
_NOTHING = Q(outcome__in=(Outcome.NOT_NEEDED, Outcome.NOT_PAUSED, Outcome.PROPOSED)) | Q(campaign__action=Action.RUN)
"""Nothing happened to the schedule, or the change that was proposed tells of it."""


def _items(wanted: Wanted) -> list[Event]:
    rows = CampaignItem.objects.filter(saved_query=wanted.view, settled_at__isnull=False).exclude(_NOTHING)
    rows = rows.select_related("campaign__started_by")
    return [_of_item(item) for item in wanted.newest(rows, "campaigns", "settled_at")]


def _of_item(item: CampaignItem) -> Event:
    campaign, action = item.campaign, Action(item.campaign.action)
    fine = item.outcome in CampaignItem.FINE
    icon, tone = _LOOKS[action] if fine else ("alert", "warn")
    said = _DONE[action] if fine else f"{_TRIED[action]}: {item.get_outcome_display().lower()}"
    if campaign.until and action == Action.PAUSE:
        said += f" until {campaign.until:%Y-%m-%d %H:%M} UTC"
    return Event(
        item.settled_at,  # type: ignore[arg-type]  # chosen so above
        "schedule",
        item.pk,
        icon,
        tone,
        said,
        actor=campaign.started_by.display_name if campaign.started_by else "The portal",
        url=reverse("schedules:resume-detail", args=[campaign.pk]),
        how=item.detail,
        body=campaign.reason,
    )


SOURCES = (HistorySource("campaigns", frozenset({"schedule"}), _items),)
