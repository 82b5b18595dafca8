"""Decide what became of a view whose resume was sent, by reading it again or by a newer run."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mutations import timing
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.items import settle
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.pauses import suspension_reason, tells_suspension

Outcome = BulkResumeItem.Outcome

GONE = "PostHog no longer has this view."
NOT_PROVEN = "PostHog took the request; this server does not tell more until the next run."
NO_ANSWER = "No trustworthy answer came to the request; nobody can tell yet whether PostHog acted on it."
DID_NOT_HAPPEN = "The request did not reach PostHog: the schedule is as it was."

ENDED = (Mutation.State.HAPPENED, Mutation.State.DID_NOT_HAPPEN)


def verify(resume: BulkResume, item: BulkResumeItem, mutation: Mutation) -> None:
    """Re-read one view from PostHog and settle its item. Raises RateLimited when it has to wait."""
    try:
        mirror.read_live(item.saved_query, purpose="background")
    except posthog_errors.RateLimited:
        raise
    except (posthog_errors.PostHogError, UserError) as error:
        _unread(resume, item, mutation, error)
    else:
        item.saved_query.refresh_from_db()
        judge(resume, item, mutation)


def _unread(resume: BulkResume, item: BulkResumeItem, mutation: Mutation, error: Exception) -> None:
    if isinstance(error, posthog_errors.NotFound) and error.object_missing:
        settle(resume, item, Outcome.FAILED, GONE)
    elif tells_suspension(item.saved_query):
        settle(resume, item, Outcome.UNKNOWN, f"It could not be read again: {error}")
    else:
        judge(resume, item, mutation)  # where reading proves nothing, failing to read loses nothing


def judge(resume: BulkResume, item: BulkResumeItem, mutation: Mutation) -> None:
    """Settle an item from what the mirror holds; the view must have been read after the request was sent."""
    outcome, detail = verdict(item, mutation)
    settle(resume, item, outcome, detail)


def verdict(item: BulkResumeItem, mutation: Mutation) -> tuple[str, str]:
    """The outcome and its explanation."""
    view = item.saved_query
    newer = newer_run(view, item.sent_at)
    if newer is not None and not tells_suspension(view):
        return newer
    if tells_suspension(view):
        return _told(view, item, mutation)
    if mutation.state == Mutation.State.HAPPENED:
        return Outcome.ACCEPTED, NOT_PROVEN
    if mutation.state == Mutation.State.DID_NOT_HAPPEN:
        return Outcome.FAILED, DID_NOT_HAPPEN
    return Outcome.UNKNOWN, NO_ANSWER


def _told(view: SavedQuery, item: BulkResumeItem, mutation: Mutation) -> tuple[str, str]:
    """The server says itself whether the schedule is suspended."""
    if not view.suspended:
        return Outcome.RESUMED, "PostHog shows no suspension any more."
    why = suspension_reason(view)
    if _suspended_since(view, item.sent_at):
        return Outcome.FAILED_AGAIN, f"It was suspended anew after the resume: {why}"
    if mutation.state == Mutation.State.HAPPENED:
        return Outcome.IGNORED, f"PostHog took the request but the view is still suspended: {why}"
    if mutation.state in ENDED or _too_late_to_land(item):
        return Outcome.FAILED, DID_NOT_HAPPEN
    return Outcome.UNKNOWN, NO_ANSWER


def _too_late_to_land(item: BulkResumeItem) -> bool:
    """Whether a request that was never answered has had its time: before that it may still arrive."""
    return timing.age(item.sent_at, timezone.now()) > timing.write_seconds()


def _suspended_since(view: SavedQuery, moment: datetime | None) -> bool:
    times = [entry.get("at") for entry in (view.suspended or {}).values() if isinstance(entry, dict)]
    return any(at is not None and moment is not None and at > moment for at in map(_moment, times))


def _moment(value: object) -> datetime | None:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or timezone.is_aware(found) else timezone.make_aware(found)


def newer_run(view: SavedQuery, moment: datetime | None) -> tuple[str, str] | None:
    """What the first finished run that began after `moment` proves; None when there is none."""
    if moment is None:
        return None
    for run in Run.objects.filter(saved_query=view, started_at__gt=moment).order_by("started_at"):
        if run.status.lower() == "completed":
            return Outcome.RESUMED, f"It ran again at {run.started_at:%Y-%m-%d %H:%M} UTC and completed."
        if run.status.lower() == "failed":
            return Outcome.FAILED_AGAIN, f"It ran again and failed: {run.error.splitlines()[0] if run.error else ''}"
    return None
