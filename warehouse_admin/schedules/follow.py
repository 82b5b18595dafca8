"""What the beat does: take over campaigns whose worker died, and settle what only time can tell."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from warehouse_admin.core import context
from warehouse_admin.mirror.models import Run
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.campaign import final_state, record_end, summary_error
from warehouse_admin.schedules.claims import free_to_claim
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.pauses import tells_suspension
from warehouse_admin.schedules.verify import ENDED, judge, verify

Outcome = BulkResumeItem.Outcome
State = BulkResume.State

AT_ONCE = 200  # items settled in one beat
READS = 10  # of them so many by asking PostHog
LOOK_FOR = timedelta(hours=24)  # so long PostHog is asked about an unknown item; after that only syncs can tell
UNCLAIMED = timedelta(seconds=20)  # a campaign that no worker took by then has lost its message


def follow() -> int:
    """Requeue abandoned campaigns, and re-judge open items; how many things were touched."""
    from warehouse_admin.schedules import tasks

    now = timezone.now()
    free = BulkResume.objects.filter(free_to_claim(now)).exclude(state=State.QUEUED, created_at__gt=now - UNCLAIMED)
    resumes = list(free.values_list("pk", flat=True))
    for pk in resumes:
        tasks.run_resume.delay(str(pk))
    return len(resumes) + _settle_items(now)


def _settle_items(now: datetime) -> int:
    """Settle what newer runs, a settled mutation or a newer read can prove."""
    changed: dict[BulkResume, int] = {}
    reads = READS
    items = _ripe_items(now).select_related("saved_query__connection", "mutation", "resume__connection")
    for item in items.select_related("resume__started_by")[:AT_ONCE]:
        before = item.outcome
        with context.use(context.RequestContext(request_id=item.resume.request_id)):
            reads -= _rejudge(item, may_read=reads > 0)
        if item.outcome != before:
            changed[item.resume] = changed.get(item.resume, 0) + 1
    for resume in changed:
        _restate(resume)
    return sum(changed.values())


def _ripe_items(now: datetime) -> QuerySet[BulkResumeItem]:
    """Items about which something new may be known, oldest first."""
    later = Run.objects.filter(
        saved_query=OuterRef("saved_query"), started_at__gt=OuterRef("sent_at"), status__in=["Completed", "Failed"]
    )
    accepted = Q(outcome=Outcome.ACCEPTED) & Exists(later)
    readable = Q(sent_at__gt=now - LOOK_FOR) | Q(mutation__state__in=ENDED, saved_query__synced_at__gt=F("settled_at"))
    unknown = Q(outcome=Outcome.UNKNOWN) & (Exists(later) | readable)
    ended = ~Q(resume__state__in=BulkResume.OPEN)
    return BulkResumeItem.objects.filter(accepted | unknown, ended, mutation__isnull=False).order_by("sent_at")


def _rejudge(item: BulkResumeItem, *, may_read: bool) -> int:
    """Judge an item anew; returns how many reads of PostHog it cost."""
    view, mutation = item.saved_query, item.mutation
    if mutation is None:
        return 0
    read_since = view.synced_at is not None and item.sent_at is not None and view.synced_at > item.sent_at
    if not tells_suspension(view) or (read_since and mutation.state in ENDED):
        judge(item.resume, item, mutation)
        return 0
    if not may_read:
        return 0
    try:
        verify(item.resume, item, mutation)
    except posthog_errors.RateLimited:
        return READS  # no more reads in this beat
    return 1


@transaction.atomic
def _restate(resume: BulkResume) -> None:
    """An ended campaign takes the state that its items give it now."""
    found = BulkResume.objects.select_for_update().get(pk=resume.pk)
    counts = Counter(found.items.values_list("outcome", flat=True))
    state = final_state(counts, stopped=found.state == State.STOPPED)
    if found.is_open or state == found.state:
        return
    found.state, found.error = state, summary_error(state, counts)
    found.save(update_fields=["state", "error"])
    record_end(resume, state, counts)
