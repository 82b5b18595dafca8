"""Starting, stopping and deciding about syncs, and reading single views now."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.services.clients import Purpose
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import Unavailable, UserError
from warehouse_admin.mirror import tasks
from warehouse_admin.mirror.errors import SyncNotOpen, SyncRunning
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion, SyncRun
from warehouse_admin.mirror.ours import store_created as store_created
from warehouse_admin.mirror.ours import store_deleted as store_deleted
from warehouse_admin.mirror.ours import store_read_back
from warehouse_admin.mirror.own_tables import find_live_table as find_live_table
from warehouse_admin.mirror.own_tables import read_live_table as read_live_table
from warehouse_admin.mirror.own_tables import store_table as store_table
from warehouse_admin.mirror.own_tables import store_table_deleted as store_table_deleted
from warehouse_admin.mirror.own_tables import why_locked as why_locked
from warehouse_admin.mirror.signals import announce
from warehouse_admin.mirror.sync import run as sync_run
from warehouse_admin.mirror.sync.words import in_words
from warehouse_admin.posthog import errors, reads, types

State = SyncRun.State
DEAD_AFTER = timedelta(seconds=60)
"""A running sync beats every half second; one silent for so long has lost its worker."""
UNCLAIMED_AFTER = timedelta(seconds=90)
"""A queued sync that no worker took for so long is queued again, or replaced by whoever starts a new one."""
CONTINUE_WITHIN = timedelta(minutes=10)
"""A crawl begun longer ago than this is begun anew rather than continued."""


def start_sync(
    *, connection: Connection, kind: str = SyncRun.Kind.INCREMENTAL, started_by: User | None = None, queue: bool = True
) -> SyncRun:
    """Start a sync in the background (`queue` False: the caller runs it). Raises SyncRunning with the one under way."""
    if started_by is not None:
        target = Target("connection", "", connection.slug)
        policies.require(started_by, "mirror.start_sync", action="sync.started", target=target)
    if not connection.is_active:
        raise UserError(f"The connection {connection.name} is paused. Resume it on its page, then start a sync.")
    accounts.require_accepted(connection)
    with transaction.atomic():
        _make_way(connection)
        sync = _create(connection, kind, started_by)
        if queue:
            tasks.run_sync.delay_on_commit(str(sync.pk))  # type: ignore[attr-defined]
        if started_by is not None:
            _record(started_by, "sync.started", sync, after={"kind": sync.kind})
    return sync


def _create(connection: Connection, kind: str, started_by: User | None) -> SyncRun:
    cursor = _cursor_to_continue(connection, kind)
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                connection=connection, kind=kind, started_by=started_by, cursor=cursor, heartbeat_at=Now()
            )
    except IntegrityError:
        running = _open(connection).select_related("connection").first()
        if running is None:
            raise UserError("Another sync of this connection ended in this very moment. Start again.") from None
        raise SyncRunning(running) from None


def _open(connection: Connection) -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(connection=connection, state__in=SyncRun.OPEN)


def _make_way(connection: Connection) -> None:
    """Close a sync whose worker is gone, so that it cannot block the next."""
    _close(_open(connection).filter(_silent_for(DEAD_AFTER), state=State.RUNNING))
    _close(_open(connection).filter(_silent_for(UNCLAIMED_AFTER), state=State.QUEUED))


def _silent_for(span: timedelta) -> Q:
    """Nothing was heard for so long, by the one clock that all machines share. From the future comes no sign of life
    either: that clock was set back, and whoever lives has told so since."""
    return Q(heartbeat_at__lt=Now() - span) | Q(heartbeat_at__gt=Now() + span)


def _close(stuck: QuerySet[SyncRun]) -> list[SyncRun]:
    closed = []
    for sync in stuck.select_related("connection", "started_by"):
        was_queued = sync.state == State.QUEUED
        error = (
            "No worker took this sync. Check that the worker is running, then start it again."
            if was_queued
            else "The worker stopped in the middle of this sync. What was read is kept; the next sync goes on."
        )
        now = timezone.now()
        if stuck.filter(pk=sync.pk).update(state=State.FAILED, error=error, finished_at=now):
            sync.refresh_from_db()
            sync_run.record_end(sync)
            announce(sync)
            closed.append(sync)
    return closed


def _cursor_to_continue(connection: Connection, kind: str) -> dict:
    """Where a sync that failed a moment ago had come to."""
    last = SyncRun.objects.filter(connection=connection).order_by("-created_at").first()
    if last is None or last.state != State.FAILED or not last.cursor.get("listed_at"):
        return {}
    ago = timezone.now() - datetime.fromisoformat(last.cursor["listed_at"])
    as_thorough = last.kind == kind or kind == SyncRun.Kind.INCREMENTAL
    return last.cursor if as_thorough and timedelta() <= ago < CONTINUE_WITHIN else {}


def run_sync(sync_id: uuid.UUID | str) -> SyncRun | None:
    """Carry out a queued sync; None when somebody else did or does."""
    return sync_run.run(sync_id)


def request_stop(*, sync: SyncRun, user: User) -> SyncRun:
    """Ask a sync to end after the request it is at; one that no worker has taken yet ends at once."""
    target = Target("sync", str(sync.pk), sync.connection.slug)
    policies.require(user, "mirror.start_sync", action="sync.stopped", target=target)
    with transaction.atomic():
        queued = SyncRun.objects.filter(pk=sync.pk, state=State.QUEUED)
        ended = queued.update(state=State.STOPPED, stop_requested=True, finished_at=timezone.now())
        if not ended and not SyncRun.objects.filter(pk=sync.pk, state=State.RUNNING).update(stop_requested=True):
            raise SyncNotOpen("This sync has ended already.")
        sync.refresh_from_db()
        _record(user, "sync.stopped", sync)
        if ended:
            announce(sync)
    return sync


def _record(user: User, action: str, sync: SyncRun, **more: object) -> None:
    target = Target("sync", str(sync.pk), sync.connection.slug)
    audit.record(actor=user, action=action, target=target, connection=sync.connection.slug, **more)  # type: ignore[arg-type]


def close_stuck_syncs() -> int:
    """Close running syncs whose worker is gone and start their continuation; gives how many."""
    stuck = SyncRun.objects.filter(_silent_for(DEAD_AFTER), state=State.RUNNING)
    with transaction.atomic():
        closed = _close(stuck)
    for sync in closed:
        try:
            start_sync(connection=sync.connection, kind=sync.kind)
        except UserError:
            continue  # paused meanwhile, or somebody was faster
    return len(closed)


def queue_again() -> None:
    """Queue again what no worker took: the broker may have lost its memory. What is taken twice is carried out once."""
    waiting = SyncRun.objects.filter(_silent_for(UNCLAIMED_AFTER), state=State.QUEUED)
    for sync in waiting:
        if waiting.filter(pk=sync.pk).update(heartbeat_at=Now()):
            task = tasks.decide_vanished if sync.vanished else tasks.run_sync
            task.delay_on_commit(str(sync.pk))  # type: ignore[attr-defined]


def read_live(saved_query: SavedQuery, *, purpose: Purpose = "interactive", timeout: float = 10) -> types.SavedQuery:
    """Ask PostHog for one view now and keep the answer; raises `posthog.errors`. What differs is an outside change."""
    client = accounts.client_for(saved_query.connection, purpose=purpose)
    asked_at = timezone.now()
    try:
        row = reads.get_saved_query(client, saved_query.posthog_id, timeout=timeout)
    finally:
        client.close()
    store_read_back(saved_query=saved_query, row=row, read_at=asked_at, origin=SavedQueryVersion.Origin.OUTSIDE)
    return row


def find_live(connection: Connection, name: str, *, timeout: float = 10) -> types.SavedQuery | None:
    """Ask PostHog now for the view of exactly this name; nothing is kept. Raises `posthog.errors`."""
    client = accounts.client_for(connection, purpose="interactive", read_timeout=timeout)
    try:
        return reads.find_saved_query(client, name)
    finally:
        client.close()


def refresh(*, saved_query: SavedQuery, user: User) -> SavedQuery:
    """Re-read one view because a person asked. Trouble with PostHog becomes a UserError; nothing is tombstoned here."""
    target = Target("saved_query", str(saved_query.posthog_id), saved_query.name)
    policies.require(user, "mirror.refresh_savedquery", action="saved_query.refresh", target=target)
    problem: UserError | None = None
    try:
        read_live(saved_query)
    except errors.PostHogError as error:
        if isinstance(error, errors.NotFound) and error.object_missing:
            problem = UserError("PostHog no longer has this view. The next sync marks it as deleted.")
        else:
            problem = Unavailable(in_words(error), retry_after=getattr(error, "retry_after", None))
    with transaction.atomic():
        audit.record(
            actor=user,
            action="saved_query.refresh",
            target=target,
            result="failed" if problem else "ok",
            reason=problem.message if problem else "",
            connection=saved_query.connection.slug,
        )
    if problem:
        raise problem
    saved_query.refresh_from_db()
    return saved_query
