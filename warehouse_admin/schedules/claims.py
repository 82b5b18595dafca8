"""Which worker has a campaign. A worker that lost its claim must not touch the campaign any more."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from warehouse_admin.schedules.models import Campaign

STALE_AFTER = timedelta(seconds=60)
LONGEST_COUNTDOWN = 25.0  # seconds; longer waits are left to the beat
State = Campaign.State


class ClaimLost(Exception):
    """Another worker took the campaign over, or somebody ended it."""


class Wait(Exception):
    """The campaign goes on after `seconds`; `why` is told to people meanwhile."""

    def __init__(self, seconds: float, why: str = "") -> None:
        super().__init__(why)
        self.seconds = max(1.0, seconds)
        self.why = why


class Paused(Exception):
    """Somebody paused the campaign."""


def free_to_claim(now: datetime) -> Q:
    """Campaigns that no living worker has and that need not wait, neither for a time nor for a person."""
    waiting = Q(state=State.QUEUED)
    abandoned = Q(state=State.RUNNING) & (Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - STALE_AFTER))
    due = Q(not_before=None) | Q(not_before__lte=now)
    confirmed = Q(needs_second=False) | Q(confirmed_at__isnull=False)
    return (waiting | abandoned) & due & confirmed & Q(paused_at=None)


def claim(campaign_id: uuid.UUID | str) -> Campaign | None:
    """Take a campaign that waits or whose worker died; None when somebody has it or it has ended."""
    now = timezone.now()
    mark = uuid.uuid4().hex
    taken = Campaign.objects.filter(free_to_claim(now), pk=campaign_id).update(
        state=State.RUNNING,
        claim=mark,
        heartbeat_at=now,
        not_before=None,
        waits_for="",
        started_at=Coalesce("started_at", now),
    )
    if not taken:
        return None
    return Campaign.objects.select_related("connection", "started_by").get(pk=campaign_id)


def heartbeat(campaign: Campaign) -> None:
    """Say that this worker lives, and learn what people want; ClaimLost when the campaign is no longer ours."""
    mine = Campaign.objects.filter(pk=campaign.pk, claim=campaign.claim, state=State.RUNNING)
    if not mine.update(heartbeat_at=timezone.now()):
        raise ClaimLost
    wishes = ("stop_requested", "paused_at", "continued_at")
    for name, value in mine.values(*wishes).get().items():
        setattr(campaign, name, value)


def give_back(campaign: Campaign, wait: float, why: str = "") -> None:
    """Let go of the campaign for `wait` seconds; then it is taken up again."""
    mine = Campaign.objects.filter(pk=campaign.pk, claim=campaign.claim, state=State.RUNNING)
    not_before = timezone.now() + timedelta(seconds=wait) if wait else None
    if mine.update(claim="", heartbeat_at=None, not_before=not_before, waits_for=why[:200]) and wait:
        _take_up_after(campaign, wait)


def _take_up_after(campaign: Campaign, wait: float) -> None:
    """The beat would do it too, but up to half a minute late."""
    from warehouse_admin.schedules import tasks

    if wait <= LONGEST_COUNTDOWN:
        tasks.run_campaign.apply_async((str(campaign.pk),), countdown=wait + 0.5)
