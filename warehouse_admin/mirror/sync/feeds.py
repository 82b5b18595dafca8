"""How far the feeds that come newest first were read without a gap, kept with the sync that read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.sync.job import Job

FORGETFUL_AFTER = timedelta(days=30)
"""PostHog drops old rows some day: a feed that does not reach back to where we knew it is then taken as it is."""

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


@dataclass
class Span:
    """The moments of the rows that one read of a feed has met so far."""

    known_to: datetime | None
    newest: datetime | None = None
    oldest: datetime | None = None

    def meet(self, moments: Iterable[datetime | None]) -> None:
        for moment in moments:
            if moment is not None:
                self.newest = max(self.newest or moment, moment)
                self.oldest = min(self.oldest or moment, moment)

    def is_past(self, moment: datetime | None) -> bool:
        """Whether rows older than `moment` were met."""
        return moment is not None and self.oldest is not None and self.oldest < moment

    @property
    def is_whole(self) -> bool:
        """False for an empty answer, and for a list that ends before it reaches what was there the last time."""
        if self.newest is None or self.oldest is None:
            return False
        known_to = self.known_to
        return known_to is None or self.oldest <= known_to or self.newest - known_to > FORGETFUL_AFTER


def note_read(job: Job, feed: str, until: datetime) -> None:
    """The feed was read whole; `until` is the newest moment of which nothing is missing."""
    job.watch.cursor[feed] = until.isoformat()
    job.watch.beat(force=True)
