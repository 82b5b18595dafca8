"""A sync makes the mirror say what PostHog says."""

from __future__ import annotations

import pytest

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


def test_it_copies_every_view_with_its_exact_sql(synced: Connection, sandbox: SandboxServer) -> None:
    mirrored = dict(SavedQuery.objects.values_list("posthog_id", "query"))
    remote = {view.id: view.sql for view in sandbox.world.views.values() if not view.deleted}

    assert {str(key): sql for key, sql in mirrored.items()} == remote
    assert WarehouseTable.objects.count() > 20
    assert Run.objects.count() > 500
    assert AuditEntry.objects.get(action="sync.finished").result == "ok"
    assert SyncRun.objects.get().counts["created"] == len(remote)
