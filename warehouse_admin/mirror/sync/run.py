"""Run one sync from its claim to its end: phases in order, every way it can end put into words."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, close_old_connections, transaction
from django.db.models.functions import Now
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import store
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.refresh import refresh_states
from warehouse_admin.mirror.signals import announce
from warehouse_admin.mirror.sync import crawl, details, folders, remote_activity, runs, tables, vanished, view_activity
from warehouse_admin.mirror.sync.fetch import Fetcher
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.sync.watch import StopAsked, Superseded, Watch
from warehouse_admin.mirror.sync.words import in_words
from warehouse_admin.posthog import errors

logger = logging.getLogger(__name__)
DATABASE_FAILED = "The portal's database failed. The next sync goes on from here."

State = SyncRun.State
T = TypeVar("T")


def run(sync_id: uuid.UUID | str) -> SyncRun | None:
    """Claim a queued sync and carry it out; None when it is not there to be claimed (a redelivered task, say)."""
    claimed = SyncRun.objects.filter(pk=sync_id, state=State.QUEUED).update(
        state=State.RUNNING, started_at=timezone.now(), heartbeat_at=Now()
    )
    if not claimed:
        return None
    sync = SyncRun.objects.select_related("connection", "started_by").get(pk=sync_id)
    watch = Watch(sync)
    try:
        undecided = _carry_out(sync, watch)
    except StopAsked:
        return finish(sync, watch, State.STOPPED)
    except Superseded:
        logger.warning("sync %s was closed by somebody else; nothing more is written", sync.pk)
        return sync
    except errors.PostHogError as error:
        logger.info("sync %s failed: %s", sync.pk, type(error).__name__)
        return finish(sync, watch, State.FAILED, error=in_words(error))
    except (UserError, ValueError) as error:  # no key, no usable host: the connection has to be put right first
        return finish(sync, watch, State.FAILED, error=str(error))
    except DatabaseError:
        logger.exception("sync %s: the database failed", sync.pk)
        return finish(sync, watch, State.FAILED, error=DATABASE_FAILED)
    except Exception:
        # The process edge: a bug must not leave the row running, and must still be seen.
        finish(sync, watch, State.FAILED, error="The portal made a mistake while syncing; its log tells more.")
        raise
    if undecided:
        text = watch.notes.pop("emptied", "") or (
            f"{len(undecided)} objects are missing from PostHog's lists, more than the connection lets vanish at once. "
            "Nothing was marked as deleted: look at the list, then say whether they are gone."
        )
        return finish(sync, watch, State.NEEDS_ATTENTION, error=text, undecided=undecided)
    return finish(sync, watch, State.SUCCEEDED)


def _carry_out(sync: SyncRun, watch: Watch) -> list[str]:
    connection = sync.connection
    if accounts.check_is_due(connection):
        connection = sync.connection = accounts.check_connection(connection)
    client = accounts.client_for(connection, purpose="background")
    is_history = not SyncRun.objects.filter(connection=connection, state=State.SUCCEEDED).exists()
    try:
        with Fetcher(client, watch) as fetcher:
            return _phases(Job(sync, connection, watch, fetcher, is_history))
    finally:
        client.close()


def _phases(job: Job) -> list[str]:
    job.watch.beat(force=True)
    store.forget_the_future(job.connection, job.sync.started_at or timezone.now())
    reader = details.Reader(job)
    try:
        log_was_read = _read(job, reader)
    except (StopAsked, errors.PostHogError):
        reader.write()  # what was paid for is kept
        raise
    undecided = _spend(job, "sync views", vanished.settle_vanished)
    if not log_was_read:
        _spend(job, "sync log", view_activity.read_view_logs)
    _work_out_schedules(job)
    return undecided


def _read(job: Job, reader: details.Reader) -> bool:
    """Everything PostHog tells of, lists before views, which may take hours. False: it keeps its project's log back."""
    if not job.watch.finished("list"):
        _spend(job, "sync lists", crawl.crawl, reader)
    # The log tells of edits; which of them a view's answer holds is only clear of one written before the log is read.
    reader.take_what_was_sent()
    log_was_read = _spend(job, "sync log", remote_activity.read_log)
    reader.add(details.needed(job))
    try:
        _spend(job, "sync lists", tables.read_tables, reader)
        _spend(job, "sync lists", folders.read_folders)
        _spend(job, "sync runs", runs.read_runs, reader)
    except errors.PostHogError:
        reader.finish()  # views do not wait until the other lists are well again
        raise
    if job.is_history:  # the SQL of all views may take hours, and what their schedules do does not depend on it
        _work_out_schedules(job, reader.take_what_came)
    reader.finish()
    return log_was_read


def _work_out_schedules(job: Job, meanwhile: Callable[[], object] = lambda: None) -> None:
    job.watch.phase("Working out schedules")
    news, job.touched = job.touched, set()
    refresh_states(job.connection, news=news, meanwhile=meanwhile)
    job.watch.beat(force=True)


def _spend(job: Job, consumer: str, phase: Callable[..., T], *more: object) -> T:
    """Carry out a phase, its requests put down to `consumer`."""
    job.fetcher.consumer = consumer
    return phase(job, *more)


def finish(
    sync: SyncRun, watch: Watch, state: State, *, error: str = "", undecided: list[str] | None = None
) -> SyncRun:
    """End a running sync once, with its audit entry; a row that somebody else closed stays as it is."""
    try:
        return _end(sync, watch, state, error, undecided or [])
    except DatabaseError:
        close_old_connections()  # the server may have ended ours; should a new one fail too, silence closes the row
        return _end(sync, watch, state, error, undecided or [])


def _end(sync: SyncRun, watch: Watch, state: State, error: str, undecided: list[str]) -> SyncRun:
    with transaction.atomic():
        ours = SyncRun.objects.filter(pk=sync.pk, state=State.RUNNING)
        ended = ours.update(
            state=state,
            counts=watch.tally(),
            cursor=watch.cursor,
            error=error,
            vanished=undecided,
            finished_at=timezone.now(),
        )
        sync.refresh_from_db()
        if ended:
            if state in (State.SUCCEEDED, State.NEEDS_ATTENTION):
                _replace_older_questions(sync)
            record_end(sync)
            announce(sync)
    return sync


def _replace_older_questions(sync: SyncRun) -> None:
    """What earlier syncs asked a person about was looked at again: it is settled, or asked anew by this one."""
    asked = SyncRun.objects.filter(connection=sync.connection, state=State.NEEDS_ATTENTION).exclude(pk=sync.pk)
    for older in asked.select_related("connection", "started_by"):
        older.state, older.error = State.STOPPED, "A later sync looked again, so nothing is left to decide here."
        older.save(update_fields=["state", "error"])
        record_end(older)


def record_end(sync: SyncRun) -> None:
    """The trail's entry for the end of a sync; called last in the transaction that ended it."""
    audit.record(
        actor=sync.started_by,
        action="sync.finished",
        target=Target("sync", str(sync.pk), str(sync.connection)),
        result="failed" if sync.state == State.FAILED else "ok",
        reason=sync.error,
        after={"state": sync.state, "kind": sync.kind, "counts": sync.counts},
        connection=sync.connection.slug,
    )
