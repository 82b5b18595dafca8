"""Resume by `resume_schedules`: many views in one call, and the server tells nothing about any of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mutations import timing
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.methods.base import (
    DID_NOT_HAPPEN,
    ENDED,
    NO_ANSWER,
    NO_RUN,
    NO_RUN_NO_ANSWER,
    NO_SCHEDULE,
    Ask,
    Method,
    Outcome,
    Verdict,
    answer_of,
    by_mutation,
    did_not_run,
    look,
    ruled_out,
)
from warehouse_admin.schedules.methods.stillness import run_of_its_own
from warehouse_admin.schedules.methods.suspension import suspended_anew
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.pauses import Pause, pause_of, suspension_reason, tells_suspension

NOT_PROVEN = "PostHog took the request; this server does not tell more until the next run."
NOT_PAUSED = "Its schedule was neither paused nor suspended, so nothing was sent."
CADENCE = "It was paused by taking its cadence away, which a resume does not undo; set a cadence. Nothing was sent."
STANDING = {
    Pause.NONE: (Outcome.NOT_PAUSED, NOT_PAUSED),
    Pause.NO_SCHEDULE: (Outcome.NOT_PAUSED, NO_SCHEDULE),
    Pause.CADENCE: (Outcome.IGNORED, CADENCE),
}


class ResumeSchedules(Method):
    name = Campaign.Method.RESUME_SCHEDULES
    action = Campaign.Action.RESUME
    capability = "resume_schedules"
    label = "PostHog's own resume, many views in one call"
    most = 50
    calls_each = 1
    repeatable = True

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        if found := ruled_out(item.saved_query):
            return found
        if pause_of(item.saved_query) in STANDING and look(item):
            return STANDING.get(pause_of(item.saved_query))
        return None  # nobody can tell: a resume of a running schedule changes nothing

    def ask(self, campaign: Campaign, items: Sequence[CampaignItem]) -> Ask:
        ids = [str(item.saved_query.posthog_id) for item in items]
        about = "1 schedule" if len(ids) == 1 else f"{len(ids)} schedules"
        return Ask(Mutation.Kind.RESUME_SCHEDULES, str(campaign.pk), about, {"ids": ids})

    def verdict(self, item: CampaignItem, mutation: Mutation) -> Verdict:
        view = item.saved_query
        if tells_suspension(view):
            return _told(view, item, mutation)
        if newer := run_of_its_own(item):
            return newer
        if alone := _failed_alone(mutation):
            return alone
        found = by_mutation(mutation) or (Outcome.ACCEPTED, NOT_PROVEN)
        if found[0] != Outcome.FAILED and did_not_run(item):
            took_it = found[0] == Outcome.ACCEPTED or _has_landed(item, mutation)
            return (Outcome.IGNORED, NO_RUN) if took_it else (Outcome.FAILED, NO_RUN_NO_ANSWER)
        return found

    def unread(self, item: CampaignItem, mutation: Mutation, error: Exception) -> Verdict:
        found = super().unread(item, mutation, error)
        if tells_suspension(item.saved_query) and found[0] != Outcome.FAILED:
            return Outcome.UNKNOWN, f"It could not be read again: {error}"
        return found

    def waits_for_reading(self, item: CampaignItem) -> bool:
        return tells_suspension(item.saved_query)


def _told(view: SavedQuery, item: CampaignItem, mutation: Mutation) -> Verdict:
    """The server says itself whether the schedule is suspended."""
    if not view.suspended:
        return Outcome.RESUMED, "PostHog shows no suspension any more."
    if anew := suspended_anew(item):
        return anew
    if alone := _failed_alone(mutation):
        return alone
    if mutation.state == Mutation.State.HAPPENED or _has_landed(item, mutation):
        return Outcome.IGNORED, f"PostHog took the request but the view is still suspended: {suspension_reason(view)}"
    if mutation.state in ENDED or (_too_late_to_land(item) and not _others(item, mutation, Outcome.SENT).exists()):
        return Outcome.FAILED, DID_NOT_HAPPEN
    return Outcome.UNKNOWN, NO_ANSWER


def _failed_alone(mutation: Mutation) -> Verdict | None:
    """A call for one view that PostHog itself answered with a failure: nothing of it can still land."""
    alone = len(mutation.payload.get("ids", ())) == 1
    if alone and mutation.state == Mutation.State.UNCONFIRMED and (mutation.remote or {}).get("status") == 500:
        return Outcome.FAILED, answer_of(mutation)
    return None


def _has_landed(item: CampaignItem, mutation: Mutation) -> bool:
    """Whether other views of the same call followed it: then only its answer was lost."""
    if _others(item, mutation, Outcome.RESUMED, Outcome.FAILED_AGAIN).exists():
        return True
    ran = Run.objects.filter(saved_query=OuterRef("saved_query"), started_at__gt=OuterRef("sent_at"))
    return _others(item, mutation).filter(Exists(ran)).exists()


def _others(item: CampaignItem, mutation: Mutation, *outcomes: str) -> QuerySet[CampaignItem]:
    """The other views of the same call; those with one of the outcomes, where some are named."""
    others = CampaignItem.objects.filter(mutation=mutation).exclude(pk=item.pk)
    return others.filter(outcome__in=outcomes) if outcomes else others


def _too_late_to_land(item: CampaignItem) -> bool:
    """Whether a request that was never answered has had its time: before that it may still arrive."""
    return timing.age(item.sent_at, timezone.now()) > timing.write_seconds()
