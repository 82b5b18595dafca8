"""The warehouse at a moment, and the difference between two, against what it really was."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.activity.conftest import EDITED, sync
from tests.activity.test_pages import fill
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror import moments
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Warehouse = dict[str, tuple[str, str | None]]
ENDPOINT = "endpoint"  # the origin of views that servers answer for and never list
PAGE = "/activity/moments/"


def really(world: World) -> Warehouse:
    """Name and SQL of every view that PostHog lists, by id."""
    return {view.id: (view.name, view.sql) for view in listed(world)}


def listed(world: World) -> list[View]:
    return [view for view in world.newest_views() if view.origin != ENDPOINT]


def known(at: datetime) -> Warehouse:
    found = moments.stands(moments.existing_at(at), at).values()
    texts = dict(SavedQueryVersion.objects.values_list("pk", "query"))
    assert all(stand.existed for stand in found)
    return {str(one.view.posthog_id): (one.name, texts[one.version.pk] if one.version else None) for one in found}


def befall(world: World, chance: random.Random, step: int) -> None:
    """One thing that somebody does in PostHog."""
    view = chance.choice([one for one in listed(world) if not one.managed_viewset_kind])
    what = chance.choice(["edit", "edit", "rename", "delete", "create", "back"])
    if what == "edit":
        world.edit_outside(view.id, f"SELECT {step} AS step")
    elif what == "back":
        world.edit_outside(view.id, chance.choice(["SELECT 1 AS one", view.sql]))
    elif what == "rename":
        world.rename_outside(view.id, f"renamed_{step}")
    elif what == "delete" and len(listed(world)) > 20:
        world.delete_outside(view.id)
    else:
        world.create_outside(f"made_{step}", f"SELECT {step} AS made")


@pytest.mark.parametrize("seed", [1, 2])
def test_any_moment_is_as_the_warehouse_was(synced: Connection, sandbox: SandboxServer, seed: int) -> None:
    chance = random.Random(seed)
    spans: list[tuple[datetime, datetime, Warehouse]] = []
    for step in range(16):
        since, there = timezone.now(), really(sandbox.world)
        spans.append((since, timezone.now(), there))
        befall(sandbox.world, chance, step)
        sync(synced)
    for since, until, there in chance.choices(spans, k=60):
        assert known(since + (until - since) * chance.random()) == there


def test_the_page_tells_what_became_otherwise_and_whose_it_was(
    known_story: tuple[datetime, str], viewer: User, client_of: ClientOf
) -> None:
    start, gone = known_story
    page = client_of(viewer).get(PAGE, {"from": start.isoformat()}).content.decode()

    assert "every hour" in page and "every 24 h" in page
    assert f">{gone}<" in page.replace("<wbr>", "") and "Deleted" in page
    assert "made_since" in page.replace("<wbr>", "") and "New" in page
    assert "v1 to v2" in page


@pytest.fixture
def known_story(synced: Connection, sandbox: SandboxServer) -> tuple[datetime, str]:
    """A moment, and the name of a view that was deleted after it: edited, renamed, made and paused others too."""
    world = sandbox.world
    gone = next(view.name for view in listed(world) if view.schedule is None and not view.managed_viewset_kind)
    hourly = next(view for view in listed(world) if view.sync_frequency == "1hour")
    start = timezone.now()
    world.edit_outside(EDITED, "SELECT 1 AS other")
    world.set_cadence_outside(hourly.name, "24hour")
    world.delete_outside(gone)
    world.create_outside("made_since", "SELECT 1 AS one")
    sync(synced)
    return start, gone


def test_two_moments_over_rest(known_story: tuple[datetime, str], viewer: User, client_of: ClientOf) -> None:
    start, gone = known_story
    client = client_of(viewer)

    found = client.get("/api/v1/moments/difference/", {"from": start.isoformat()}).json()["results"]

    by_name = {(one["after"] or one["before"])["name"]: one for one in found}
    assert {name: one["kind"] for name, one in by_name.items() if one["kind"] != "changed"} == {
        gone: "removed",
        "made_since": "added",
    }
    assert by_name[EDITED]["edited"] is True and by_name[EDITED]["edits"][0]["version"] == 2
    assert [one["differs"] for one in by_name.values() if "sync_frequency" in one["differs"]] == [["sync_frequency"]]
    assert (by_name[gone]["after"], by_name["made_since"]["before"]) == (None, None)

    stood = client.get("/api/v1/moments/", {"at": start.isoformat(), "search": gone, "limit": 5}).json()
    assert [one["name"] for one in stood["results"]] == [gone]
    assert not client.get("/api/v1/moments/", {"search": gone}).json()["results"]


def test_nothing_is_called_new_that_the_first_sync_found(synced: Connection, viewer: User, client_of: ClientOf) -> None:
    client = client_of(viewer)

    whole = client.get(PAGE, {"from": "2020-01-01"})
    before = client.get("/api/v1/moments/difference/", {"from": "2020-01-01", "to": "2020-02-01"})

    assert not whole.context["rows"] and "this begins where it ended" in whole.content.decode()
    assert before.status_code == 400 and "before the first sync" in before.json()["errors"]["to"][0]
    assert not client.get("/activity/moments/stood/", {"at": "2020-01-01T00:00"}).context["rows"]


def test_what_was_put_back_in_between_is_told_as_that(
    synced: Connection, sandbox: SandboxServer, viewer: User, client_of: ClientOf
) -> None:
    start, text = timezone.now(), sandbox.world.view(EDITED).sql
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS other")
    sync(synced)
    sandbox.world.edit_outside(EDITED, text)
    sync(synced)

    found = client_of(viewer).get("/api/v1/moments/difference/", {"from": start.isoformat()}).json()["results"]

    assert [(one["after"]["name"], one["kind"], len(one["edits"])) for one in found] == [(EDITED, "put_back", 2)]


def test_only_what_feeds_a_view(
    synced: Connection, sandbox: SandboxServer, viewer: User, client_of: ClientOf, lineage_of: Callable[..., Any]
) -> None:
    lineage_of(synced)
    start = timezone.now()
    for name in (EDITED, "stg_app_orders"):
        sandbox.world.edit_outside(name, sandbox.world.view(name).sql + "\nLIMIT 1000000")
    sync(synced)
    client = client_of(viewer)

    reader = _reader_of(EDITED, but_not="stg_app_orders")
    found = client.get("/api/v1/moments/difference/", {"from": start.isoformat(), "feeds": reader}).json()["results"]

    assert [one["after"]["name"] for one in found] == [EDITED]


def _reader_of(name: str, *, but_not: str) -> str:
    from warehouse_admin.lineage import selectors

    views = {view.pk: view for view in SavedQuery.objects.present()}
    wanted, other = (next(view.pk for view in views.values() if view.name == one) for one in (name, but_not))
    fed = {key: selectors.feeding(key)[0] for key in views}
    return next(views[key].name for key, by in fed.items() if wanted in by and other not in by and key != wanted)


@pytest.fixture
def lineage_of() -> Callable[..., Any]:
    from warehouse_admin.lineage import services

    return services.refresh


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-31"}, "to"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        ({"feeds": "no_such_view"}, "feeds"),
        ({"feeds": "x\x01" + "-" * 300}, "feeds"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(
    synced: Connection, viewer: User, client_of: ClientOf, query: dict[str, str], field: str
) -> None:
    client = client_of(viewer)

    page, rest = client.get(PAGE, query), client.get("/api/v1/moments/difference/", query)

    assert page.status_code == 422 and 'class="field-error"' in page.content.decode()
    assert rest.status_code == 400 and list(rest.json()["errors"]) == [field]


@pytest.mark.parametrize("path", [PAGE, "/activity/moments/stood/", "/activity/moments/stood/?q=view"])
def test_the_pages_cost_the_same_for_ten_views_and_for_sixty(
    connection: Connection,
    viewer: User,
    client_of: ClientOf,
    django_assert_max_num_queries: Callable[..., Any],
    path: str,
) -> None:
    client = client_of(viewer)
    fill(connection, 10)
    client.get(path)
    with django_assert_max_num_queries(12) as few:
        client.get(path)
    fill(connection, 50)
    with django_assert_max_num_queries(12) as many:
        client.get(path)
    assert len(few) == len(many)


def test_a_moment_that_has_not_come_is_refused(synced: Connection, viewer: User, client_of: ClientOf) -> None:
    answer = client_of(viewer).get("/activity/moments/stood/", {"at": "2990-01-01"})

    assert answer.status_code == 422
    assert "It has not come yet: choose one that has." in answer.content.decode()
