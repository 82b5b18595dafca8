"""Work on a campaign: chunk by chunk, each chunk one mutation, each view settled by looking at it again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.core import context
from warehouse_admin.mirror.signals import reads_told_together
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import Busy, NotYet
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules import plan
from warehouse_admin.schedules.claims import ClaimLost, Paused, Wait, claim, give_back, heartbeat
from warehouse_admin.schedules.ending import conclude
from warehouse_admin.schedules.items import settle, settle_all
from warehouse_admin.schedules.methods import method_of
from warehouse_admin.schedules.methods.base import NOT_DONE, WAIT, Settled
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.setbacks import is_away, is_divisible, put_back, split
from warehouse_admin.schedules.start import target_of
from warehouse_admin.schedules.verify import verify

Outcome = CampaignItem.Outcome
OPEN = (Outcome.QUEUED, Outcome.SENT)
DROPPED = "Its campaign was stopped before it was sent."


def run_campaign(campaign_id: uuid.UUID | str) -> None:
    """Work on a campaign until it is done, stopped, or has to wait. Safe to call any number of times."""
    campaign = claim(campaign_id)
    if campaign is None:
        return
    with context.use(context.RequestContext(request_id=campaign.request_id)):
        try:
            _work(campaign)
        except Wait as wait:
            give_back(campaign, wait.seconds, wait.why)
        except Paused:
            give_back(campaign, 0)
        except ClaimLost:
            return


def _work(campaign: Campaign) -> None:
    busy = _finish_open(campaign)
    while not _is_refused(campaign) and (chunk := _next_chunk(campaign)) is not None:
        if not method_of(campaign).sends:
            for item in chunk:
                method_of(campaign).act(campaign, item)
            continue
        try:
            _finish(campaign, _ask(campaign, chunk))
        except Busy as wait:
            busy = wait
    if busy is not None and not campaign.stop_requested:
        raise Wait(busy.retry_after, "another change of one of its views")
    conclude(campaign)


def _is_refused(campaign: Campaign) -> bool:
    """True when the key may not do it any more, as was learned here or elsewhere: the rest is settled as not sent."""
    method = method_of(campaign)
    connection = Connection.objects.get(pk=campaign.connection_id)
    if not method.sends:
        return False
    capability = accounts.capability(connection, method.capability)
    why = accounts.why_no_writes(connection, author=campaign.started_by)
    if not why and capability.state == "no":
        why = capability.reason
    if why:
        settle_all(campaign, list(_waiting(campaign)), Outcome.FAILED, f"Not sent. {why}")
    return bool(why)


def _finish_open(campaign: Campaign) -> Busy | None:
    """Take up chunks that an earlier worker asked for and did not finish."""
    busy = None
    heartbeat(campaign)
    open_items = campaign.items.filter(outcome__in=OPEN, mutation__isnull=False)
    for mutation in Mutation.objects.filter(pk__in=open_items.values("mutation")).order_by("asked_at"):
        if campaign.stop_requested and _is_dropped(campaign, mutation):
            continue
        try:
            _finish(campaign, mutation)
        except Busy as wait:
            busy = wait
    return busy


@transaction.atomic
def _is_dropped(campaign: Campaign, mutation: Mutation) -> bool:
    """Give up a call that waited for something and that nobody wants any more; its views are asked for anew."""
    if mutation.state != Mutation.State.ASKED or not mutations.give_up(mutation.pk, said=DROPPED):
        return False
    campaign.items.filter(mutation=mutation, outcome=Outcome.QUEUED).update(mutation=None)
    return True


def _next_chunk(campaign: Campaign) -> list[CampaignItem] | None:
    """The next views to send; those that need no sending are settled on the way. None when done or stopped."""
    heartbeat(campaign)
    if campaign.stop_requested or not _waiting(campaign).exists():
        return None
    if why := plan.why_stop(campaign):
        _stop(campaign, why)
        return None
    return _chunk_of(campaign, plan.chunk_size(campaign))


def _chunk_of(campaign: Campaign, size: int) -> list[CampaignItem] | None:
    """So many views that need sending, or as many as are left; None for none, and when somebody stops it meanwhile."""
    chunk: list[CampaignItem] = []
    seen = 0
    with reads_told_together():
        while len(chunk) < size:
            batch = list(_waiting(campaign).filter(position__gt=seen)[: size - len(chunk)])
            if not batch:
                break
            for item in batch:
                heartbeat(campaign)
                if campaign.stop_requested:
                    return None
                if campaign.paused_at:
                    raise Paused
                seen = item.position
                if _needs_sending(campaign, item):
                    chunk.append(item)
    return chunk or None


def _waiting(campaign: Campaign) -> QuerySet[CampaignItem]:
    waiting = campaign.items.filter(outcome=Outcome.QUEUED, mutation=None).order_by("position")
    return waiting.select_related("saved_query__connection")


def _needs_sending(campaign: Campaign, item: CampaignItem) -> bool:
    try:
        found = method_of(campaign).settled_already(campaign, item)
    except Settled as end:
        found = (end.outcome, end.detail)
    if found is not None:
        settle(campaign, item, *found)
    return found is None


def _stop(campaign: Campaign, why: str) -> None:
    """The campaign stops by itself."""
    with transaction.atomic():
        mine = Campaign.objects.filter(pk=campaign.pk, claim=campaign.claim)
        if not mine.update(stop_requested=True, stopped_why=why[:200]):
            raise ClaimLost
        campaign.stop_requested, campaign.stopped_why = True, why[:200]
        audit.record(
            actor=None,
            action="schedules.stop",
            target=target_of(campaign),
            reason=why,
            connection=campaign.connection.slug,
        )


@transaction.atomic
def _ask(campaign: Campaign, chunk: Sequence[CampaignItem]) -> Mutation:
    """Commit to one call for these views: the mutation and who belongs to it are one fact."""
    Campaign.objects.filter(pk=campaign.pk).update(calls=F("calls") + 1)
    number = Campaign.objects.values_list("calls", flat=True).get(pk=campaign.pk)
    wish = method_of(campaign).ask(campaign, chunk)
    mutation = mutations.ask(
        connection=campaign.connection,
        kind=wish.kind,
        object_id=wish.object_id,
        object_name=wish.object_name,
        actor=campaign.started_by,
        idempotency_key=f"{campaign.action}:{campaign.pk}:{number}",
        payload=wish.payload,
        base=wish.base,
        cause=f"{campaign.action}:{campaign.pk}",
        reason=campaign.reason,
    )
    keys = [item.pk for item in chunk]
    asked = CampaignItem.objects.filter(pk__in=keys, mutation=chunk[0].mutation, outcome__in=OPEN)
    if asked.update(mutation=mutation, outcome=Outcome.QUEUED, sent_at=None) != len(chunk):
        raise ClaimLost
    for item in chunk:
        item.mutation, item.outcome, item.sent_at = mutation, Outcome.QUEUED, None
    return mutation


def _finish(campaign: Campaign, mutation: Mutation) -> None:
    """Send a chunk (once, whoever calls) and settle its views. Raises Wait, and Busy for this chunk alone."""
    heartbeat(campaign)
    try:
        mutation = mutations.send(mutation.pk)
    except Busy:
        raise
    except NotYet as wait:
        raise Wait(wait.retry_after, str(wait)) from wait
    if mutation.state == Mutation.State.SENDING:
        raise Wait(WAIT, "an answer of PostHog")  # another worker is on it, or died on it: the gate finds out
    items = _open_items(campaign, mutation)
    if mutation.state == Mutation.State.NOT_SENT and is_away(mutation):
        put_back(campaign, items, mutation)
        return
    if mutation.state not in NOT_DONE and mutation.sent_at:
        campaign.items.filter(pk__in=[item.pk for item in items]).update(outcome=Outcome.SENT, sent_at=mutation.sent_at)
        items = _open_items(campaign, mutation)
    if items and is_divisible(campaign, mutation):
        for half in split(campaign, items, mutation, ask=_ask):
            _finish(campaign, half)
        return
    if mutation.state in NOT_DONE:
        settle_all(campaign, items, Outcome.FAILED, mutation.error or "PostHog refused the request.")
        return
    _verify(campaign, items, mutation)
    if mutation.state == Mutation.State.UNCONFIRMED and is_away(mutation):
        put_back(campaign, [], mutation)
    elif campaign.setbacks:
        Campaign.objects.filter(pk=campaign.pk).update(setbacks=0)
        campaign.setbacks = 0


def _verify(campaign: Campaign, items: Sequence[CampaignItem], mutation: Mutation) -> None:
    with reads_told_together():
        for item in items:
            heartbeat(campaign)
            try:
                verify(campaign, item, mutation)
            except posthog_errors.RateLimited as error:
                raise Wait(error.retry_after or WAIT, "PostHog's rate limit") from error


def _open_items(campaign: Campaign, mutation: Mutation) -> list[CampaignItem]:
    items = campaign.items.filter(mutation=mutation, outcome__in=OPEN).order_by("position")
    return list(items.select_related("saved_query__connection"))
