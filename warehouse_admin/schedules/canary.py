"""The views that go first: the rest follows once they are proven, or once a person goes on without the proof.

Older servers take a resume and show what came of it only by the next run: "accepted" proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from warehouse_admin.schedules.claims import Wait
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.verify import judge

Outcome = CampaignItem.Outcome

PATIENCE = timedelta(hours=24)
LOOK_AGAIN = 60.0  # seconds; no request is made for it, syncs bring the runs in
NOT_AS_HOPED = (Outcome.IGNORED, Outcome.FAILED_AGAIN, Outcome.FAILED, Outcome.UNKNOWN)
UNDER_WAY = (Outcome.QUEUED, Outcome.SENT)


@dataclass(frozen=True)
class Canary:
    """How the first views stand; `awaited` while the rest waits for the proof, `until` then tells how long at most."""

    size: int
    proven: int
    not_proven: int
    not_as_hoped: int
    awaited: bool
    until: datetime | None


def canary_of(campaign: Campaign) -> Canary | None:
    """How the first views of a campaign stand, of those that were sent; None where none go first."""
    if not campaign.canary_size:
        return None
    first = _first(campaign)
    open_ones = [item for item in first if item.outcome == Outcome.ACCEPTED]
    bad = sum(item.outcome in NOT_AS_HOPED for item in first)
    moving = sum(item.outcome in UNDER_WAY for item in first)
    awaited = bool(open_ones) and _is_awaited(campaign, first)
    return Canary(
        size=campaign.canary_size,
        proven=len(first) - len(open_ones) - bad - moving,
        not_proven=len(open_ones),
        not_as_hoped=bad,
        awaited=awaited,
        until=_bound(open_ones) if awaited else None,
    )


def why_stop(campaign: Campaign) -> str:
    """Why the rest must not be sent, in a sentence; empty when it may. Raises Wait while that cannot be told yet."""
    first = _first(campaign)
    if not campaign.canary_size or len(first) < campaign.canary_size or _is_decided(campaign, first):
        return ""
    for item in first:
        if item.outcome == Outcome.ACCEPTED and item.mutation is not None:
            judge(campaign, item, item.mutation)
    bad = sum(item.outcome in NOT_AS_HOPED for item in first)
    if bad * 100 > campaign.stop_percent * len(first):
        return f"Of the first {len(first)} views {bad} did not do as hoped, so the rest was not sent."
    if any(item.outcome in UNDER_WAY for item in first):
        raise Wait(LOOK_AGAIN, "the first of its views, which another change holds")
    open_ones = [item for item in first if item.outcome == Outcome.ACCEPTED]
    if not open_ones:
        return ""
    until = _bound(open_ones)
    count = f"{len(open_ones)} of the first {len(first)} views" if len(first) > 1 else "the first view"
    if timezone.now() < until:
        why = "PostHog took it and shows only by the next run what came of it"
        raise Wait(LOOK_AGAIN, f"proof of {count}: {why}, by {until:%Y-%m-%d %H:%M} UTC")
    return f"What became of {count} was not proven in time, so the rest was not sent."


def _first(campaign: Campaign) -> list[CampaignItem]:
    sent = campaign.items.exclude(mutation=None).order_by("position")
    return list(sent.select_related("saved_query__connection", "mutation")[: campaign.canary_size])


def _is_decided(campaign: Campaign, first: Sequence[CampaignItem]) -> bool:
    """Whether a person went on after all of them had been sent."""
    at = campaign.continued_at
    return at is not None and all(item.sent_at is not None and item.sent_at <= at for item in first)


def _is_awaited(campaign: Campaign, first: Sequence[CampaignItem]) -> bool:
    held_up = campaign.is_open and not campaign.stop_requested and not campaign.paused_at
    if not held_up or len(first) < campaign.canary_size or _is_decided(campaign, first):
        return False
    return campaign.items.filter(outcome=Outcome.QUEUED, mutation=None).exists()


def _bound(open_ones: Sequence[CampaignItem]) -> datetime:
    """When all of them are proven or never will be; a campaign does not wait longer than a day."""
    now = timezone.now()
    dues = [min(item.due_at or now, (item.sent_at or now) + PATIENCE) for item in open_ones]
    return max(dues, default=now) + timedelta(minutes=10)  # until a sync has seen whether the run came
