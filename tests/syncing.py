"""Mirroring a connection in a test, here and now."""

from __future__ import annotations

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SyncRun


def sync(connection: Connection, kind: str = SyncRun.Kind.INCREMENTAL) -> SyncRun:
    """One whole sync, which has to succeed."""
    run = mirror.start_sync(connection=connection, kind=kind, queue=False)
    mirror.run_sync(run.pk)
    run.refresh_from_db()
    assert run.state == SyncRun.State.SUCCEEDED, run.error
    return run
