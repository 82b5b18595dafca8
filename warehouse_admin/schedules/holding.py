"""Begin and end pause records as the outcomes of campaigns come in."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.refresh import refresh_state
from warehouse_admin.schedules.models import Campaign, CampaignItem, Hold

Outcome = CampaignItem.Outcome
EVERY = Q()


def follow_outcome(campaign: Campaign, item: CampaignItem, outcome: str) -> None:
    """Within the transaction that settles an item: a pause that worked is a hold, a resume that worked ends one."""
    if campaign.action == Campaign.Action.PAUSE:
        if outcome in (Outcome.PAUSED, Outcome.ACCEPTED):
            _begin(campaign, item)
        elif outcome == Outcome.FAILED:
            end(item.saved_query_id, Hold.End.OUTSIDE, by=None, only=Q(campaign=campaign))
    elif campaign.action == Campaign.Action.RESUME and outcome in (Outcome.RESUMED, Outcome.ACCEPTED):
        woken = Hold.objects.filter(saved_query=item.saved_query_id, ended_at=None, wake=campaign).exists()
        how = Hold.End.WOKEN if woken else Hold.End.RESUMED
        end(item.saved_query_id, how, by=campaign.started_by, only=_begun_before(item))
    else:
        return
    refresh_state(SavedQuery.objects.get(pk=item.saved_query_id))  # a pause of our own is certain, not likely


def end(view_key: int, how: str, *, by: User | None, only: Q = EVERY) -> bool:
    """End the open hold of a view, if it is one of `only`; false when it has none."""
    open_one = Hold.objects.filter(only, saved_query=view_key, ended_at=None)
    return bool(open_one.update(ended_at=timezone.now(), ended_by=by, how=how))


def _begun_before(item: CampaignItem) -> Q:
    """Holds that the act ended: what it comes to is often known only after somebody paused the view anew."""
    return Q(at__lte=item.sent_at) if item.sent_at else EVERY


def _begin(campaign: Campaign, item: CampaignItem) -> None:
    """Once for each campaign, and never over a later pause: outcomes change long after the act."""
    holds = Hold.objects.filter(saved_query=item.saved_query_id)
    if holds.filter(Q(campaign=campaign) | Q(ended_at=None) & ~_begun_before(item)).exists():
        return
    end(item.saved_query_id, Hold.End.REPLACED, by=campaign.started_by)
    Hold.objects.create(
        saved_query=item.saved_query,
        reason=campaign.reason,
        by=campaign.started_by,
        at=item.sent_at or timezone.now(),
        until=campaign.until,
        cadence_before=item.before.get("sync_frequency") or item.saved_query.last_cadence,
        campaign=campaign,
    )
