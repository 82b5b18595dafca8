"""Decide what became of a view whose act was sent, in the way of its campaign's method."""

from __future__ import annotations

from warehouse_admin.core.errors import UserError
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.items import settle
from warehouse_admin.schedules.methods import method_of
from warehouse_admin.schedules.models import Campaign, CampaignItem


def verify(campaign: Campaign, item: CampaignItem, mutation: Mutation) -> None:
    """See what PostHog holds for one view and settle its item. Raises RateLimited when it has to wait."""
    settle(campaign, item, *found(campaign, item, mutation))


def found(campaign: Campaign, item: CampaignItem, mutation: Mutation) -> tuple[str, str]:
    """The outcome and its explanation, after another look; nothing is settled yet. Raises RateLimited."""
    method = method_of(campaign)
    try:
        method.observe(item, mutation)
    except posthog_errors.RateLimited:
        raise
    except (posthog_errors.PostHogError, UserError) as error:
        return method.unread(item, mutation, error)
    return method.verdict(item, mutation)


def judge(campaign: Campaign, item: CampaignItem, mutation: Mutation) -> None:
    """Settle an item from what the mirror holds; the view must have been read after the act was sent."""
    settle(campaign, item, *method_of(campaign).verdict(item, mutation))
