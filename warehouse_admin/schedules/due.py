"""When the first run after an act is due, so that a report can tell whether it came."""

from __future__ import annotations

from datetime import datetime, timedelta

from warehouse_admin.posthog.cadences import EVERY_DAY, SECONDS
from warehouse_admin.schedules.models import Campaign, CampaignItem

LEAST_GRACE = timedelta(minutes=10)
A_RUN_TAKES = timedelta(hours=1)  # a run that was asked for is missed after so long


def expected(campaign: Campaign, item: CampaignItem) -> datetime | None:
    """When the first run since the item was sent is due; None where it was not sent, or a run was asked for at once."""
    if item.sent_at is None or campaign.action == Campaign.Action.RUN:
        return None
    return item.sent_at + _interval(campaign, item)


def first_due(campaign: Campaign, item: CampaignItem) -> datetime | None:
    """The end of the grace after the first scheduled run since the item was sent; None when it was not sent."""
    if item.sent_at is None:
        return None
    if campaign.action == Campaign.Action.RUN:
        return item.sent_at + A_RUN_TAKES
    interval = _interval(campaign, item)
    return item.sent_at + interval + max(LEAST_GRACE, interval / 4)


def _interval(campaign: Campaign, item: CampaignItem) -> timedelta:
    return timedelta(seconds=SECONDS.get(_cadence(campaign, item), SECONDS[EVERY_DAY]))


def _cadence(campaign: Campaign, item: CampaignItem) -> str:
    """The one it had, has or is given; a schedule keeps its interval while PostHog shows none."""
    known = item.before.get("sync_frequency") or item.saved_query.last_cadence
    return str(known or campaign.cadence)
