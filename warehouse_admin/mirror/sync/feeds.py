"""How far the feeds that come newest first were read without a gap, kept with the sync that read them."""

from __future__ import annotations

from datetime import datetime

from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.sync.job import Job

ACTIVITY = "activity_read_to"
RUNS = "runs_read_to"


def read_to(job: Job, feed: str) -> datetime | None:
    """Everything up to this moment, in PostHog's time, is here. None: the feed was never read to its end.

    The newest row that we hold says less: a read that broke off has the newest rows and lacks those below.
    """
    syncs = SyncRun.objects.filter(connection=job.connection, cursor__has_key=feed).order_by("-created_at")
    cursor = syncs.values_list("cursor", flat=True).first()
    return parse_datetime(str(cursor[feed])) if cursor else None


def read_anew(job: Job, feed: str) -> None:
    """Something came to light of which the feed told long ago: the next read begins from nothing."""
    job.watch.cursor[feed] = ""
    job.watch.beat(force=True)


def note_read(job: Job, feed: str, until: datetime) -> None:
    """The feed was read whole; `until` is the newest moment of which nothing is missing."""
    job.watch.cursor[feed] = until.isoformat()
    job.watch.beat(force=True)
