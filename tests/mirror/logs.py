"""PostHog's log as the sandbox holds it and as the mirror does."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import RemoteActivity
from warehouse_admin.sandbox.clock import iso
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.logbook import SCOPE
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World

PROJECT_LOG = r"/activity_log/?$"
VIEW_LOG = r"/warehouse_saved_queries/[0-9a-f-]{36}/activity/?$"


def refuse(sandbox: SandboxServer, path: str, status: int = 402) -> None:
    sandbox.world.faults.add(Fault("refuse", path_regex=path, times=None, status=status))


def allow_everything(sandbox: SandboxServer, connection: Connection) -> None:
    """Whatever was refused is not any more, and a check of the connection has come to know it."""
    sandbox.world.faults.clear()
    accounts.check_connection(connection)
    connection.refresh_from_db()


def missing_entries(world: World) -> set[Any]:
    """What the server's log tells of views and the mirror does not."""
    there = {
        (uuid.UUID(entry.item_id), datetime.fromisoformat(str(iso(entry.created_at))), entry.activity)
        for entry in world.log
        if entry.scope == SCOPE
    }
    return there - set(_entries())


def doubled_entries() -> list[Any]:
    return [entry for entry, times in Counter(_entries()).items() if times > 1]


def _entries() -> list[Any]:
    return list(RemoteActivity.objects.values_list("posthog_id", "created_at", "activity"))
