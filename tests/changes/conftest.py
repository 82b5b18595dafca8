"""One mirrored view, and changes of it in every stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.urls import reverse

from tests.changes.tables import KEYS, NEW, OWN
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

NEW_SQL = "SELECT order_id, 1 AS one\nFROM stg_app_orders"


@pytest.fixture
def remote(sandbox: SandboxServer) -> View:
    """The view as the sandbox holds it."""
    return sandbox.world.view("int_order_margins")


@pytest.fixture
def view(connection: Connection, remote: View) -> SavedQuery:
    """The same view in the mirror."""
    row = SavedQuery.objects.create(connection=connection, posthog_id=remote.id, name=remote.name)
    mirror.read_live(row)
    return row


@pytest.fixture
def proposed(view: SavedQuery, author: User) -> Callable[..., ChangeRequest]:
    """A change of the view, in review unless said."""

    def make(query: str = NEW_SQL, **fields: object) -> ChangeRequest:
        given = {"author": author, "saved_query": view, "reason": "because", "submit": True, **fields}
        return services.create(query=query, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Callable) -> Callable:
    """A block after which what it queued has been done."""

    @contextmanager
    def block() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return block


@pytest.fixture
def applied(proposed: Callable, reviewer: User, committed: Callable) -> ChangeRequest:
    """A change that went all the way."""
    change = proposed()
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert change.state == ChangeRequest.State.APPLIED, change.problem
    return change


@pytest.fixture
def carried_out(author: User, reviewer: User, committed: Callable) -> Callable[..., ChangeRequest]:
    """Propose an action, have it approved, and carried out."""

    def make(action: str, **fields: object) -> ChangeRequest:
        change = services.create(author=author, action=action, reason="because", submit=True, **fields)  # type: ignore[arg-type]
        with committed():
            services.approve(change, reviewer)
        change.refresh_from_db()
        return change

    return make


@pytest.fixture
def edit_url(view) -> str:
    return reverse("changes:propose", args=[view.posthog_id])


@pytest.fixture
def draft_url(view) -> str:
    return reverse("changes:view-draft", args=[view.posthog_id])


@pytest.fixture
def approve(reviewer: User, committed: Callable) -> Callable[[ChangeRequest], ChangeRequest]:
    """Approve a change, do what that queues, and give it as it is then."""

    def do(change: ChangeRequest) -> ChangeRequest:
        with committed():
            services.approve(change, reviewer)
        change.refresh_from_db()
        return change

    return do


@pytest.fixture
def approved(proposed: Callable, approve: Callable) -> Callable[..., ChangeRequest]:
    """The same of a change of the view, made for it unless it is given."""

    def make(query: str = NEW_SQL, change: ChangeRequest | None = None) -> ChangeRequest:
        return approve(change or proposed(query))

    return make


def trail(prefix: str = "") -> list[tuple[str, str]]:
    """Action and result of every audit entry so far, oldest first."""
    entries = AuditEntry.objects.filter(action__startswith=prefix).order_by("sequence")
    return list(entries.values_list("action", "result"))


@pytest.fixture
def reader(generation: Callable[[str], Connection], sandbox: SandboxServer) -> Callable[[str], Connection]:
    """A server of a generation on which one view reads the own table, mirrored and parsed."""

    def make(name: str) -> Connection:
        connection = generation(name)
        sandbox.world.create_outside("reads_rates", f"SELECT currency FROM {OWN}", by="ben")
        sync(connection, "full")
        lineage.refresh(connection)
        return connection

    return make


@pytest.fixture
def proposed_table(synced: Connection, author: User) -> Callable[..., ChangeRequest]:
    """A change that makes a table, in review unless said."""

    def make(**fields: Any) -> ChangeRequest:
        given = {"reason": "because", "submit": True, "connection": synced, **NEW, "credential": KEYS, **fields}
        return services.create(author=author, action="create_table", **given)

    return make
