"""Nulls, missing fields, wrong types and words that nobody knows, in every field of every list."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.sandbox import shapes
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Row = dict[str, Any]
KEPT = {"id", "saved_query_id", "item_id"}


def nulls(row: Row) -> Row:
    return {name: value if name in KEPT else None for name, value in row.items()}


def nothing_else(row: Row) -> Row:
    return {name: value for name, value in row.items() if name in KEPT}


def wrong_types(row: Row) -> Row:
    def turned(value: Any) -> Any:
        return [{"odd": [1, None]}] if isinstance(value, str | dict) or value is None else {"odd": value}

    return {name: value if name in KEPT else turned(value) for name, value in row.items()}


def numbers(row: Row) -> Row:
    return {name: value if name in KEPT else 10**30 for name, value in row.items()}


def strange_words(row: Row) -> Row:
    odd = {
        "status": "Hibernating \x00" + "x" * 400,
        "sync_frequency": "every third blue moon",
        "origin": "another planet " * 10,
        "managed_viewset_kind": "m" * 300,
        "latest_history_id": "no uuid " * 20,
        "suspended": {"engine": {"at": math.nan, "reason": "\x00", "more": [math.inf]}},
        "format": "Papyrus" * 20,
        "activity": "teleported" * 20,
        "created_at": "0001-01-01T00:00:00+23:59",
        "rows_materialized": -(10**30),
        "name": "n" * 500,
        "url_pattern": "u" * 900,
    }
    return {name: odd.get(name, value) for name, value in row.items()}


def oddly(odd: Callable[[Row], Row], shape: Callable[..., Row]) -> Callable[..., Row]:
    """The shape of a row with its values turned odd."""
    return lambda *args, **named: odd(shape(*args, **named))


@pytest.mark.parametrize("odd", [nulls, nothing_else, wrong_types, numbers, strange_words])
@pytest.mark.parametrize("generation", ["A", "D"])
def test_odd_rows_are_kept_as_far_as_they_say_anything_and_mended_later(
    connection: Connection,
    sync: Callable[..., SyncRun],
    sandbox: SandboxServer,
    differs: Callable[[], dict[str, object]],
    client_of: Callable[[User], Client],
    viewer: User,
    monkeypatch: pytest.MonkeyPatch,
    odd: Callable[[Row], Row],
    generation: str,
) -> None:
    sandbox.world.set_generation(generation)
    with monkeypatch.context() as patch:
        for shape in ("view_row", "view_detail", "table", "job", "project_log_entry"):
            patch.setattr(shapes, shape, oddly(odd, getattr(shapes, shape)))
        done = sync()
        assert (done.state, done.error) == ("succeeded", "")
        assert (sync().state, SavedQuery.objects.tombstones().count()) == ("succeeded", 0)
        listed = [view for view in sandbox.world.live_views() if generation == "A" or view.origin != "endpoint"]
        assert SavedQuery.objects.count() == len(listed)
        portal = client_of(viewer)
        view = SavedQuery.objects.order_by("pk")[0]
        for address in (reverse("mirror:view-list"), reverse("mirror:view-detail", args=[view.posthog_id])):
            assert portal.get(address).status_code == 200

    assert (sync(SyncRun.Kind.FULL).state, differs()) == ("succeeded", {})
    assert WarehouseTable.objects.exclude(name="").count() == WarehouseTable.objects.count()
    assert Run.objects.exists()


@pytest.mark.parametrize("shape", ["view_row", "table"])
def test_an_id_that_is_none_fails_the_sync_in_words(
    connection: Connection,
    sync: Callable[..., SyncRun],
    sandbox: SandboxServer,
    differs: Callable[[], dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shapes, shape, oddly(lambda row: {**row, "id": "../../etc"}, getattr(shapes, shape)))
        failed = sync()

    assert failed.state == "failed" and "whose id is no uuid" in failed.error
    assert (sync().state, differs()) == ("succeeded", {})
