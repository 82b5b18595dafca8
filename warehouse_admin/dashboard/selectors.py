"""What the home page shows: what waits, what is broken, what changed outside, how fresh the mirror is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Window
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity.filters import WAITING
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.changes import turns
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import BEHIND, BROKEN, SavedQuery, SyncRun
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules import records

SHOWN = 8
STALE_AFTER_SYNCS = 3  # this many missed syncs make the mirror old


@dataclass(frozen=True)
class Shortlist:
    """The first rows of something, and how many there are in all."""

    rows: list[Any]
    total: int

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Freshness:
    """How far one connection's mirror can be trusted."""

    connection: Connection
    last_good: SyncRun | None
    newest: SyncRun | None
    is_stale: bool


def _shortlist(rows: QuerySet[Any]) -> Shortlist:
    """Up to SHOWN rows, counted in the same query."""
    first = list(rows.annotate(in_all=Window(Count("*")))[:SHOWN])
    return Shortlist(first, first[0].in_all if first else 0)


def my_reviews(user: User) -> Shortlist:
    return _shortlist(turns.my_turn(user).select_related("saved_query", "author").order_by("state_changed_at"))


def my_changes(user: User) -> Shortlist:
    mine = ChangeRequest.objects.filter(author=user).exclude(state__in=ChangeRequest.CLOSED)
    return _shortlist(mine.select_related("saved_query").order_by("-state_changed_at"))


def broken_views(connection: str) -> Shortlist:
    views = SavedQuery.objects.present().of(connection).filter(schedule_state__in=BROKEN)
    return _shortlist(views.order_by("-schedule_state", "name").defer("query", "columns"))


def behind_views(connection: str) -> Shortlist:
    views = SavedQuery.objects.present().of(connection).filter(schedule_state__in=BEHIND)
    return _shortlist(views.order_by("last_run_at", "name").defer("query", "columns"))


def unreviewed(connection: str) -> Shortlist:
    entries = ActivityEntry.objects.filter(WAITING).select_related("saved_query")
    if connection:
        entries = entries.filter(connection__slug=connection)
    return _shortlist(entries.order_by("-occurred_at"))


def unsettled() -> Shortlist:
    """Writes to PostHog that nobody knows the end of yet."""
    return _shortlist(Mutation.objects.filter(state=Mutation.State.UNCONFIRMED).order_by("asked_at"))


def campaigns(user: User) -> Shortlist:
    """Open ones; those that this person may confirm come first, however many others run."""
    return _shortlist(records.under_way(user))


def freshness() -> list[Freshness]:
    """One row for each active connection, its newest and its newest good sync, in three queries."""
    connections = list(Connection.objects.filter(is_active=True).defer("api_key", "capabilities"))
    syncs, now = mirror.last_syncs(1), timezone.now()
    found = []
    for connection in connections:
        last = syncs[connection.pk]
        stale = _is_stale(connection, last.good, now)
        found.append(Freshness(connection, last_good=last.good, newest=last.newest, is_stale=stale))
    return found


def _is_stale(connection: Connection, good: SyncRun | None, now: Any) -> bool:
    if good is None or good.finished_at is None:
        return True
    return now - good.finished_at > timedelta(minutes=connection.sync_every_minutes * STALE_AFTER_SYNCS)


def week_in_numbers() -> dict[str, int]:
    """Changes of the last seven days by what became of them."""
    since = timezone.now() - timedelta(days=7)
    return ChangeRequest.objects.aggregate(
        opened=Count("pk", filter=Q(created_at__gte=since)),
        applied=Count("pk", filter=Q(state=ChangeRequest.State.APPLIED, state_changed_at__gte=since)),
        turned_down=Count("pk", filter=Q(state=ChangeRequest.State.REJECTED, state_changed_at__gte=since)),
        open=Count("pk", filter=~Q(state__in=ChangeRequest.CLOSED)),
    )
