"""What a campaign does when a call goes wrong: divide it, or wait until PostHog is back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction

from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules import verify
from warehouse_admin.schedules.claims import Wait, heartbeat
from warehouse_admin.schedules.items import settle, settle_all
from warehouse_admin.schedules.methods import method_of
from warehouse_admin.schedules.methods.base import WAIT
from warehouse_admin.schedules.models import Campaign, CampaignItem

Outcome = CampaignItem.Outcome
Ask = Callable[[Campaign, Sequence[CampaignItem]], Mutation]

LONGEST_WAIT = 600.0
PATIENCE = 10  # setbacks in a row, over an hour together; then what is left counts as failed
AWAY = {502, 503, 504}
BLAMES_AN_ID = {400, 500}  # one bad id fails a whole call with these, and they come again when it is repeated


def is_away(mutation: Mutation) -> bool:
    """Whether the call found PostHog down, so that the next one would too."""
    status = (mutation.remote or {}).get("status")
    if mutation.state == Mutation.State.NOT_SENT:
        return mutation.attempts > 0
    return status in AWAY


def put_back(campaign: Campaign, items: Sequence[CampaignItem], mutation: Mutation) -> None:
    """Let items that were certainly not sent wait for another call, and the campaign for PostHog. Raises Wait."""
    campaign.setbacks += 1
    Campaign.objects.filter(pk=campaign.pk).update(setbacks=campaign.setbacks)
    if campaign.setbacks > PATIENCE:
        settle_all(campaign, items, Outcome.FAILED, mutation.error)
        return
    campaign.items.filter(pk__in=[item.pk for item in items], mutation=mutation).update(mutation=None)
    raise Wait(min(WAIT * 2 ** (campaign.setbacks - 1), LONGEST_WAIT), "PostHog to be reachable again")


def is_divisible(campaign: Campaign, mutation: Mutation) -> bool:
    """Whether a failed call may be sent again in halves: it did nothing, or doing it twice does no harm."""
    if not method_of(campaign).repeatable or (mutation.remote or {}).get("status") not in BLAMES_AN_ID:
        return False
    if len(mutation.payload["ids"]) == 1:
        return False
    return mutation.state in (Mutation.State.REFUSED, Mutation.State.UNCONFIRMED)


def split(campaign: Campaign, items: Sequence[CampaignItem], mutation: Mutation, *, ask: Ask) -> list[Mutation]:
    """Ask anew in two halves for those that are not resumed already. Raises Wait."""
    left = [item for item in items if not _has_happened(campaign, item, mutation)]
    if not left:
        return []
    middle = (len(left) + 1) // 2
    with transaction.atomic():
        return [ask(campaign, half) for half in (left[:middle], left[middle:]) if half]


def _has_happened(campaign: Campaign, item: CampaignItem, mutation: Mutation) -> bool:
    if mutation.state == Mutation.State.REFUSED:
        return False
    heartbeat(campaign)
    try:
        outcome, detail = verify.found(campaign, item, mutation)
    except posthog_errors.RateLimited as error:
        raise Wait(error.retry_after or WAIT, "PostHog's rate limit") from error
    if outcome not in (Outcome.RESUMED, Outcome.FAILED_AGAIN):
        return False
    return settle(campaign, item, outcome, detail)
