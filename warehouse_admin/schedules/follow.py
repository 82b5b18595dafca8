"""What the beat does: take over campaigns whose worker died, and settle what only time can tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from warehouse_admin.core import context
from warehouse_admin.mirror.models import Run
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.claims import free_to_claim
from warehouse_admin.schedules.ending import restate
from warehouse_admin.schedules.follow_up import follow_up
from warehouse_admin.schedules.methods import method_of
from warehouse_admin.schedules.methods.base import ENDED, NOT_DONE
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.verify import judge, verify
from warehouse_admin.schedules.watch import watch

Outcome = CampaignItem.Outcome
State = Campaign.State

AT_ONCE = 200  # items settled in one beat
READS = 10  # of them so many by asking PostHog
LOOK_FOR = timedelta(hours=24)  # so long PostHog is asked about an unknown item; after that only syncs can tell
UNCLAIMED = timedelta(seconds=20)  # a campaign that no worker took by then has lost its message


def follow() -> int:
    """Requeue abandoned campaigns, look for awaited runs, and re-judge open items; how many things were touched."""
    from warehouse_admin.schedules import tasks

    now = timezone.now()
    free = Campaign.objects.filter(free_to_claim(now)).exclude(state=State.QUEUED, created_at__gt=now - UNCLAIMED)
    campaigns = list(free.values_list("pk", flat=True))
    for pk in campaigns:
        tasks.run_campaign.delay(str(pk))
    told = _settle_items(now) + follow_up(now)
    return len(campaigns) + told + watch(now)  # last: a PostHog that is slow or fails holds up nothing of the above


def _settle_items(now: datetime) -> int:
    """Settle what newer runs, a settled mutation or a newer read can prove."""
    changed: dict[Campaign, int] = {}
    reads = READS
    items = _ripe_items(now).select_related("saved_query__connection", "mutation", "campaign__connection")
    for item in items.select_related("campaign__started_by")[:AT_ONCE]:
        before = item.outcome
        with context.use(context.RequestContext(request_id=item.campaign.request_id)):
            reads -= _rejudge(item, may_read=reads > 0)
        if item.outcome != before:
            changed[item.campaign] = changed.get(item.campaign, 0) + 1
    for campaign in changed:
        restate(campaign)
    return sum(changed.values())


def _ripe_items(now: datetime) -> QuerySet[CampaignItem]:
    """Items about which something new may be known, oldest first."""
    later = Run.objects.filter(
        saved_query=OuterRef("saved_query"), started_at__gt=OuterRef("sent_at"), status__in=["Completed", "Failed"]
    )
    any_later = Run.objects.filter(saved_query=OuterRef("saved_query"), started_at__gt=OuterRef("sent_at"))
    not_later = Q(saved_query__last_run_at=None) | Q(saved_query__last_run_at__lte=F("sent_at"))
    read_since = Q(due_at__lt=now, saved_query__synced_at__gt=F("due_at"))
    stayed_away = read_since & not_later & ~Exists(any_later)
    accepted = Q(outcome=Outcome.ACCEPTED) & (Exists(later) | stayed_away | read_since & Q(campaign__action="pause"))
    by_runs = Q(campaign__method=Campaign.Method.RESUME_SCHEDULES, saved_query__suspended__isnull=True)
    ended = [*ENDED, *NOT_DONE]
    readable = Q(sent_at__gt=now - LOOK_FOR) | Q(mutation__state__in=ended, saved_query__synced_at__gt=F("settled_at"))
    unknown = Q(outcome=Outcome.UNKNOWN) & (Exists(later) | readable | stayed_away & by_runs)
    over = ~Q(campaign__state__in=Campaign.OPEN)
    ripe = accepted | unknown | _late() & Exists(later)
    return CampaignItem.objects.filter(ripe, over, mutation__isnull=False).order_by("sent_at")


def _late() -> Q:
    """Where nothing tells but runs: given up because none came or PostHog failed, and not sent anew since."""
    given_up = Q(outcome=Outcome.IGNORED, due_at__isnull=False)
    failed = Q(outcome=Outcome.FAILED, mutation__state=Mutation.State.UNCONFIRMED)
    anew = Exists(CampaignItem.objects.filter(saved_query=OuterRef("saved_query"), sent_at__gt=OuterRef("sent_at")))
    untold = Q(saved_query__suspended__isnull=True, campaign__action=Campaign.Action.RESUME)
    return Q((given_up | failed) & untold, ~anew)


def _rejudge(item: CampaignItem, *, may_read: bool) -> int:
    """Judge an item anew; returns how many reads of PostHog it cost."""
    view, mutation = item.saved_query, item.mutation
    if mutation is None:
        return 0
    read_since = view.synced_at is not None and item.sent_at is not None and view.synced_at > item.sent_at
    needs_reading = method_of(item.campaign).waits_for_reading(item)
    if not needs_reading or (read_since and mutation.state in ENDED):
        _take_in(item, mutation)
        judge(item.campaign, item, mutation)
        return 0
    if not may_read:
        return 0
    try:
        verify(item.campaign, item, mutation)
    except posthog_errors.RateLimited:
        return READS  # no more reads in this beat
    return 1


def _take_in(item: CampaignItem, mutation: Mutation) -> None:
    """What the gate read when it settled the write later belongs into the mirror, where its kind is read back."""
    if mutation.after and item.outcome == Outcome.UNKNOWN:
        method_of(item.campaign).observe(item, mutation)
