"""How a campaign goes about it: how many first, how fast, and when it stops by itself."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.schedules import canary
from warehouse_admin.schedules.claims import Wait
from warehouse_admin.schedules.methods import Method, method_of
from warehouse_admin.schedules.models import Campaign, CampaignItem

Outcome = CampaignItem.Outcome

CHUNK = 25  # on older servers each view of a call costs two slow steps, so small chunks by default
CALLS = 25  # a big campaign takes bigger chunks rather than more calls than this
STOP_PERCENT = 20
MOST = 10_000  # views; a campaign holds no more
FEWEST_TO_JUDGE = 5  # settled views; one failure of two says nothing
MINUTE = timedelta(seconds=60)


@dataclass(frozen=True)
class Plan:
    """What may be chosen before a campaign starts; the defaults send everything at once."""

    canary_size: int = 0
    wave_size: int | None = None
    per_minute: int | None = None
    stop_percent: int = STOP_PERCENT

    def check(self, method: Method) -> None:
        """InvalidInput that names every number that cannot be used."""
        bad: dict[str, list[str]] = {}
        if not 0 <= self.canary_size <= MOST:
            bad["canary_size"] = [f"Give 0 to {MOST:,}."]
        if self.wave_size is not None and not 1 <= self.wave_size <= method.most:
            most = "this way sends one view at a time" if method.most == 1 else f"PostHog takes {method.most} in a call"
            bad["wave_size"] = [f"Give 1 to {method.most}: {most}."]
        if self.per_minute is not None and not 1 <= self.per_minute <= MOST:
            bad["per_minute"] = [f"Give 1 to {MOST:,}, or leave it out to go as fast as the budget allows."]
        if not 1 <= self.stop_percent <= 100:
            bad["stop_percent"] = ["Give 1 to 100; 100 never stops by itself."]
        if bad:
            raise InvalidInput("The plan cannot be used.", errors=bad)

    def fields(self) -> dict[str, Any]:
        return {
            "canary_size": self.canary_size,
            "wave_size": self.wave_size,
            "per_minute": self.per_minute,
            "stop_percent": self.stop_percent,
        }


def requests_for(method: Method, count: int) -> int:
    """About how many requests it takes to act on so many views and to look at each afterwards."""
    if not count:
        return 0
    calls = math.ceil(count / min(method.most, max(CHUNK, math.ceil(count / CALLS)))) if method.most > 1 else 0
    return count * method.calls_each + calls


def chunk_size(campaign: Campaign) -> int:
    """How many views the next call may carry. Raises Wait where the pace says so."""
    method = method_of(campaign)
    size = campaign.wave_size or max(CHUNK, math.ceil(campaign.items.count() / CALLS))
    sent = campaign.items.exclude(mutation=None).count()
    if sent < campaign.canary_size:
        size = min(size, campaign.canary_size - sent)
    if campaign.per_minute:
        size = min(size, _left_of_the_minute(campaign))
    return min(size, method.most)


def _left_of_the_minute(campaign: Campaign) -> int:
    sent = campaign.items.filter(sent_at__gt=timezone.now() - MINUTE).order_by("-sent_at")
    times = list(sent.values_list("sent_at", flat=True)[: campaign.per_minute])
    left = (campaign.per_minute or 0) - len(times)
    if left <= 0 and times[-1] is not None:
        raise Wait((times[-1] + MINUTE - timezone.now()).total_seconds(), f"its pace, {campaign.per_minute} a minute")
    return left


def why_stop(campaign: Campaign) -> str:
    """Why it must not go on by itself, in a sentence; empty when it may. Raises Wait for its first views."""
    if why := canary.why_stop(campaign):
        return why
    sent = campaign.items.exclude(mutation=None).exclude(outcome__in=[Outcome.QUEUED, Outcome.SENT])
    if campaign.continued_at is not None:
        sent = sent.filter(sent_at__gt=campaign.continued_at)  # a person decided about those before
    counts = Counter(sent.values_list("outcome", flat=True))
    again, settled = counts[Outcome.FAILED_AGAIN], counts.total()
    if settled >= FEWEST_TO_JUDGE and again * 100 > campaign.stop_percent * settled:
        return f"{again} of the {settled} views settled so far failed again, more than {campaign.stop_percent} %."
    return ""
