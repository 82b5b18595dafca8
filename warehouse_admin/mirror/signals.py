"""What the mirror tells the apps above it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction
from django.db.models import Model
from django.dispatch import Signal

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable

logger = logging.getLogger(__name__)

sync_finished = Signal()
"""Sent after the commit that ended a sync in any state, with `sync`."""


view_read = Signal()
"""Sent after the commit that stored answers about views of a connection outside a sync, with the last `saved_query`."""


table_read = Signal()
"""Sent after the commit that made a table known, renamed or deleted it outside a sync, with `table`."""

trust_changed = Signal()
"""Sent after the commit that changed what is said of the trust in something of a `connection`, by whomever."""

_held: ContextVar[dict[int, SavedQuery] | None] = ContextVar("held", default=None)
"""A view of each connection that was read while reads are told together; None: each is told at once."""


def announce(sync: SyncRun) -> None:
    """Send `sync_finished` once the transaction is through; a receiver that fails cannot fail the sync."""
    transaction.on_commit(lambda: _send(sync_finished, SyncRun, sync=sync))


def announce_read(saved_query: SavedQuery) -> None:
    """Send `view_read` once the transaction is through; a receiver that fails cannot fail the read."""
    transaction.on_commit(lambda: _tell_read(saved_query))


@contextmanager
def reads_told_together() -> Iterator[None]:
    """For many reads in a row: `view_read` is sent once for each connection, at the end, also after an exception.

    Receivers look at what is new of the whole connection, so that once for a hundred views is enough, and a hundred
    times is work that keeps others waiting.
    """
    if _held.get() is not None:
        yield
        return
    held: dict[int, SavedQuery] = {}
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
        for view in held.values():
            _tell_read(view)


def announce_table(table: WarehouseTable) -> None:
    """Send `table_read` once the transaction is through; a receiver that fails cannot fail the read."""
    transaction.on_commit(lambda: _send(table_read, WarehouseTable, table=table))


def announce_trust(connection: Connection) -> None:
    """Send `trust_changed` once the transaction is through; a receiver that fails cannot fail whoever decided."""
    transaction.on_commit(lambda: _send(trust_changed, Connection, connection=connection))


def _tell_read(view: SavedQuery) -> None:
    held = _held.get()
    if held is None:
        _send(view_read, SavedQuery, saved_query=view)
    else:
        held[view.connection_id] = view


def _send(signal: Signal, sender: type[Model], **details: Model) -> None:
    for receiver, answer in signal.send_robust(sender, **details):
        if isinstance(answer, Exception):
            logger.error("receiver %r failed", receiver, exc_info=answer)
