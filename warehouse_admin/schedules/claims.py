"""Which worker has a campaign. A worker that lost its claim must not touch the campaign any more."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from warehouse_admin.schedules.models import BulkResume

STALE_AFTER = timedelta(seconds=60)
State = BulkResume.State


class ClaimLost(Exception):
    """Another worker took the campaign over, or somebody ended it."""


def free_to_claim(now: datetime) -> Q:
    """Campaigns that no living worker has and that need not wait."""
    waiting = Q(state=State.QUEUED)
    abandoned = Q(state=State.RUNNING) & (Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - STALE_AFTER))
    return (waiting | abandoned) & (Q(not_before=None) | Q(not_before__lte=now))


def claim(resume_id: uuid.UUID | str) -> BulkResume | None:
    """Take a campaign that waits or whose worker died; None when somebody has it or it has ended."""
    now = timezone.now()
    mark = uuid.uuid4().hex
    taken = BulkResume.objects.filter(free_to_claim(now), pk=resume_id).update(
        state=State.RUNNING, claim=mark, heartbeat_at=now, not_before=None, started_at=Coalesce("started_at", now)
    )
    if not taken:
        return None
    return BulkResume.objects.select_related("connection", "started_by").get(pk=resume_id)


def heartbeat(resume: BulkResume) -> None:
    """Say that this worker lives, and learn whether to stop; ClaimLost when the campaign is no longer ours."""
    mine = BulkResume.objects.filter(pk=resume.pk, claim=resume.claim, state=State.RUNNING)
    if not mine.update(heartbeat_at=timezone.now()):
        raise ClaimLost
    resume.stop_requested = mine.values_list("stop_requested", flat=True).get()


def give_back(resume: BulkResume, wait: float) -> None:
    """Let go of the campaign for `wait` seconds; the beat picks it up again."""
    BulkResume.objects.filter(pk=resume.pk, claim=resume.claim, state=State.RUNNING).update(
        claim="", heartbeat_at=None, not_before=timezone.now() + timedelta(seconds=wait)
    )
