"""What the mirror tells the apps above it."""

from __future__ import annotations

import logging

from django.db import transaction
from django.dispatch import Signal

from warehouse_admin.mirror.models import SyncRun

logger = logging.getLogger(__name__)

sync_finished = Signal()
"""Sent after the commit that ended a sync in any state, with `sync`."""


def announce(sync: SyncRun) -> None:
    """Send `sync_finished` once the transaction is through; a receiver that fails cannot fail the sync."""

    def send() -> None:
        for receiver, answer in sync_finished.send_robust(SyncRun, sync=sync):
            if isinstance(answer, Exception):
                logger.error("sync_finished receiver %r failed", receiver, exc_info=answer)

    transaction.on_commit(send)
