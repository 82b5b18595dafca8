"""What runs tell of a schedule where PostHog does not: whether it stands still, and whether it goes on again."""

from __future__ import annotations

from datetime import datetime, timedelta

from warehouse_admin.mirror.models import Run
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.methods.base import Verdict
from warehouse_admin.schedules.methods.runs import told_by
from warehouse_admin.schedules.models import CampaignItem, Hold

SHOWS_WITHIN = timedelta(hours=1)
"""A run that was asked for begins within this time, if it comes at all."""
CLOCKS = timedelta(minutes=2)


def is_over(item: CampaignItem) -> bool:
    """Whether the pause was ended since, by whomever: what runs from then on says nothing about it."""
    ended = Hold.objects.filter(campaign=item.campaign_id, saved_query=item.saved_query_id, ended_at__isnull=False)
    return bool(item.saved_query.sync_frequency) or ended.exists()


def run_of_its_own(item: CampaignItem) -> Verdict | None:
    """What the first finished run since then proves that nobody asked for here; None where there is none.

    A view whose schedule is paused runs all the same when somebody asks for it, and stays paused.
    """
    runs = Run.objects.filter(saved_query=item.saved_query_id, started_at__gt=item.sent_at).order_by("started_at")
    asked = list(_runs_asked_for(item))
    for run in runs:
        told = told_by(run)
        ours = next((at for at in asked if at - CLOCKS <= run.started_at <= at + SHOWS_WITHIN), None)
        if ours is not None:
            asked.remove(ours)  # one request is one run
        elif told is not None:
            return told
    return None


def _runs_asked_for(item: CampaignItem) -> list[datetime]:
    if item.sent_at is None:
        return []
    sent = Mutation.objects.filter(kind=Mutation.Kind.RUN, object_id=str(item.saved_query.posthog_id))
    sent = sent.filter(sent_at__gt=item.sent_at - SHOWS_WITHIN).order_by("sent_at")
    return [at for at in sent.values_list("sent_at", flat=True) if at is not None]
