"""Settle the items of a campaign: one outcome and one audit entry for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.schedules import holding
from warehouse_admin.schedules.due import first_due
from warehouse_admin.schedules.models import Campaign, CampaignItem

Outcome = CampaignItem.Outcome

RESULTS = {
    Outcome.RESUMED: "ok",
    Outcome.NOT_PAUSED: "ok",
    Outcome.ACCEPTED: "unknown",  # PostHog took the request; nothing proves yet that the schedule followed
    Outcome.UNKNOWN: "unknown",
    Outcome.IGNORED: "failed",
    Outcome.FAILED_AGAIN: "failed",
    Outcome.FAILED: "failed",
    Outcome.PAUSED: "ok",
    Outcome.RAN: "ok",
    Outcome.PROPOSED: "ok",
    Outcome.NOT_NEEDED: "ok",
}
MAY_RUN_AFTERWARDS = (Outcome.ACCEPTED, Outcome.RESUMED, Outcome.RAN, Outcome.FAILED_AGAIN, Outcome.UNKNOWN)


def settle(campaign: Campaign, item: CampaignItem, outcome: str, detail: str = "") -> bool:
    """Give an item its outcome, unless another process gave one meanwhile; true if this call did."""
    known = item.outcome
    detail = detail[:300]
    if outcome == known and detail == item.detail:
        return False
    changes: dict[str, Any] = {"outcome": outcome, "detail": detail, "settled_at": timezone.now()}
    if item.due_at is None and item.sent_at is not None and outcome in MAY_RUN_AFTERWARDS:
        changes["due_at"] = first_due(campaign, item)
    with transaction.atomic():
        unchanged = CampaignItem.objects.filter(pk=item.pk, outcome=known)
        if not unchanged.update(**changes):
            return False
        if outcome != known:
            holding.follow_outcome(campaign, item, outcome)
            _record(campaign, item, outcome, detail)
    for name, value in changes.items():
        setattr(item, name, value)
    return True


def settle_all(campaign: Campaign, items: Sequence[CampaignItem], outcome: str, detail: str) -> None:
    for item in items:
        settle(campaign, item, outcome, detail)


def evidence_of(campaign: Campaign, item: CampaignItem) -> dict[str, Any]:
    """What an audit entry about one view says of its campaign."""
    evidence = {"campaign": str(campaign.pk), "method": campaign.method}
    if campaign.action == Campaign.Action.RESUME:
        evidence["resume"] = str(campaign.pk)
    return {**evidence, "mutation": str(item.mutation_id) if item.mutation_id else None}


def _record(campaign: Campaign, item: CampaignItem, outcome: str, detail: str) -> None:
    view = item.saved_query
    after = {"outcome": outcome, "detail": detail, "suspended": view.suspended, "sync_frequency": view.sync_frequency}
    audit.record(
        actor=campaign.started_by,
        action=f"schedules.{campaign.action}",
        target=Target("saved_query", str(view.posthog_id), view.name),
        result=RESULTS[Outcome(outcome)],
        reason=campaign.reason,
        before=item.before,
        after=after,
        remote=evidence_of(campaign, item),
        connection=campaign.connection.slug,
    )
