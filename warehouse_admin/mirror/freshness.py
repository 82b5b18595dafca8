"""Whether what the mirror says of schedules can still be trusted: was PostHog read since?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery, SyncRun

LEAST_BOUND = timedelta(minutes=30)
MISSED_SYNCS = 3
"""A view that so many syncs have passed by without reading is not known well any more."""
HIDDEN_BOUND = timedelta(hours=26)
"""A view that PostHog does not list is asked for once a day."""
_ENDED = (SyncRun.State.SUCCEEDED, SyncRun.State.FAILED, SyncRun.State.NEEDS_ATTENTION)


@dataclass(frozen=True)
class Freshness:
    """How the reading of one connection stands; `trouble` is a sentence, empty while all is well."""

    bound: timedelta
    trouble: str = ""
    failed_from: datetime | None = None
    """When the last sync began, if it failed: what was read since is not in doubt."""

    @property
    def doubt(self) -> str:
        """Why all of the connection is shown as last known, in a sentence; empty while it is read."""
        return self.trouble or ("the last sync failed." if self.failed_from is not None else "")

    def unread(self, view: SavedQuery, now: datetime) -> str:
        """Why PostHog could not be read since the view was, in a sentence; empty while it is known well enough."""
        read_at = view.synced_at
        if self.trouble:
            return self.trouble
        if self.failed_from is not None and (read_at is None or read_at < self.failed_from):
            return "the last sync failed."
        bound = HIDDEN_BOUND if view.hidden_at else self.bound
        return "no sync has read it for too long." if read_at is not None and now - read_at > bound else ""


def freshness() -> dict[int, Freshness]:
    """How each connection stands, by its primary key; one query."""
    rows = with_ends(Connection.objects.only("is_active", "key_refused_at", "sync_every_minutes"))
    return {row.pk: freshness_of(row) for row in rows}


def with_ends(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """The same connections with how their last syncs ended, for `freshness_of`."""
    ended = SyncRun.objects.filter(connection=OuterRef("pk"), state__in=_ENDED).order_by("-created_at")
    return connections.annotate(
        last_state=Subquery(ended.values("state")[:1]), last_began=Subquery(ended.values("started_at")[:1])
    )


@dataclass(frozen=True)
class LastRead:
    """When all of a connection was last read, and the newest sync where that is another one."""

    connection: Connection
    good_sync: UUID | None
    at: datetime | None
    newest_sync: UUID | None
    newest_state: str
    doubt: str
    """Why what is shown may not hold any more, in a sentence; empty while it is read."""

    @property
    def is_syncing(self) -> bool:
        return self.newest_state in SyncRun.OPEN

    @property
    def is_behind(self) -> bool:
        """Whether a newer sync ended without success."""
        return not self.is_syncing and self.newest_sync != self.good_sync


def with_reads(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """The same connections with all that `last_read` tells of them; no query more."""
    syncs = SyncRun.objects.filter(connection=OuterRef("pk")).order_by("-created_at")
    good = syncs.filter(state=SyncRun.State.SUCCEEDED)
    return with_ends(connections).annotate(
        good_sync=Subquery(good.values("pk")[:1]),
        good_at=Subquery(good.values("started_at")[:1]),
        newest_sync=Subquery(syncs.values("pk")[:1]),
        newest_state=Subquery(syncs.values("state")[:1]),
    )


def last_read(row: Connection, now: datetime) -> LastRead:
    """How old the mirror of a connection of `with_reads` is."""
    read: Any = row
    found = freshness_of(row)
    doubt = found.doubt
    if not doubt and read.good_at is not None and now - read.good_at > found.bound:
        doubt = "no sync has succeeded for too long."
    return LastRead(row, read.good_sync, read.good_at, read.newest_sync, read.newest_state or "", doubt)


def freshness_of(row: Connection) -> Freshness:
    """How a connection of `with_ends` stands."""
    bound = max(LEAST_BOUND, timedelta(minutes=MISSED_SYNCS * row.sync_every_minutes))
    trouble = ""
    if not row.is_active:
        trouble = "the connection is paused."
    elif row.key_refused_at is not None:
        trouble = "PostHog refuses the key."
    ended: Any = row
    failed = ended.last_state == SyncRun.State.FAILED
    return Freshness(bound, trouble, ended.last_began if failed else None)
