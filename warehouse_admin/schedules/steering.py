"""Pause, continue, stop and confirm a campaign that was started."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.core import context
from warehouse_admin.core.errors import NotPermitted
from warehouse_admin.schedules.canary import UNDER_WAY, Canary, canary_of
from warehouse_admin.schedules.ending import conclude
from warehouse_admin.schedules.errors import NothingToDo
from warehouse_admin.schedules.methods import method_of
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.start import already_busy, queue, target_of

State = Campaign.State
ENDED = "This campaign has ended already."
STOPPING = "This campaign is stopping already."


def request_stop(*, campaign: Campaign, user: User) -> Campaign:
    """Ask a campaign to stop before its next chunk; one that no worker has stops at once."""
    _require(user, campaign, "schedules.stop")
    with transaction.atomic():
        found = _locked(campaign)
        if not found.is_open:
            raise NothingToDo(ENDED)
        if found.stop_requested:
            raise NothingToDo(STOPPING)
        changes: dict[str, Any] = {"stop_requested": True, "paused_at": None, "not_before": None}
        if found.state == State.QUEUED:
            changes |= {"state": State.STOPPED, "finished_at": timezone.now()}
            found.items.update(is_open=False)
        _save(found, **changes)
        _record(user, found, "schedules.stop")
        if _rests(found):
            conclude(found)
        else:
            queue(found)  # a paused one has no worker that could hear of it
    found.refresh_from_db()
    return found


def _rests(found: Campaign) -> bool:
    """Whether no worker has it and nothing of it is under way, so that a stop need not wait for a worker."""
    asked = found.items.filter(outcome__in=UNDER_WAY, mutation__isnull=False)
    return found.state == State.RUNNING and not found.claim and not asked.exists()


def pause(*, campaign: Campaign, user: User) -> Campaign:
    """Let a campaign rest before its next views; its views stay its own."""
    _require(user, campaign, "schedules.pause_campaign")
    with transaction.atomic():
        found = _locked(campaign)
        if not found.is_open or found.stop_requested:
            raise NothingToDo(STOPPING if found.is_open else ENDED)
        if found.paused_at:
            raise NothingToDo("This campaign is paused already.")
        _save(found, paused_at=timezone.now())
        _record(user, found, "schedules.pause_campaign")
    return found


def go_on(*, campaign: Campaign, user: User) -> Campaign:
    """Continue a campaign that was paused, that stopped before all was sent, or that waits for its first views."""
    _require(user, campaign, "schedules.continue")
    try:
        with transaction.atomic():
            found = _locked(campaign)
            now = timezone.now()
            first = canary_of(found)
            if first is not None and first.awaited:
                _save(found, not_before=None, waits_for="", continued_at=now)
            elif found.is_open and found.paused_at:
                _save(found, paused_at=None, continued_at=now)
            elif found.state == State.STOPPED:
                _reopen(found, continued_at=now)
            else:
                raise NothingToDo("Only a paused or stopped campaign can go on, or one that waits for its first views.")
            queue(found)
            _record(user, found, "schedules.continue", after=_of_first(first))
    except IntegrityError:
        left = campaign.items.filter(outcome=CampaignItem.Outcome.QUEUED).values_list("saved_query", flat=True)
        raise already_busy(list(left), "Wait for it.") from None
    return found


def _of_first(first: Canary | None) -> dict[str, Any] | None:
    """For the trail: what was known of the first views when somebody went on."""
    if first is None:
        return None
    told = {"proven": first.proven, "not_proven": first.not_proven, "not_as_hoped": first.not_as_hoped}
    return {"canary": {"size": first.size, **told}}


def _reopen(found: Campaign, **changes: Any) -> None:
    found.items.filter(outcome=CampaignItem.Outcome.QUEUED).update(is_open=True)
    state = {"state": State.QUEUED, "finished_at": None, "error": "", "stopped_why": "", "stop_requested": False}
    _save(found, claim="", heartbeat_at=None, setbacks=0, **state, **changes)


def confirm(*, campaign: Campaign, user: User) -> Campaign:
    """The second person's yes to a campaign above the guard; never its starter's, and never a token's."""
    action, target = "schedules.confirm", target_of(campaign)
    _require(user, campaign, action)
    if context.current().token_name:
        raise NotPermitted("This needs a signed-in person: an API token cannot confirm.", action=action, target=target)
    if campaign.started_by_id == user.pk:
        raise NotPermitted("Somebody else has to confirm what you started.", action=action, target=target)
    with transaction.atomic():
        found = _locked(campaign)
        if not found.is_waiting_for_second:
            raise NothingToDo("This campaign does not wait for a second person.")
        _save(found, confirmed_by=user, confirmed_at=timezone.now())
        queue(found)
        _record(user, found, action)
    return found


def _require(user: User, campaign: Campaign, action: str) -> None:
    policies.require(user, method_of(campaign).permission, action=action, target=target_of(campaign))


def _locked(campaign: Campaign) -> Campaign:
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("connection")
    return rows.get(pk=campaign.pk)


def _save(found: Campaign, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(found, name, value)
    found.save(update_fields=list(changes))


def _record(user: User, found: Campaign, action: str, **details: Any) -> None:
    audit.record(actor=user, action=action, target=target_of(found), connection=found.connection.slug, **details)
