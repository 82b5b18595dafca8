"""What a suspension that the server shows says of an act that was sent: whether it is older, or came of it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.schedules.methods.base import Outcome, Verdict
from warehouse_admin.schedules.models import CampaignItem
from warehouse_admin.schedules.pauses import suspension_reason


def suspended_anew(item: CampaignItem) -> Verdict | None:
    """The outcome where the suspension is younger than the act; None where it is not.

    A run that was under way when the resume was sent says nothing about it, even if it ended later.
    """
    view, why = item.saved_query, suspension_reason(item.saved_query)
    if not _suspended_since(view, item.sent_at):
        return None
    jobs = [str(entry.get("job_id")) for entry in (view.suspended or {}).values() if isinstance(entry, dict)]
    runs = Run.objects.filter(saved_query=view, job_id__in=jobs)
    began_before = runs.filter(started_at__lte=item.sent_at).exists() if item.sent_at else False
    if began_before and not runs.filter(started_at__gt=item.sent_at).exists():
        return Outcome.IGNORED, f"A run that began before the resume suspended it again: {why}"
    return Outcome.FAILED_AGAIN, f"It was suspended anew after the resume: {why}"


def _suspended_since(view: SavedQuery, moment: datetime | None) -> bool:
    times = [entry.get("at") for entry in (view.suspended or {}).values() if isinstance(entry, dict)]
    return any(at is not None and moment is not None and at > moment for at in map(_moment, times))


def _moment(value: object) -> datetime | None:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or timezone.is_aware(found) else timezone.make_aware(found)
