"""The copies that searches read follow what syncs and single reads bring."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SearchText
from warehouse_admin.mirror.search import texts
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


def test_what_was_edited_outside_is_stale_until_it_is_copied_and_found_all_the_while(
    synced: Connection,
    sandbox: SandboxServer,
    view_named: Callable[[str], SavedQuery],
    viewer: User,
    client_of: Callable[[User], Client],
):
    texts.keep_up()
    view = view_named("int_sessions")
    assert SearchText.objects.get(saved_query=view).about.startswith("int_sessions\n")
    reader = client_of(viewer)

    def found() -> list[str]:
        page = reader.get("/saved-queries/", {"q": "quite_new_word"})
        return [row.view.name for row in page.context["rows"]]

    sandbox.world.edit_outside("int_sessions", "SELECT 1 AS quite_new_word")
    sync(synced)
    assert list(SavedQuery.objects.filter(search_stale=True)) == [view]
    assert found() == ["int_sessions"]
    texts.keep_up()
    assert SearchText.objects.get(saved_query=view).query == "select 1 as quite_new_word"
    assert found() == ["int_sessions"]


def test_a_view_that_is_read_by_itself_is_stale_only_when_it_says_something_else(
    synced: Connection, sandbox: SandboxServer, view_named: Callable[[str], SavedQuery], person: Callable[..., User]
):
    texts.keep_up()
    view, editor = view_named("int_sessions"), person("reading", Role.EDITOR)

    services.refresh(saved_query=view, user=editor)
    assert not SavedQuery.objects.filter(search_stale=True).exists()
    sandbox.world.edit_outside("int_sessions", "SELECT 2 AS other")
    services.refresh(saved_query=view, user=editor)
    assert list(SavedQuery.objects.filter(search_stale=True)) == [view]


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_sync_copies_what_it_brought(connection: Connection):
    sync(connection)

    assert SearchText.objects.count() == SavedQuery.objects.count() > 0
    assert not SavedQuery.objects.filter(search_stale=True).exists()
