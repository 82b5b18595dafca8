"""The look after a campaign: did the first scheduled run of each view come, and did it work?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from warehouse_admin.audit import services as audit
from warehouse_admin.core import context
from warehouse_admin.mirror.models import Run
from warehouse_admin.schedules.methods.stillness import asked_for, unasked
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.start import target_of

FollowUp = CampaignItem.FollowUp
AT_ONCE = 500
NAMED = 100  # views of one kind in the audit entry
FOLLOWED = (Campaign.Action.RESUME, Campaign.Action.RUN)


def follow_up(now: datetime) -> int:
    """Note what the mirror's runs tell by now; a campaign is followed once all its views are. Gives how many."""
    items = list(_ripe(now).select_related("campaign", "saved_query")[:AT_ONCE])
    runs = _first_runs(items)
    told = sum(_tell(item, runs.get(item.pk), now) for item in items)
    for campaign in {item.campaign_id: item.campaign for item in items}.values():
        _close(campaign)
    return told


def _ripe(now: datetime) -> QuerySet[CampaignItem]:
    later = Run.objects.filter(
        saved_query=OuterRef("saved_query"), started_at__gt=OuterRef("sent_at"), status__in=["Completed", "Failed"]
    )
    missed = Q(follow_up="", due_at__lt=now)
    open_still = Q(due_at__isnull=False, follow_up__in=["", FollowUp.NO_RUN_YET])
    of_those = Q(campaign__action__in=FOLLOWED) & ~Q(campaign__state__in=Campaign.OPEN)
    return CampaignItem.objects.filter(open_still, of_those, missed | Exists(later)).order_by("due_at")


def _first_runs(items: list[CampaignItem]) -> dict[int, Run]:
    """The first finished run of each item's view that began after the item was sent, in two queries.

    A run that somebody asked for here is no scheduled one, and tells of nothing but the act that asked for it.
    """
    if not items:
        return {}
    since = min(item.sent_at for item in items if item.sent_at)
    runs = Run.objects.filter(
        saved_query__in=[item.saved_query_id for item in items],
        started_at__gt=since,
        status__in=["Completed", "Failed"],
    ).order_by("started_at")
    by_view: dict[int, list[Run]] = {}
    for run in runs.only("saved_query_id", "started_at", "status"):
        by_view.setdefault(run.saved_query_id, []).append(run)
    asked = asked_for([str(item.saved_query.posthog_id) for item in items], since)
    found = {}
    for item in items:
        of_view = by_view.get(item.saved_query_id, [])
        after: Iterable[Run] = (run for run in of_view if item.sent_at and run.started_at > item.sent_at)
        if item.campaign.action != Campaign.Action.RUN:
            after = unasked(after, asked.get(str(item.saved_query.posthog_id), []))
        if first := next(iter(after), None):
            found[item.pk] = first
    return found


def _tell(item: CampaignItem, run: Run | None, now: datetime) -> bool:
    if run is None and (item.due_at is None or item.due_at >= now):
        return False  # it ran because somebody asked for it: the one that is due is still to come
    if run is None:
        says, at = FollowUp.NO_RUN_YET, now
    else:
        says = FollowUp.RAN_OK if run.status == "Completed" else FollowUp.FAILED_AGAIN
        at = run.started_at
    rows = CampaignItem.objects.filter(pk=item.pk, follow_up=item.follow_up)
    return bool(item.follow_up != says and rows.update(follow_up=says, follow_up_at=at))


@transaction.atomic
def _close(campaign: Campaign) -> None:
    """Post the final result once: every view that was sent has had its first run, or missed it."""
    sent = campaign.items.filter(due_at__isnull=False)
    if sent.filter(follow_up="").exists():
        return
    if not Campaign.objects.filter(pk=campaign.pk, followed_at=None).update(followed_at=timezone.now()):
        return
    found = Campaign.objects.select_related("connection").get(pk=campaign.pk)
    counts = Counter(sent.values_list("follow_up", flat=True))
    with context.use(context.RequestContext(request_id=found.request_id)):
        audit.record(
            actor=None,
            action="schedules.follow_up",
            target=target_of(found),
            result="ok" if set(counts) <= {FollowUp.RAN_OK} else "failed",
            reason=found.reason,
            after={"counts": dict(sorted(counts.items())), "views": _not_as_hoped(sent)},
            connection=found.connection.slug,
        )


def _not_as_hoped(sent: QuerySet[CampaignItem]) -> dict[str, list[str]]:
    """The names of those whose first run failed or stayed away; of very many the first, the report has them all."""
    found: dict[str, list[str]] = {}
    for says in (FollowUp.FAILED_AGAIN, FollowUp.NO_RUN_YET):
        names = sent.filter(follow_up=says).order_by("position").values_list("saved_query__name", flat=True)
        found[str(says)] = list(names[:NAMED])
    return {says: names for says, names in found.items() if names}
