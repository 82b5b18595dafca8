"""Whatever happens, in whatever order: afterwards the mirror says exactly what the server holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.mirror.logs import doubled_entries, missing_entries
from tests.mirror.story import Still, Story
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.logged import told_sql
from warehouse_admin.mirror.models import Observation, RemoteActivity, Run, SavedQuery, WarehouseTable
from warehouse_admin.mirror.selectors import history_ends
from warehouse_admin.sandbox import pagination
from warehouse_admin.sandbox.messages import Request
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("CONVERGENCE_SEEDS", "8"))
FIRST = int(os.environ.get("CONVERGENCE_FIRST_SEED", "0"))
SKEWS = (0.0, 0.0, 3 * 3_600.0, -3 * 3_600.0)


def few_at_a_time(request: Request, rows: Sequence[Any], size: int, *rest: Any) -> dict[str, Any]:
    """The log and the feed of runs in many small pages."""
    return pagination.by_cursor(request, rows, min(size, 6), *rest)


@pytest.fixture(params=range(FIRST, FIRST + SEEDS))
def seed(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def sandbox(seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A small warehouse in many pages, of every generation in turn, whose clock may be hours off."""
    skew = SKEWS[seed // 4 % len(SKEWS)]
    monkeypatch.setattr("warehouse_admin.sandbox.store.Clock", lambda: Still(skew))
    monkeypatch.setattr("warehouse_admin.sandbox.synthetic.TABLES", 8)
    for waits in ("posthog.client.BACKOFF", "mirror.sync.fetch.FALLBACK_WAIT"):
        monkeypatch.setattr(f"warehouse_admin.{waits}", 0.002)
    monkeypatch.setattr("warehouse_admin.mirror.sync.tables.PAGE", 4)
    monkeypatch.setattr("warehouse_admin.mirror.sync.details.BATCH", 4)
    monkeypatch.setattr("warehouse_admin.sandbox.activity.by_cursor", few_at_a_time)
    with SandboxServer(generation="ABCD"[seed % 4], size=12, seed=seed) as server:
        server.world.page_size = 5
        yield server


def test_the_mirror_converges(
    seed: int, sandbox: SandboxServer, connection: Connection, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(seed, sandbox, connection, admin, monkeypatch)
    settled: dict[str, int] = {}
    if without_log(seed):
        story.refuse_log()
    for _ in range(2):
        story.go(5)
        story.settle()

        assert wrong_views(sandbox.world) == {}, story.told
        assert wrong_tables(sandbox.world) == {}, story.told
        assert missing_runs(sandbox.world) == [], story.told
        assert without_log(seed) or missing_entries(sandbox.world) == set(), story.told
        assert doubled_entries() == [], story.told
        assert wrong_texts(story, settled) == [], story.told
        assert nameless_edits() == [], story.told
        settled = {key: len(story.texts[key]) - 1 for key in listed(sandbox.world)}

    if without_log(seed):
        story.allow_log()
        story.settle()

        assert missing_entries(sandbox.world) == set(), story.told
        assert doubled_entries() == [], story.told
        assert wrong_texts(story, settled) == [], story.told


def without_log(seed: int) -> bool:
    """In every other round of the four generations the project's log is refused at first."""
    return seed // 4 % 2 == 1


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def listed(world: World) -> dict[str, View]:
    return {view.id: view for view in world.newest_views()}


def wrong_views(world: World) -> dict[str, Any]:
    """What each side says of the views on which they differ; a missing one is None."""
    last = {view.id: world.newest_job(view.id) for view in world.views.values()}
    there = {
        view.id: {
            "name": view.name,
            "query": view.sql,
            "cadence": view.sync_frequency or "",
            "materialized": bool(view.is_materialized),
            "status": view.status or "",
            "error": view.latest_error or "",
            "last run": at(job.last_run_at) if (job := last[view.id]) else None,
            "columns": sorted(name for name, _ in view.columns),
            "suspended": bool(view.suspended),
        }
        for view in listed(world).values()
    }
    here = {
        str(view.posthog_id): {
            "name": view.name,
            "query": view.query,
            "cadence": view.sync_frequency,
            "materialized": bool(view.is_materialized),
            "status": view.status,
            "error": view.latest_error,
            "last run": view.last_run_at,
            "columns": sorted(column["name"] for column in view.columns),
            "suspended": bool(view.suspended),
        }
        for view in SavedQuery.objects.present()
    }
    return {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys() if here.get(k) != there.get(k)}


def wrong_tables(world: World) -> dict[str, Any]:
    there = {t.id: (t.name, [name for name, _ in t.columns]) for t in world.tables.values() if not t.deleted}
    here = {
        str(table.posthog_id): (table.name, [column["name"] for column in table.columns])
        for table in WarehouseTable.objects.present()
    }
    there, here = ({k: (name, sorted(columns)) for k, (name, columns) in side.items()} for side in (there, here))
    return {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys() if here.get(k) != there.get(k)}


def missing_runs(world: World) -> list[Any]:
    """Runs of views that exist, as the server tells them and the mirror does not. Doubles the database refuses."""
    here = {
        (str(view), job): (status, finished)
        for view, job, status, finished in Run.objects.values_list(
            "saved_query__posthog_id", "job_id", "status", "finished_at"
        )
    }
    assert not any(job == "" for _, job in here)
    there = [
        ((job.view_id, job.id), (job.status, None if job.status == "Running" else at(job.last_run_at)))
        for key in listed(world)
        for job in world.jobs.get(key, [])
    ]
    return [(key, here.get(key), told) for key, told in there if here.get(key) != told]


def wrong_texts(story: Story, settled: dict[str, int]) -> list[Any]:
    """Versions that nobody wrote, that follow themselves or are out of order, texts that the log told of and that are
    none, and tombstones whose SQL is older than what we had."""
    wrong: list[Any] = []
    begin = history_ends(story.connection)
    for view in SavedQuery.objects.prefetch_related("versions"):
        key = str(view.posthog_id)
        told = story.texts[key]
        versions = [version.query for version in view.versions.all()][::-1]
        if not set(versions) <= set(told) or any(a == b for a, b in zip(versions, versions[1:], strict=False)):
            wrong.append((view.name, "versions", versions, told))
        numbers = [version.number for version in view.versions.all()][::-1]
        if numbers != list(range(1, len(numbers) + 1)) or not in_order(versions, told):
            wrong.append((view.name, "the order", numbers, versions, told))
        logged = RemoteActivity.objects.filter(posthog_id=view.posthog_id, created_at__gte=begin)
        edits = [sql[1] for row in logged if (sql := told_sql(row.detail))]
        if not set(edits) <= set(versions) or logged.filter(awaits_version=True).exists():
            wrong.append((view.name, "a text is no version", versions, edits))
        if view.query is not None and versions[-1:] != [view.query]:
            wrong.append((view.name, "the newest version is another", versions, view.query))
        if key in settled and view.query not in told[settled[key] :]:
            wrong.append((view.name, "an older text", view.query, told, settled[key]))
    return wrong


def in_order(versions: list[str], told: list[str]) -> bool:
    """Whether these versions follow one another as the texts that were written did; some may be missing."""
    written = iter(told)
    return all(version in written for version in versions)


def nameless_edits() -> list[Any]:
    """Edits that a sync saw in our time and of which no log tells; every server logs every edit."""
    seen = Observation.objects.filter(kind="edited", is_history=False).select_related("saved_query")
    return [
        (one.saved_query.name, one.after)
        for one in seen
        if one.after["query_hash"] not in _logged_hashes(one.saved_query)
    ]


def _logged_hashes(view: SavedQuery) -> set[str]:
    logged = RemoteActivity.objects.filter(posthog_id=view.posthog_id)
    return {text_digest(sql[1]) for row in logged if (sql := told_sql(row.detail))}
