"""One view of the sandbox, and a way to ask the gate to edit it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mutations import services
from warehouse_admin.mutations.models import Mutation
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
