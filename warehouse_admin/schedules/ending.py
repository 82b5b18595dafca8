"""How a campaign ended: the state that its outcomes give it, now and when they change later."""

from __future__ import annotations

from collections import Counter

from django.db import transaction
from django.utils import timezone

from warehouse_admin.audit import services as audit
from warehouse_admin.schedules.claims import ClaimLost
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.start import target_of

Outcome = CampaignItem.Outcome
State = Campaign.State


def conclude(campaign: Campaign) -> None:
    """End the campaign, once, with an audit entry that counts the outcomes."""
    with transaction.atomic():
        counts = Counter(campaign.items.values_list("outcome", flat=True))
        state = final_state(counts, stopped=campaign.stop_requested)
        error = summary_error(campaign, state, counts)
        mine = Campaign.objects.filter(pk=campaign.pk, claim=campaign.claim, state=State.RUNNING)
        if not mine.update(state=state, finished_at=timezone.now(), error=error):
            raise ClaimLost
        campaign.items.update(is_open=False)
        record_end(campaign, state, counts)


@transaction.atomic
def restate(campaign: Campaign) -> None:
    """An ended campaign takes the state that its items give it now that some of them changed, and the trail says so."""
    found = Campaign.objects.select_for_update().get(pk=campaign.pk)
    counts = Counter(found.items.values_list("outcome", flat=True))
    state = final_state(counts, stopped=found.state == State.STOPPED)
    if found.is_open:
        return
    found.state, found.error = state, summary_error(found, state, counts)
    found.save(update_fields=["state", "error"])
    record_end(found, state, counts)


def record_end(campaign: Campaign, state: str, counts: Counter[str]) -> None:
    """The audit entry of how a campaign stands now that it ended, or was settled later."""
    audit.record(
        actor=campaign.started_by,
        action=f"schedules.{campaign.action}",
        target=target_of(campaign),
        result=_result(state, counts),
        reason=campaign.reason,
        after={"state": state, "counts": dict(sorted(counts.items()))},
        connection=campaign.connection.slug,
    )


def _result(state: str, counts: Counter[str]) -> str:
    """For the trail: unknown only where something still is."""
    if state == State.SUCCEEDED:
        return "ok"
    open_still = state == State.NEEDS_ATTENTION and any(counts[outcome] for outcome in CampaignItem.UNSETTLED)
    return "unknown" if open_still else "failed"


def final_state(counts: Counter[str], *, stopped: bool) -> State:
    """How a campaign with these outcomes ended. A stop that came after the last view changes nothing."""
    if stopped and counts[Outcome.QUEUED]:
        return State.STOPPED
    if all(outcome in CampaignItem.FINE for outcome in counts if counts[outcome]):
        return State.SUCCEEDED
    if set(+counts) <= {Outcome.FAILED}:
        return State.FAILED
    return State.NEEDS_ATTENTION


def summary_error(campaign: Campaign, state: str, counts: Counter[str]) -> str:
    """One or two sentences on why a campaign did not simply succeed; empty when it did."""
    if state == State.SUCCEEDED:
        return ""
    words = {
        Outcome.FAILED: ("failed", "failed"),
        Outcome.FAILED_AGAIN: ("failed again", "failed again"),
        Outcome.IGNORED: ("was ignored", "were ignored"),
        Outcome.UNKNOWN: ("is not known yet", "are not known yet"),
        Outcome.QUEUED: ("was not sent", "were not sent"),
    }
    parts = [f"{n:,} {one if n == 1 else many}" for outcome, (one, many) in words.items() if (n := counts[outcome])]
    of = f"Of {counts.total():,} schedules" if counts.total() != 1 else "Of 1 schedule"
    said = f"{of} {', '.join(parts)}." if parts else ""
    return f"{campaign.stopped_why} {said}".strip()
