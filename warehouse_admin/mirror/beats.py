"""When the background processes were last seen alive."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import beat_init, heartbeat_sent, worker_ready
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from warehouse_admin.mirror.models import Beat

WORKER_EVERY = 15.0
_last_written = 0.0


def note(name: str) -> None:
    """Write down that `name` (`worker` or `beat`) lives."""
    Beat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def note_worker(**_: Any) -> None:
    """Called by Celery every few seconds in a worker's own thread; writes now and then."""
    global _last_written
    if time.monotonic() - _last_written < WORKER_EVERY:
        return
    _last_written = time.monotonic()
    close_old_connections()
    try:
        note("worker")
    except DatabaseError:
        _last_written = 0.0  # the database is away for a moment; the worker must live on and tell later
    finally:
        close_old_connections()


def note_beat_start(**_: Any) -> None:
    """Called by Celery when beat starts, long before its first tick comes back through a worker."""
    try:
        note("beat")
    except DatabaseError:
        return  # the next tick tells
    finally:
        close_old_connections()


def listen() -> None:
    """Connect to the signals of worker and beat; harmless in a process that is neither."""
    heartbeat_sent.connect(note_worker, dispatch_uid="mirror.note_worker")
    worker_ready.connect(note_worker, dispatch_uid="mirror.note_worker_ready")
    beat_init.connect(note_beat_start, dispatch_uid="mirror.note_beat_start")
