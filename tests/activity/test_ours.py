"""Every kind of write that went out from here is told as ours, whichever of log and sync was there first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.activity.conftest import news, sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
NAME = "ours_plain"
CASES = {
    "create_view": ("created", "ABCD", {"name": "ours_made", "query": "SELECT 1 AS one"}, "POST"),
    "rename": ("renamed", "ABCD", {"name": "ours_renamed"}, "PATCH"),
    "set_cadence": ("cadence_changed", "BCD", {"sync_frequency": "6hour"}, "PATCH"),
    "materialize": ("materialized", "CD", {"sync_frequency": None}, "POST"),
    "unmaterialize": ("unmaterialized", "CD", {}, "POST"),
    "delete": ("deleted", "ABCD", {}, "DELETE"),
}
EVERYWHERE = [(kind, name) for kind, (_, names, _, _) in CASES.items() for name in names]
everywhere = pytest.mark.parametrize(("kind", "server"), EVERYWHERE)


@pytest.fixture
def ask(
    generation: Callable[..., Connection], sandbox: SandboxServer, connection: Connection, operator: User
) -> Callable[[str, str], Mutation]:
    """Ask the gate for a write of this kind on a server of this generation, whose history was taken in."""

    def wish(kind: str, server: str) -> Mutation:
        sandbox.world.create_outside(NAME, "SELECT 2 AS two")
        if kind == "unmaterialize":
            sandbox.world.materialize_outside(NAME)
        generation(server)
        view = SavedQuery.objects.get(name=NAME)
        made = kind == "create_view"
        base = {"name": view.name, "query": view.query, "sync_frequency": view.sync_frequency or None}
        return mutations.ask(
            connection=connection,
            kind=kind,
            object_id="" if made else str(view.posthog_id),
            object_name=CASES[kind][2]["name"] if made else view.name,  # type: ignore[index, arg-type]
            actor=operator,
            idempotency_key="change:7:1:1",
            payload=CASES[kind][2],
            base={} if made else base,
            cause="change:7",
            reason="because",
        )

    return wish


@everywhere
def test_what_a_sync_saw_before_we_kept_it_is_ours(
    kind: str, server: str, ask: Callable[[str, str], Mutation], connection: Connection, operator: User
) -> None:
    mutation = mutations.send(ask(kind, server).pk)
    assert mutation.state == "happened", mutation.error

    sync(connection)

    assert news() == []
    [entry] = ActivityEntry.objects.filter(mutation=mutation)
    assert (entry.source, entry.kind, entry.author) == ("portal", CASES[kind][0], operator.username)
    assert Observation.objects.filter(is_history=False).exclude(entry=entry).count() == 0
    assert ActivityEntry.objects.filter(kind=CASES[kind][0], occurred_at__gte=mutation.asked_at).count() == 1


@everywhere
def test_what_a_sync_saw_before_anybody_answered_is_ours_and_told_once(
    kind: str,
    server: str,
    ask: Callable[[str, str], Mutation],
    connection: Connection,
    operator: User,
    sandbox: SandboxServer,
) -> None:
    mutation = ask(kind, server)
    sandbox.world.faults.add(Fault("drop_after", CASES[kind][3]))
    assert mutations.send(mutation.pk).state == "unconfirmed"
    sync(connection)
    assert news() == []

    mutations.settle(mutation.pk)
    sync(connection)

    assert news() == []
    [entry] = ActivityEntry.objects.filter(kind=CASES[kind][0], occurred_at__gte=mutation.asked_at)
    assert (entry.source, entry.mutation, entry.author) == ("portal", mutation, operator.username)
    assert entry.saved_query is not None


def test_the_same_thing_done_again_by_another_is_theirs(
    ask: Callable[[str, str], Mutation], connection: Connection, sandbox: SandboxServer
) -> None:
    mutations.send(ask("set_cadence", "D").pk)
    sync(connection)
    sandbox.world.set_cadence_outside(NAME, "7day", by="ben")
    sync(connection)
    sandbox.world.set_cadence_outside(NAME, "6hour", by="ben")

    sync(connection)

    assert [(entry.source, entry.author.split("@")[0]) for entry in news()] == [("outside", "ben")] * 2


def test_another_value_is_not_ours(
    ask: Callable[[str, str], Mutation], connection: Connection, sandbox: SandboxServer
) -> None:
    mutations.send(ask("rename", "D").pk)
    sandbox.world.rename_outside("ours_renamed", "theirs")

    sync(connection)

    [entry] = news()
    assert (entry.kind, entry.source, entry.mutation) == ("renamed", "unknown", None)


def test_the_inbox_shows_what_was_changed(
    ask: Callable[[str, str], Mutation], connection: Connection, sandbox: SandboxServer
) -> None:
    mutation = mutations.send(ask("materialize", "D").pk)
    sync(connection)

    entry = ActivityEntry.objects.get(mutation=mutation)
    assert (entry.before or {})["is_materialized"] is False
    assert (entry.after or {})["sync_frequency"] == "24hour"


@pytest.mark.parametrize("server", ["A", "D"])
def test_a_new_view_that_is_taken_in_before_the_mirror_has_it_is_told_once(
    server: str, ask: Callable[[str, str], Mutation], connection: Connection
) -> None:
    """As when the worker dies between the answer and the mirror: the log that comes later must not stop the inbox."""
    mutation = mutations.send(ask("create_view", server).pk)
    services.ingest(connection)
    assert ActivityEntry.objects.get(mutation=mutation).saved_query is None

    sync(connection)

    entry = ActivityEntry.objects.get(mutation=mutation)
    assert str(entry.saved_query.posthog_id) == mutation.object_id
    assert entry.remote_activity is not None
    assert ActivityEntry.objects.filter(object_name="ours_made").count() == 1
