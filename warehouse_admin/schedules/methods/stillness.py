"""What runs tell of a schedule where PostHog does not: whether it stands still, and whether it goes on again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    if item.sent_at is None:
        return None
    runs = Run.objects.filter(saved_query=item.saved_query_id, started_at__gt=item.sent_at).order_by("started_at")
    key = str(item.saved_query.posthog_id)
    asked = asked_for([key], item.sent_at).get(key, [])
    return next(filter(None, map(told_by, unasked(runs, asked))), None)


def unasked(runs: Iterable[Run], asked: Sequence[datetime]) -> Iterator[Run]:
    """Of the runs of one view, oldest first, those that no request made here explains; one request is one run."""
    left = list(asked)
    for run in runs:
        ours = next((at for at in left if at - CLOCKS <= run.started_at <= at + SHOWS_WITHIN), None)
        if ours is None:
            yield run
        else:
            left.remove(ours)


def asked_for(keys: Collection[str], since: datetime) -> dict[str, list[datetime]]:
    """When runs of these views, by PostHog's id, were asked for here that may show after `since`; in one query."""
    sent = Mutation.objects.filter(kind=Mutation.Kind.RUN, object_id__in=keys, sent_at__gt=since - SHOWS_WITHIN)
    found: dict[str, list[datetime]] = {}
    for key, at in sent.order_by("sent_at").values_list("object_id", "sent_at"):
        if at is not None:
            found.setdefault(key, []).append(at)
    return found
