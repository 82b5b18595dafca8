"""Settle the items of a campaign: one outcome and one audit entry for each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem

Outcome = BulkResumeItem.Outcome

RESULTS = {
    Outcome.RESUMED: "ok",
    Outcome.NOT_PAUSED: "ok",
    Outcome.ACCEPTED: "unknown",  # PostHog took the request; nothing proves yet that the schedule goes on
    Outcome.UNKNOWN: "unknown",
    Outcome.IGNORED: "failed",
    Outcome.FAILED_AGAIN: "failed",
    Outcome.FAILED: "failed",
}


def settle(resume: BulkResume, item: BulkResumeItem, outcome: str, detail: str = "") -> bool:
    """Give an item its outcome, unless another process gave one meanwhile; true if this call did."""
    known = item.outcome
    detail = detail[:300]
    if outcome == known and detail == item.detail:
        return False
    with transaction.atomic():
        unchanged = BulkResumeItem.objects.filter(pk=item.pk, outcome=known)
        if not unchanged.update(outcome=outcome, detail=detail, settled_at=timezone.now()):
            return False
        if outcome != known:
            _record(resume, item, outcome, detail)
    item.outcome, item.detail = outcome, detail
    return True


def settle_all(resume: BulkResume, items: Sequence[BulkResumeItem], outcome: str, detail: str) -> None:
    for item in items:
        settle(resume, item, outcome, detail)


def _record(resume: BulkResume, item: BulkResumeItem, outcome: str, detail: str) -> None:
    view = item.saved_query
    after = {"outcome": outcome, "detail": detail, "suspended": view.suspended, "sync_frequency": view.sync_frequency}
    audit.record(
        actor=resume.started_by,
        action="schedules.resume",
        target=Target("saved_query", str(view.posthog_id), view.name),
        result=RESULTS[Outcome(outcome)],
        reason=resume.reason,
        before=item.before,
        after=after,
        remote={"resume": str(resume.pk), "mutation": str(item.mutation_id) if item.mutation_id else None},
        connection=resume.connection.slug,
    )
