"""Edits by others and by us, and syncs that see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.snapshots import mirrored
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer

EDITED = "stg_fx_rates"
VIEWS_ONLY = "phx_sandbox_views"


def sync(connection: Connection, kind: str = SyncRun.Kind.INCREMENTAL) -> None:
    """Mirror once and take in what was found, as the receiver does."""
    run = mirror.start_sync(connection=connection, kind=kind, queue=False)
    mirror.run_sync(run.pk)
    run.refresh_from_db()
    assert run.state == SyncRun.State.SUCCEEDED, run.error
    services.ingest(connection, run)


@pytest.fixture
def known(request: pytest.FixtureRequest, sandbox: SandboxServer, connection: Connection) -> Connection:
    """A connection whose history was taken in."""

    def mirror_and_take_in() -> None:
        services.ingest(request.getfixturevalue("synced"))

    mirrored("known", sandbox, connection, mirror_and_take_in)
    connection.refresh_from_db()
    return connection


@pytest.fixture
def generation(sandbox: SandboxServer, connection: Connection) -> Callable[..., Connection]:
    """Make the server one of another generation (and the key another one), and mirror it once."""

    def make(name: str, key: str = "") -> Connection:
        sandbox.world.set_generation(name)
        if key:
            connection.api_key = key
            connection.save()
        mirrored("known generation", sandbox, connection, lambda: _check_and_sync(connection))
        connection.refresh_from_db()
        return connection

    return make


def _check_and_sync(connection: Connection) -> None:
    accounts.check_connection(connection)
    connection.refresh_from_db()
    sync(connection, SyncRun.Kind.FULL)


@pytest.fixture
def edit_here(operator: User) -> Callable[..., Mutation]:
    """Ask the gate for an edit, and let it send it unless told not to."""
    count = iter(range(100))

    def edit(view: SavedQuery, sql: str, *, send: bool = True) -> Mutation:
        mutation = mutations.ask(
            connection=view.connection,
            kind=Mutation.Kind.EDIT_QUERY,
            object_id=str(view.posthog_id),
            object_name=view.name,
            actor=operator,
            idempotency_key=f"change:7:1:{next(count)}",
            payload={"query": sql},
            base={"query": view.query},
            cause="change:7",
            reason="because",
        )
        return mutations.send(mutation.pk) if send else mutation

    return edit


def news() -> list[ActivityEntry]:
    """Entries that are not history, oldest first: what happened to the edited view, and what waits for a person."""
    return list(ActivityEntry.objects.filter(needs_review=True).order_by("occurred_at", "pk"))
