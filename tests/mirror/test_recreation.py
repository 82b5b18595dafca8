"""A name that comes back under another id is a new view, linked to the deleted one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]


@pytest.fixture
def name(synced: Connection) -> str:
    plain = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False).exclude(query=None)
    return plain.order_by("name")[0].name


@pytest.mark.parametrize("between", [True, False], ids=["a sync in between", "within one sync"])
def test_the_new_view_is_linked_to_the_deleted_one(
    name: str, between: bool, sync: Sync, sandbox: SandboxServer, client_of: Callable[[User], Client], viewer: User
) -> None:
    sandbox.world.delete_outside(name)
    if between:
        sync()
    sandbox.world.create_outside(name, "SELECT 3 AS three")
    sync()

    old, new = SavedQuery.objects.filter(name=name).order_by("pk")
    assert (new.recreates, old.recreates, new.query) == (old, None, "SELECT 3 AS three")
    assert old.deleted_at is not None and old.query != new.query
    portal = client_of(viewer)
    pages = {
        view: portal.get(reverse("mirror:view-detail", args=[view.posthog_id])).content.decode() for view in (old, new)
    }
    assert "see the new one" in pages[old] and str(new.posthog_id) in pages[old]
    assert "see the deleted one" in pages[new] and str(old.posthog_id) in pages[new]


def test_the_newest_tombstone_of_the_name_counts(name: str, sync: Sync, sandbox: SandboxServer) -> None:
    for number in range(2):
        sandbox.world.delete_outside(name)
        sync()
        sandbox.world.create_outside(name, f"SELECT {number} AS again")
        sync()

    first, second, third = SavedQuery.objects.filter(name=name).order_by("pk")
    assert (first.recreates, second.recreates, third.recreates) == (None, first, second)


def test_an_old_view_that_is_renamed_to_the_free_name_recreates_nothing(
    name: str, sync: Sync, sandbox: SandboxServer
) -> None:
    other = SavedQuery.objects.present().filter(managed_viewset_kind="").exclude(name=name).order_by("-name")[0]
    sandbox.world.delete_outside(name)
    sandbox.world.rename_outside(other.name, name)

    sync()

    other.refresh_from_db()
    assert (other.name, other.recreates) == (name, None)
