"""What the mirror tells the apps above it."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import Model
from django.dispatch import Signal

from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable

logger = logging.getLogger(__name__)

sync_finished = Signal()
"""Sent after the commit that ended a sync in any state, with `sync`."""


view_read = Signal()
"""Sent after the commit that stored an answer about one view outside a sync, with `saved_query`."""


table_read = Signal()
"""Sent after the commit that made a table known, renamed or deleted it outside a sync, with `table`."""


def announce(sync: SyncRun) -> None:
    """Send `sync_finished` once the transaction is through; a receiver that fails cannot fail the sync."""
    transaction.on_commit(lambda: _send(sync_finished, SyncRun, sync=sync))


def announce_read(saved_query: SavedQuery) -> None:
    """Send `view_read` once the transaction is through; a receiver that fails cannot fail the read."""
    transaction.on_commit(lambda: _send(view_read, SavedQuery, saved_query=saved_query))


def announce_table(table: WarehouseTable) -> None:
    """Send `table_read` once the transaction is through; a receiver that fails cannot fail the read."""
    transaction.on_commit(lambda: _send(table_read, WarehouseTable, table=table))


def _send(signal: Signal, sender: type[Model], **details: Model) -> None:
    for receiver, answer in signal.send_robust(sender, **details):
        if isinstance(answer, Exception):
            logger.error("receiver %r failed", receiver, exc_info=answer)
