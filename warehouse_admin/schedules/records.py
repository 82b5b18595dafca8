"""Reads of campaigns for pages and the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.errors import Missing
from warehouse_admin.schedules import first_runs
from warehouse_admin.schedules.due import expected
from warehouse_admin.schedules.methods import METHODS
from warehouse_admin.schedules.methods.cadence import cadence_given_back
from warehouse_admin.schedules.models import Campaign, CampaignItem


def campaigns(connection: str = "") -> QuerySet[Campaign]:
    """Campaigns, newest first."""
    rows = Campaign.objects.select_related("started_by", "confirmed_by", "connection").defer(*CONNECTION_UNREAD)
    rows = rows.order_by("-created_at")
    return rows.filter(connection__slug=connection) if connection else rows


def under_way(user: User) -> QuerySet[Campaign]:
    """Open campaigns, first those that wait until this person says yes (`is_theirs`); each with its `size`."""
    items = CampaignItem.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign")
    rows = Campaign.objects.filter(state__in=Campaign.OPEN).select_related("started_by")
    return rows.annotate(
        is_theirs=ExpressionWrapper(_confirmable_by(user), output_field=BooleanField()),
        size=Subquery(items.annotate(n=Count("pk")).values("n"), output_field=IntegerField()),
    ).order_by("-is_theirs", "-created_at")


def _confirmable_by(user: User) -> Q:
    """What waits for a second person who may be this one: as `confirm` has it, nobody confirms their own."""
    ways = [name for name, way in METHODS.items() if policies.allows(user, way.permission)]
    others = Q(started_by=None) | ~Q(started_by=user)
    return Q(needs_second=True, confirmed_at=None, stop_requested=False, method__in=ways) & others


def campaign_by_id(campaign_id: UUID) -> Campaign:
    """One campaign with all that its page and the API show of it; Missing when there is none."""
    found = campaigns().filter(pk=campaign_id).first()
    if found is None:
        raise Missing("There is no such campaign.")
    return found


def follow_ups_of(campaign: Campaign) -> dict[str, int]:
    """How the first scheduled runs went, of the views that were sent; empty words are those still awaited.

    Where nobody knows whether PostHog took the request, no run is awaited.
    """
    rows = campaign.items.filter(due_at__isnull=False).order_by()
    rows = rows.exclude(outcome=CampaignItem.Outcome.UNKNOWN, follow_up="")
    return dict(rows.values_list("follow_up").annotate(Count("pk")))


def add_counts(found: Sequence[Campaign]) -> None:
    """Give each campaign its `counts` and what its `first_runs` say, in words; one query for all."""
    by_campaign: dict[Any, Counter[tuple[str, str]]] = {campaign.pk: Counter() for campaign in found}
    rows = CampaignItem.objects.filter(campaign__in=list(by_campaign)).order_by()
    for key, outcome, went, count in rows.values_list("campaign", "outcome", "follow_up").annotate(Count("pk")):
        by_campaign[key][outcome, went] = count
    for campaign in found:
        told = by_campaign[campaign.pk]
        counts: Counter[str] = Counter()
        for (outcome, _), count in told.items():
            counts[outcome] += count
        campaign.counts = dict(counts)  # type: ignore[attr-defined]
        campaign.first_runs = first_runs.in_words(told)  # type: ignore[attr-defined]


def counts_of(campaign: Campaign) -> dict[str, int]:
    """How many views of a campaign have each outcome; outcomes that none has are left out."""
    return dict(campaign.items.order_by().values_list("outcome").annotate(Count("pk")))


def page_of_items(campaign: Campaign, items: Sequence[CampaignItem]) -> list[CampaignItem]:
    """Items with what a page shows besides: when a first run is `expected_at`, and which `cadence` they get back."""
    now = timezone.now()
    for item in items:
        awaited = item.outcome != CampaignItem.Outcome.UNKNOWN
        item.expected_at = expected(campaign, item) if awaited else None  # type: ignore[attr-defined]
        item.is_late = bool(item.expected_at and item.expected_at < now)  # type: ignore[attr-defined]
        item.cadence = cadence_given_back(item)  # type: ignore[attr-defined]
    return list(items)


def items_of(campaign: Campaign, outcome: str = "") -> QuerySet[CampaignItem]:
    """The items of a campaign in the order in which they are sent."""
    rows = campaign.items.select_related("saved_query", "mutation", "campaign").order_by("position")
    rows = rows.defer("saved_query__query", "saved_query__columns")
    return rows.filter(outcome=outcome) if outcome in CampaignItem.Outcome.values else rows
