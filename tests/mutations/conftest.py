"""One view of the sandbox, and a way to ask the gate to edit it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mutations import services
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import reads
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

NEW_SQL = "SELECT order_id, 1 AS one FROM stg_app_orders"


@pytest.fixture
def remote(sandbox: SandboxServer) -> View:
    """A view as the sandbox holds it."""
    return sandbox.world.view("int_order_margins")


@pytest.fixture
def asked(connection: Connection, remote: View, operator: User) -> Callable[..., Mutation]:
    """Ask for an edit of the view, based on what it holds."""
    count = iter(range(1000))

    def ask(query: str = NEW_SQL, **changes: object) -> Mutation:
        fields: dict = {
            "connection": connection,
            "kind": Mutation.Kind.EDIT_QUERY,
            "object_id": remote.id,
            "object_name": remote.name,
            "actor": operator,
            "idempotency_key": f"test:{next(count)}",
            "payload": {"query": query},
            "base": {"query": remote.sql, "latest_history_id": None},
            "cause": "change:1",
            "reason": "because",
        }
        return services.ask(**{**fields, **changes})

    return ask


NEW_NAME, NEW_TEXT = "gate_made", "SELECT 1 AS one"
Ask = Callable[..., Mutation]


@pytest.fixture
def plain(sandbox: SandboxServer) -> View:
    """A view of the sandbox that nothing depends on and that is not materialized."""
    return sandbox.world.create_outside("gate_plain", "SELECT 1 AS one", by="ben")


@pytest.fixture
def ask(connection: Connection, operator: User, plain: View) -> Ask:
    """Ask for any kind of write to the plain view, written against what PostHog holds now; for a new view by name."""
    count = iter(range(1000))

    def wish(kind: str, payload: dict[str, Any] | None = None, **changes: object) -> Mutation:
        made = kind == Mutation.Kind.CREATE_VIEW
        payload = {"name": NEW_NAME, "query": NEW_TEXT} if made and payload is None else payload or {}
        fields: dict[str, Any] = {
            "connection": connection,
            "kind": kind,
            "object_id": "" if made else plain.id,
            "object_name": payload["name"] if made else plain.name,
            "actor": operator,
            "idempotency_key": f"test:{next(count)}",
            "payload": payload,
            "base": {} if made else _seen(connection, plain),
            "cause": "change:1",
            "reason": "because",
        }
        return services.ask(**{**fields, **changes})

    return wish


def _seen(connection: Connection, view: View) -> dict[str, Any]:
    client = accounts.client_for(connection, purpose="interactive")
    return services.snapshot(reads.get_saved_query(client, view.id), timezone.now())


def results(mutation: Mutation) -> list[str]:
    """How the trail tells of a mutation, oldest entry first. A new view has no id yet when it is asked for."""
    kind = mutation.kind
    entries = AuditEntry.objects.filter(action=f"saved_query.{kind}", object_id__in=("", mutation.object_id))
    return list(entries.order_by("sequence").values_list("result", flat=True))


def later(seconds: float = 71) -> datetime:
    """When the write time-out of what was just sent has passed."""
    return timezone.now() + timedelta(seconds=seconds)


def at_once(*calls: Callable[[], object]) -> None:
    """Let several workers start at the same moment; one that is told to wait gives up."""
    barrier = threading.Barrier(len(calls))

    def work(call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            call()
        except NotYet:
            pass
        finally:
            database.close()

    workers = [threading.Thread(target=work, args=(call,)) for call in calls]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
