"""What was asked of PostHog here that ends in a run: resumes and runs, in bulk or of one view."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.own_acts import OwnStart
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.items import MAY_RUN_AFTERWARDS
from warehouse_admin.schedules.models import Campaign, CampaignItem

LONGEST = timedelta(days=35)
"""The longest cadence and its grace: a resume of longer ago explains nothing any more."""
A_RUN_SHOWS = timedelta(hours=1)
"""A single run that was asked for longer ago and is not known did not come."""
NOBODY_KNOWS = (CampaignItem.Outcome.SENT, CampaignItem.Outcome.UNKNOWN)
STARTS = (Campaign.Action.RESUME, Campaign.Action.RUN)


def own_starts(keys: Sequence[int]) -> dict[int, OwnStart]:
    """The last start of each of these views that PostHog took, by primary key; three queries at most."""
    now = timezone.now()
    items = started_items(now - LONGEST).filter(saved_query__pk__among=keys).exclude(outcome__in=NOBODY_KNOWS)
    runs = single_runs(now - A_RUN_SHOWS).filter(state=Mutation.State.HAPPENED)
    found, asked_about = latest(items, runs), set(keys)
    return {key: start for key, start in found.items() if key in asked_about}


def latest(items: QuerySet[CampaignItem], runs: QuerySet[Mutation]) -> dict[int, OwnStart]:
    """The last of these starts for each view, by primary key."""
    found: dict[int, OwnStart] = {}
    for item in items.order_by("sent_at"):
        if item.sent_at is not None:
            resumes = item.campaign.action == Campaign.Action.RESUME
            found[item.saved_query_id] = OwnStart(item.sent_at, item.campaign.started_by_name, resumes)
    single = {run.object_id: run for run in runs.order_by("sent_at")}
    views = SavedQuery.objects.filter(posthog_id__in=list(single)) if single else SavedQuery.objects.none()
    for key, posthog_id in views.values_list("pk", "posthog_id"):
        run = single[str(posthog_id)]
        if run.sent_at is not None and (key not in found or found[key].at < run.sent_at):
            found[key] = OwnStart(run.sent_at, run.actor.get_username() if run.actor else "system", resumes=False)
    return found


def started_items(since: datetime) -> QuerySet[CampaignItem]:
    """Views of campaigns that were sent after `since`, where PostHog may have followed."""
    outcomes = (*MAY_RUN_AFTERWARDS, CampaignItem.Outcome.SENT)
    items = CampaignItem.objects.filter(sent_at__gt=since, campaign__action__in=STARTS, outcome__in=outcomes)
    return items.select_related("campaign__started_by")


def single_runs(since: datetime) -> QuerySet[Mutation]:
    """Runs of one view that were sent after `since`, where PostHog may have followed."""
    kept = (Mutation.State.HAPPENED, Mutation.State.UNCONFIRMED)
    runs = Mutation.objects.filter(kind=Mutation.Kind.RUN, sent_at__gt=since, state__in=kept, cause="schedules")
    return runs.select_related("actor")
