"""Run now, view by view; and what a newer run proves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from warehouse_admin.accounts.roles import RUN
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.claims import Wait
from warehouse_admin.schedules.methods.base import (
    NO_SCHEDULE,
    Ask,
    Method,
    Outcome,
    Verdict,
    by_mutation,
    did_not_run,
    look,
    ruled_out,
)
from warehouse_admin.schedules.models import Campaign, CampaignItem

RUNS_A_MINUTE = 10  # of one view, before PostHog refuses more of them
RUNNING = "A run is under way already, so nothing was sent."
TAKEN = "PostHog took the request; the run it starts is not seen yet."
NO_RUN_CAME = "PostHog took the request, and no run came of it."


class RunNow(Method):
    name = Campaign.Method.RUN
    action = Campaign.Action.RUN
    capability = "run"
    permission = RUN
    label = "One run each, view by view"

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        view = item.saved_query
        if found := ruled_out(view):
            return found
        if view.is_materialized is False:
            return Outcome.IGNORED, NO_SCHEDULE
        if view.status == "Running" and look(item) and item.saved_query.status == "Running":
            return Outcome.NOT_NEEDED, RUNNING
        _heed_throttle(view)
        return None

    def ask(self, campaign: Campaign, items: Sequence[CampaignItem]) -> Ask:
        view = items[0].saved_query
        return Ask(Mutation.Kind.RUN, str(view.posthog_id), view.name, {})

    def verdict(self, item: CampaignItem, mutation: Mutation) -> Verdict:
        newer = newer_run(item.saved_query, item.sent_at)
        if newer is not None:
            outcome, said = newer
            return (Outcome.RAN if outcome == Outcome.RESUMED else outcome), said
        if unhappy := by_mutation(mutation):
            return unhappy
        return (Outcome.IGNORED, NO_RUN_CAME) if did_not_run(item) else (Outcome.ACCEPTED, TAKEN)


def _heed_throttle(view: SavedQuery) -> None:
    """PostHog would answer one run too many with a pause for the whole key."""
    minute = timedelta(seconds=60)
    sent = Mutation.objects.filter(
        object_id=str(view.posthog_id), kind=Mutation.Kind.RUN, sent_at__gt=timezone.now() - minute
    )
    times = [at for at in sent.order_by("sent_at").values_list("sent_at", flat=True) if at]
    if len(times) >= RUNS_A_MINUTE:
        free_at = times[-RUNS_A_MINUTE] + minute
        raise Wait((free_at - timezone.now()).total_seconds(), f"PostHog runs {view.name} at most 10 times a minute")


def newer_run(view: SavedQuery, moment: datetime | None) -> Verdict | None:
    """What the first finished run that began after `moment` proves; None when there is none."""
    if moment is None:
        return None
    later = Run.objects.filter(saved_query=view, started_at__gt=moment).order_by("started_at")
    return next(filter(None, map(told_by, later)), None)


def told_by(run: Run) -> Verdict | None:
    """What one run proves; None while it has not finished."""
    if run.status.lower() == "completed":
        return Outcome.RESUMED, f"It ran again at {run.started_at:%Y-%m-%d %H:%M} UTC and completed."
    if run.status.lower() == "failed":
        return Outcome.FAILED_AGAIN, f"It ran again and failed: {run.error.splitlines()[0] if run.error else ''}"
    return None
