"""Reading one view now, and what happens when a sync reads it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import Observation, SavedQuery, SyncRun
from warehouse_admin.mirror.signals import reads_told_together, view_read
from warehouse_admin.mirror.sync import crawl
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]


@pytest.fixture
def view(synced: Connection) -> SavedQuery:
    return SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None).first()


def row_of(view: SavedQuery) -> types.SavedQuery:
    client = accounts.client_for(view.connection, purpose="interactive")
    return reads.get_saved_query(client, view.posthog_id)


def test_a_live_read_is_kept_and_what_it_finds_was_done_outside(view: SavedQuery, sandbox: SandboxServer) -> None:
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")

    row = services.read_live(view)

    assert (row.hogql, view.query) == ("SELECT 1 AS one", "SELECT 1 AS one")
    assert view.versions.first().origin == "outside"
    seen = Observation.objects.get(is_history=False)
    assert (seen.kind, seen.sync_run) == ("edited", None)


def test_a_live_read_of_a_view_that_is_gone_raises_and_tombstones_nothing(
    view: SavedQuery, sandbox: SandboxServer
) -> None:
    sandbox.world.delete_outside(view.name)

    with pytest.raises(errors.NotFound):
        services.read_live(view)

    view.refresh_from_db()
    assert view.deleted_at is None


def test_our_own_edit_is_a_version_of_ours_and_no_observation(
    view: SavedQuery, sandbox: SandboxServer, sync: Sync
) -> None:
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    row, now = row_of(view), timezone.now()

    services.store_read_back(saved_query=view, row=row, read_at=now, author_name="erin", change_number=7)
    sync()

    newest = view.versions.first()
    assert (newest.origin, newest.author_name, newest.change_number) == ("portal", "erin", 7)
    assert view.versions.count() == 2
    assert not Observation.objects.filter(is_history=False).exists()


def test_a_version_that_a_racing_sync_took_for_outside_is_put_right(
    view: SavedQuery, sandbox: SandboxServer, sync: Sync
) -> None:
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    sync()
    assert view.versions.first().origin == "outside"

    services.store_read_back(
        saved_query=view, row=row_of(view), read_at=timezone.now(), author_name="erin", change_number=7
    )

    newest = view.versions.first()
    assert (newest.number, newest.origin, newest.change_number) == (2, "portal", 7)


def test_older_answers_never_overwrite_newer_ones(view: SavedQuery, sandbox: SandboxServer) -> None:
    old, asked_for_old = row_of(view), timezone.now()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
    sandbox.world.rename_outside(view.name, "new_name")
    services.read_live(view)

    services.store_read_back(saved_query=view, row=old, read_at=asked_for_old, origin="outside")

    assert (view.name, view.query) == ("new_name", "SELECT 1 AS one")
    assert view.versions.count() == 2


def test_a_sync_that_asked_before_the_read_back_does_not_undo_it(
    view: SavedQuery, sandbox: SandboxServer, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = view.name
    store_page = crawl.store_page
    seen: list[tuple[str, str | None]] = []

    def read_back_first(job: Job, listed: list[types.SavedQuery], asked_at: datetime) -> None:
        assert old in [row.name for row in listed]
        sandbox.world.edit_outside(view.name, "SELECT 1 AS one")
        sandbox.world.rename_outside(view.name, "new_name")
        services.store_read_back(saved_query=view, row=row_of(view), read_at=timezone.now(), change_number=7)
        store_page(job, listed, asked_at)
        seen.append(SavedQuery.objects.values_list("name", "query").get(pk=view.pk))

    monkeypatch.setattr(crawl, "store_page", read_back_first)
    sync(SyncRun.Kind.FULL)

    assert seen == [("new_name", "SELECT 1 AS one")]


def test_going_back_to_an_old_text_is_a_version_of_its_own(view: SavedQuery, sandbox: SandboxServer) -> None:
    first = view.query
    for sql in ("SELECT 1 AS one", first):
        sandbox.world.edit_outside(view.name, sql)
        services.read_live(view)

    assert list(view.versions.values_list("number", flat=True)) == [3, 2, 1]
    assert view.versions.first().query == first


@pytest.mark.django_db(transaction=True)
def test_reads_in_a_row_are_told_together_also_when_they_are_cut_short(
    view: SavedQuery, sandbox: SandboxServer
) -> None:
    told: list[SavedQuery] = []

    def note(sender: type[SavedQuery], saved_query: SavedQuery, **more: object) -> None:
        told.append(saved_query)

    view_read.connect(note)
    try:
        with pytest.raises(errors.NotFound), reads_told_together():
            for text in ("SELECT 1 AS one", "SELECT 2 AS two"):
                sandbox.world.edit_outside(view.name, text)
                services.read_live(view)
            assert not told
            sandbox.world.delete_outside(view.name)
            services.read_live(view)
        assert told == [view]
        with pytest.raises(errors.NotFound):
            services.read_live(view)
    finally:
        view_read.disconnect(note)
    assert view.versions.filter(origin="outside").count() == 2
