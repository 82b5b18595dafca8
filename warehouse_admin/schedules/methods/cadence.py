"""Pause and resume by the cadence, view by view: `never` pauses a schedule, setting a cadence un-pauses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.cadences import NEVER, SECONDS
from warehouse_admin.schedules.methods.base import (
    NO_RUN,
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
from warehouse_admin.schedules.methods.stillness import is_over, run_of_its_own
from warehouse_admin.schedules.methods.suspension import suspended_anew
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.pauses import stands_still, tells_suspension

HAS_CADENCE = "It has a cadence, so it is not paused that way; nothing was sent."
NO_CADENCE_KNOWN = "Its last cadence is not known and none was given, so it was left out; nothing was sent."
KEEPS_CADENCE = "It is suspended with its cadence in place: setting that again changes nothing. Use PostHog's resume."
STILL_SUSPENDED = "PostHog shows the cadence again, and the view is still suspended."
SHOWN = "PostHog shows the cadence again; the next run proves that the schedule followed."
ENDED_SINCE = "PostHog showed no cadence, and the pause was ended before a run that stayed away could prove it."
STOOD_STILL = "PostHog shows no cadence, so it stands still already; nothing was sent."
NO_DATE = "It gets no wake-up date by this."
STANDS = "PostHog shows no cadence any more. Whether the schedule stands still shows when its next run stays away."


class SetsCadence(Method):
    """What both have in common: one field, read back by the gate."""

    capability = "write"

    def wanted(self, campaign: Campaign, view: SavedQuery) -> str:
        raise NotImplementedError

    def ask(self, campaign: Campaign, items: Sequence[CampaignItem]) -> Ask:
        view = items[0].saved_query
        payload = {"sync_frequency": self.wanted(campaign, view)}
        base = {"name": view.name, "sync_frequency": view.sync_frequency or None}
        return Ask(Mutation.Kind.SET_CADENCE, str(view.posthog_id), view.name, payload, base)

    def observe(self, item: CampaignItem, mutation: Mutation) -> None:
        """The gate has read the view: that reading is kept, and another one saved."""
        if not mutation.after or mutation.state not in (Mutation.State.HAPPENED, Mutation.State.CONFLICT):
            return
        ours = mutation.state == Mutation.State.HAPPENED and mutation.sent_at is not None
        mirror.store_read_back(
            saved_query=item.saved_query,
            row=mutations.restore(mutation.after),
            read_at=mutations.fetched_at(mutation.after),
            origin="portal" if ours else "outside",
            did=Observation.Kind.CADENCE_CHANGED,
        )


class RestoreCadence(SetsCadence):
    name = Campaign.Method.RESTORE_CADENCE
    action = Campaign.Action.RESUME
    label = "Setting the cadence again, view by view"

    def wanted(self, campaign: Campaign, view: SavedQuery) -> str:
        """The last cadence that the mirror knew, else the one given; empty when there is none."""
        return next((name for name in (view.last_cadence, campaign.cadence) if name in SECONDS), "")

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        if found := ruled_out(item.saved_query):
            return found
        if item.saved_query.is_materialized is False:
            return Outcome.NOT_PAUSED, NO_SCHEDULE
        if item.saved_query.sync_frequency and look(item) and item.saved_query.sync_frequency:
            suspended = bool(item.saved_query.suspended)
            return (Outcome.IGNORED, KEEPS_CADENCE) if suspended else (Outcome.NOT_PAUSED, HAS_CADENCE)
        if not self.wanted(campaign, item.saved_query):
            return Outcome.IGNORED, NO_CADENCE_KNOWN
        return None

    def verdict(self, item: CampaignItem, mutation: Mutation) -> Verdict:
        view = item.saved_query
        if tells_suspension(view):
            return by_mutation(mutation) or _told(item, mutation)
        if newer := run_of_its_own(item):
            return newer
        if unhappy := by_mutation(mutation):
            return unhappy
        if mutation.sent_at is None:
            return Outcome.NOT_PAUSED, _said(mutation)
        return (Outcome.IGNORED, NO_RUN) if did_not_run(item) else (Outcome.ACCEPTED, SHOWN)


def cadence_given_back(item: CampaignItem) -> str:
    """The cadence that a view of a campaign of this way gets or got; empty where it gets none, and in other ways."""
    if item.campaign.method != Campaign.Method.RESTORE_CADENCE:
        return ""
    if item.mutation is not None:
        return str(item.mutation.payload.get("sync_frequency") or "")
    is_waiting = item.outcome == Outcome.QUEUED
    return RestoreCadence().wanted(item.campaign, item.saved_query) if is_waiting else ""


def _told(item: CampaignItem, mutation: Mutation) -> Verdict:
    if item.saved_query.suspended:  # where the server learned to tell since, it may have come after the act
        return suspended_anew(item) or (Outcome.IGNORED, STILL_SUSPENDED)
    if mutation.sent_at is None:
        return Outcome.NOT_PAUSED, _said(mutation)
    return Outcome.RESUMED, "PostHog shows the cadence again and no suspension."


def _said(mutation: Mutation) -> str:
    remote: dict[str, Any] = mutation.remote or {}
    return str(remote.get("said") or "PostHog already held it so, so nothing was sent.")


class Never(SetsCadence):
    name = Campaign.Method.NEVER
    action = Campaign.Action.PAUSE
    label = "Setting the cadence to never, view by view"

    def wanted(self, campaign: Campaign, view: SavedQuery) -> str:
        return NEVER

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        if found := ruled_out(item.saved_query):
            return found
        if item.saved_query.is_materialized is False:
            return Outcome.NOT_NEEDED, NO_SCHEDULE
        if stands_still(item.saved_query) and look(item) and stands_still(item.saved_query):
            return Outcome.NOT_NEEDED, f"{STOOD_STILL} {NO_DATE}" if campaign.until else STOOD_STILL
        return None

    def verdict(self, item: CampaignItem, mutation: Mutation) -> Verdict:
        view = item.saved_query
        if unhappy := by_mutation(mutation):
            return unhappy
        if mutation.sent_at is None:
            return Outcome.NOT_NEEDED, _said(mutation)
        if tells_suspension(view):
            return Outcome.PAUSED, "PostHog shows no cadence any more."
        if is_over(item):
            return Outcome.PAUSED, ENDED_SINCE
        if newer := run_of_its_own(item):
            return Outcome.FAILED, f"PostHog shows no cadence, and yet it ran: {newer[1]}"
        if item.due_at is not None and item.due_at < timezone.now():
            return Outcome.PAUSED, "PostHog shows no cadence, and the run that was due did not come."
        return Outcome.ACCEPTED, STANDS
