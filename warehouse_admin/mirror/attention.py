"""A person's decision about a sync in which too much vanished at once."""

from __future__ import annotations

import uuid
from contextlib import closing

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import progress, tasks
from warehouse_admin.mirror.errors import SyncNotOpen, SyncRunning
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.sync import run as sync_run
from warehouse_admin.mirror.sync import vanished
from warehouse_admin.mirror.sync.fetch import Fetcher
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.sync.watch import StopAsked, Superseded, Watch
from warehouse_admin.mirror.sync.words import in_words
from warehouse_admin.posthog import errors

State = SyncRun.State


def confirm_vanished(*, sync: SyncRun, user: User) -> SyncRun:
    """The objects are really gone: check each by its id and tombstone those that PostHog answers 404 for."""
    _require(sync, user, "sync.vanished_confirmed")
    accounts.require_accepted(sync.connection)
    with transaction.atomic():
        if SyncRun.objects.filter(connection=sync.connection, state__in=SyncRun.OPEN).exists():
            open_one = SyncRun.objects.filter(connection=sync.connection, state__in=SyncRun.OPEN)
            raise SyncRunning(open_one.select_related("connection").get())
        waiting = SyncRun.objects.filter(pk=sync.pk, state=State.NEEDS_ATTENTION)
        said = {**(sync.counts.get("notes") or {}), "decided": f"{user.display_name} said that the objects are gone."}
        queued = {"state": State.QUEUED, "heartbeat_at": Now(), "counts": {**sync.counts, "notes": said}}
        if not waiting.update(stop_requested=False, error="", **queued):
            raise SyncNotOpen("This sync does not wait for a decision any more.")
        _record(sync, user, "sync.vanished_confirmed")
        tasks.decide_vanished.delay_on_commit(str(sync.pk))  # type: ignore[attr-defined]
    sync.refresh_from_db()
    return sync


def dismiss_vanished(*, sync: SyncRun, user: User) -> SyncRun:
    """The objects are not gone: keep them all."""
    _require(sync, user, "sync.vanished_dismissed")
    with transaction.atomic():
        waiting = SyncRun.objects.filter(pk=sync.pk, state=State.NEEDS_ATTENTION)
        if not waiting.update(state=State.STOPPED, error=f"{user.display_name} kept the missing objects."):
            raise SyncNotOpen("This sync does not wait for a decision any more.")
        _record(sync, user, "sync.vanished_dismissed")
    sync.refresh_from_db()
    return sync


def carry_out(sync_id: uuid.UUID | str) -> SyncRun | None:
    """The background part of a confirmation."""
    queued = SyncRun.objects.filter(pk=sync_id, state=State.QUEUED)
    # It begins anew, so that the time a person took to decide does not count as its own.
    if not queued.update(state=State.RUNNING, started_at=timezone.now(), heartbeat_at=Now(), finished_at=None):
        return None
    sync = SyncRun.objects.select_related("connection", "started_by").get(pk=sync_id)
    watch = Watch(sync)
    watch.counts.update(progress.numbers(sync))
    watch.notes.update(sync.counts.get("notes") or {})
    try:
        client = accounts.client_for(sync.connection, purpose="background")
        with closing(client), Fetcher(client, watch) as fetcher:
            job = Job(sync, sync.connection, watch, fetcher, is_history=False)
            for model, keys in vanished.undecided_of(sync).items():
                vanished.confirm(job, model, keys)
    except StopAsked:
        return _finish(sync, watch, State.STOPPED)
    except Superseded:
        return sync
    except errors.PostHogError as error:
        return _finish(sync, watch, State.FAILED, in_words(error))
    except (UserError, ValueError) as error:
        return _finish(sync, watch, State.FAILED, str(error))
    return _finish(sync, watch, State.SUCCEEDED)


def _finish(sync: SyncRun, watch: Watch, state: State, error: str = "") -> SyncRun:
    """End it, keeping the list that was decided about."""
    return sync_run.finish(sync, watch, state, error=error, undecided=sync.vanished)


def _require(sync: SyncRun, user: User, action: str) -> None:
    target = Target("sync", str(sync.pk), sync.connection.slug)
    policies.require(user, "mirror.start_sync", action=action, target=target)


def _record(sync: SyncRun, user: User, action: str) -> None:
    audit.record(
        actor=user,
        action=action,
        target=Target("sync", str(sync.pk), sync.connection.slug),
        after={"vanished": len(sync.vanished), "vanished_digest": json_digest(sync.vanished)},
        connection=sync.connection.slug,
    )
