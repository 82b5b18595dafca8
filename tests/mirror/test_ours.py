"""Views that we made, changed and deleted: in the mirror at once as ours, and undone by no sync that asked before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun
from warehouse_admin.mirror.sync import crawl
from warehouse_admin.posthog import reads, types
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
NAME, TEXT = "made_here", "SELECT 1 AS one"


def read(connection: Connection, key: str) -> types.SavedQuery:
    return reads.get_saved_query(accounts.client_for(connection, purpose="interactive"), key)


@pytest.fixture
def create(connection: Connection, sandbox: SandboxServer) -> Callable[[], SavedQuery]:
    """Make a view as the gate does, and keep what was read back."""

    def make() -> SavedQuery:
        made = sandbox.world.create_outside(NAME, TEXT, by="portal")
        asked_at = timezone.now()
        return services.store_created(
            connection=connection,
            row=read(connection, made.id),
            read_at=asked_at,
            author_name="Erin",
            change_number=7,
        )

    return make


@pytest.fixture
def delete(sandbox: SandboxServer) -> Callable[[SavedQuery], SavedQuery]:
    """Delete a view as the gate does."""

    def remove(view: SavedQuery) -> SavedQuery:
        sandbox.world.delete_outside(view.name, by="portal")
        return services.store_deleted(saved_query=view, read_at=timezone.now())

    return remove


@pytest.fixture
def plain(sandbox: SandboxServer, connection: Connection, sync: Sync) -> SavedQuery:
    sandbox.world.create_outside("plain", "SELECT 2 AS two")
    sync(SyncRun.Kind.FULL)
    return SavedQuery.objects.get(name="plain")


def news(view: SavedQuery) -> list[str]:
    """What was observed of a view since the first sync."""
    seen = Observation.objects.filter(saved_query=view, is_history=False)
    return list(seen.order_by("pk").values_list("kind", flat=True))


def origin_of(view: SavedQuery) -> tuple[str, str, int | None]:
    newest = view.versions.first()
    assert newest is not None
    return newest.origin, newest.author_name, newest.change_number


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_a_view_made_here_is_there_at_once_with_its_first_text_as_ours(
    generation: str, synced: Connection, sandbox: SandboxServer, create: Callable[[], SavedQuery], sync: Sync
) -> None:
    sandbox.world.set_generation(generation)
    view = create()

    assert (view.name, view.query, view.deleted_at, view.needs_detail) == (NAME, TEXT, None, False)
    assert origin_of(view) == ("portal", "Erin", 7)
    sync()
    view.refresh_from_db()
    assert (view.deleted_at, view.versions.count(), origin_of(view)[0]) == (None, 1, "portal")
    assert news(view) == []


def test_a_view_made_here_that_a_sync_met_first_is_put_right(
    synced: Connection, sandbox: SandboxServer, sync: Sync
) -> None:
    made = sandbox.world.create_outside(NAME, TEXT, by="portal")
    sync()
    assert origin_of(SavedQuery.objects.get(name=NAME))[0] == "first_seen"

    view = services.store_created(
        connection=synced, row=read(synced, made.id), read_at=timezone.now(), author_name="Erin", change_number=7
    )

    assert (origin_of(view), view.versions.count()) == (("portal", "Erin", 7), 1)
    assert SavedQuery.objects.filter(name=NAME).count() == 1


def test_a_crawl_that_began_before_a_view_was_made_does_not_call_it_gone(
    synced: Connection, create: Callable[[], SavedQuery], sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = crawl.store_page
    made: list[SavedQuery] = []

    def make_after(*args: object) -> object:
        fresh = real(*args)  # type: ignore[arg-type]
        made.append(create())
        return fresh

    monkeypatch.setattr(crawl, "store_page", make_after)
    sync(SyncRun.Kind.FULL)

    [view] = made
    view.refresh_from_db()
    assert (view.deleted_at, view.hidden_at) == (None, None)
    assert news(view) == []


def test_a_name_that_we_make_again_is_linked_to_its_tombstone(
    plain: SavedQuery, sandbox: SandboxServer, delete: Callable[[SavedQuery], SavedQuery]
) -> None:
    gone = delete(plain)
    again = sandbox.world.create_outside("plain", TEXT, by="portal")

    view = services.store_created(
        connection=gone.connection, row=read(gone.connection, again.id), read_at=timezone.now()
    )

    assert (view.recreates, view.pk != gone.pk) == (gone, True)


def test_a_view_deleted_here_keeps_its_definition_and_nobody_is_suspected(
    plain: SavedQuery, delete: Callable[[SavedQuery], SavedQuery], sync: Sync
) -> None:
    view = delete(plain)

    assert view.deleted_at is not None
    assert (view.name, view.query) == ("plain", "SELECT 2 AS two")
    sync()
    view.refresh_from_db()
    assert (view.name, view.query) == ("plain", "SELECT 2 AS two")
    assert view.deleted_at is not None
    assert news(view) == []


@pytest.mark.parametrize("generation", ["A", "B", "D"])
def test_a_sync_that_asked_before_a_deletion_does_not_bring_the_view_back(
    generation: str,
    plain: SavedQuery,
    sandbox: SandboxServer,
    delete: Callable[[SavedQuery], SavedQuery],
    sync: Sync,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.world.set_generation(generation)
    real, waiting = crawl.store_page, [plain]

    def delete_first(*args: object) -> object:
        if waiting:
            delete(waiting.pop())
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(crawl, "store_page", delete_first)
    sync(SyncRun.Kind.FULL)

    plain.refresh_from_db()
    assert plain.deleted_at is not None
    assert news(plain) == []


def test_a_deletion_found_before_a_newer_answer_tombstones_nothing(plain: SavedQuery) -> None:
    asked_at = timezone.now()
    services.read_live(plain)

    assert services.store_deleted(saved_query=plain, read_at=asked_at).deleted_at is None


def test_deleting_twice_is_deleting_once(plain: SavedQuery, delete: Callable[[SavedQuery], SavedQuery]) -> None:
    first = delete(plain).deleted_at

    assert services.store_deleted(saved_query=plain, read_at=timezone.now()).deleted_at == first


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
@pytest.mark.parametrize("did", ["renamed", "cadence_changed", "materialized", "unmaterialized"])
def test_what_comes_of_our_own_write_is_not_observed(
    did: str, generation: str, plain: SavedQuery, sandbox: SandboxServer, sync: Sync
) -> None:
    world = sandbox.world
    world.set_generation(generation)
    if did == "unmaterialized":
        world.materialize_outside("plain")
    sync(SyncRun.Kind.FULL)
    plain.refresh_from_db()
    seen = news(plain)
    hands = {
        "renamed": lambda: world.rename_outside("plain", "renamed", by="portal"),
        "cadence_changed": lambda: world.set_cadence_outside("plain", "6hour", by="portal"),
        "materialized": lambda: world.materialize_outside("plain", by="portal"),
        "unmaterialized": lambda: world.unmaterialize_outside("plain", by="portal"),
    }
    hands[did]()

    row = read(plain.connection, str(plain.posthog_id))
    services.store_read_back(saved_query=plain, row=row, read_at=timezone.now(), did=did, change_number=7)

    assert (plain.name, plain.sync_frequency) == (row.name, row.sync_frequency or "")
    assert bool(plain.is_materialized) is bool(row.is_materialized)
    sync()
    assert news(plain) == seen


def test_an_edit_of_the_sql_that_a_rename_of_ours_comes_upon_is_somebody_elses(
    plain: SavedQuery, sandbox: SandboxServer
) -> None:
    sandbox.world.edit_outside("plain", "SELECT 3 AS theirs")
    sandbox.world.rename_outside("plain", "renamed", by="portal")

    row = read(plain.connection, str(plain.posthog_id))
    services.store_read_back(
        saved_query=plain, row=row, read_at=timezone.now(), did="renamed", author_name="Erin", change_number=7
    )

    assert news(plain) == ["edited"]
    assert origin_of(plain) == ("outside", "", None)
