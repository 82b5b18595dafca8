"""Which connections are due for a sync: their own interval, a little jitter, and slower while syncs keep failing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.services import start_sync

State = SyncRun.State
JITTER = 0.1
"""Share of the interval by which a sync may come early, so that connections do not march in step."""
LONGEST_PAUSE = timedelta(hours=1)
WHILE_UNDECIDED = timedelta(minutes=30)
"""A sync that waits for a person's decision is not repeated at the usual pace."""
REMEMBERED = 6

_chance = random.SystemRandom()  # forked workers inherit the state of the shared generator and would march in step


def start_due_syncs() -> list[SyncRun]:
    """Start what is due. However many beats were missed, a connection gets one sync."""
    started = []
    for connection in Connection.objects.filter(is_active=True):
        if not is_due(connection) or not _may_ask(connection):
            continue
        try:
            started.append(start_sync(connection=connection))
        except UserError:
            continue  # somebody started one in this very moment
    return started


def _may_ask(connection: Connection) -> bool:
    """False while PostHog refuses the key; every now and then one check finds out whether it still does."""
    if connection.key_refused_at and accounts.check_is_due(connection):
        connection = accounts.check_connection(connection)
    return connection.key_refused_at is None


def is_due(connection: Connection) -> bool:
    """False while one is under way or the last one is recent enough."""
    now = timezone.now()
    syncs = SyncRun.objects.filter(connection=connection)
    if syncs.filter(state__in=SyncRun.OPEN).exists():
        return False
    # One from the future was dated by a clock that has been set back: it must not hold up all until then.
    recent = list(syncs.filter(created_at__lte=now).order_by("-created_at")[:REMEMBERED])
    if not recent:
        return True
    early = _chance.random() * JITTER
    return now >= _ended(recent[0], now) + pause_after(recent, connection) * (1 - early)


def next_at(connection: Connection, recent: list[SyncRun]) -> datetime | None:
    """When the next sync starts by itself at the latest, `recent` being the last ones, newest first.

    None when none will: one is under way, the connection is paused, or its key refused.
    """
    stands_still = not connection.is_active or connection.key_refused_at is not None
    if stands_still or not recent or recent[0].state in SyncRun.OPEN:
        return None
    return _ended(recent[0], timezone.now()) + pause_after(recent, connection)


def _ended(sync: SyncRun, now: datetime) -> datetime:
    ended = sync.finished_at
    return ended if ended is not None and ended <= now else sync.created_at


def pause_after(recent: list[SyncRun], connection: Connection) -> timedelta:
    """How long to wait after the newest of `recent`: doubled for each failure in a row, up to an hour."""
    pause = timedelta(minutes=max(connection.sync_every_minutes, 1))
    if recent[0].state == State.NEEDS_ATTENTION:
        return max(pause, WHILE_UNDECIDED)
    failures = 0
    for sync in recent:
        if sync.state != State.FAILED:
            break
        failures += 1
    return max(pause, min(pause * 2 ** max(failures - 1, 0), LONGEST_PAUSE))
