"""Syncs against the sandbox, and what converged means."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.sandbox import strikes
from warehouse_admin.sandbox.messages import Request, Response
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World


@pytest.fixture
def sync(connection: Connection) -> Callable[..., SyncRun]:
    """Run one sync to its end and give its row."""

    def run(kind: str = SyncRun.Kind.INCREMENTAL) -> SyncRun:
        started = services.start_sync(connection=connection, kind=kind)
        services.run_sync(started.pk)
        started.refresh_from_db()
        return started

    return run


@pytest.fixture
def when_asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Let something happen once, after PostHog was asked for a path and before it answers."""

    def arrange(path: str, happen: Callable[[], object]) -> None:
        real, waiting, lock = strikes.answer, [happen], threading.Lock()

        def answer(world: World, request: Request, stopping: threading.Event) -> Response | None:
            with lock:
                if waiting and re.search(path, request.path):
                    waiting.pop()()
            return real(world, request, stopping)

        monkeypatch.setattr(strikes, "answer", answer)

    return arrange


@pytest.fixture
def differs(connection: Connection, sandbox: SandboxServer) -> Callable[[], dict[str, object]]:
    """What the mirror has otherwise than the server; empty when they are the same."""

    def compare() -> dict[str, object]:
        there = {
            view.id: (view.name, view.sql, view.sync_frequency or "", bool(view.is_materialized))
            for view in sandbox.world.views.values()
            if not view.deleted and (view.origin != "endpoint" or sandbox.world.generation.name in "AB")
        }
        here = {
            str(view.posthog_id): (view.name, view.query, view.sync_frequency, bool(view.is_materialized))
            for view in SavedQuery.objects.present()
        }
        tables_there = {table.id for table in sandbox.world.tables.values() if not table.deleted}
        tables_here = {str(key) for key in WarehouseTable.objects.present().values_list("posthog_id", flat=True)}
        wrong: dict[str, object] = {key: (here.get(key), there.get(key)) for key in here.keys() | there.keys()}
        wrong = {key: pair for key, pair in wrong.items() if pair[0] != pair[1]}  # type: ignore[index]
        return wrong | {key: "table" for key in tables_here ^ tables_there}

    return compare
