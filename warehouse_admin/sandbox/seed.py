"""Filling a new world with the demonstration warehouse: a shop for subscription boxes, always as of now."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import activity, history, lineage, synthetic
from .generations import SECONDS
from .models import Folder, Interview, Schedule, Source, Table, View
from .people import find_person
from .world import World

HERE = Path(__file__).parent / "warehouse"
LAYERS = ("staging", "intermediate", "marts", "managed", "endpoints")
DAY = 86_400.0
AUTHORS = ("ana", "ben", "chiara", "ana", "dmitri", "chiara", "ben", "emeka")
QUIET = 1800.0  # seconds after the start in which no schedule fires by itself, unless the world is live
LIVE_STEPS = (4.0, 9.0, 18.0, 30.0, 45.0, 70.0, 100.0)


def fill(world: World, size: int | None, live: bool) -> None:
    """The demonstration warehouse, or a plain one of `size` views."""
    if size is not None:
        synthetic.fill(world, size)
    else:
        facts = _facts()
        _tables(world)
        _views(world, facts)
        _interviews(world, facts)
        history.write(world, facts, cadences(facts, world))
        _schedule(world, facts, live)
    world.changed = True


@lru_cache(maxsize=1)
def _facts() -> dict[str, Any]:
    return json.loads((HERE / "views.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _files() -> tuple[tuple[str, str, str], ...]:
    """Layer, view name and SQL of every file, in a steady order."""
    return tuple(
        (layer, path.stem, path.read_text(encoding="utf-8").rstrip("\n"))
        for layer in LAYERS
        for path in sorted((HERE / layer).glob("*.sql"))
    )


def _pairs(text: str) -> list[list[str]]:
    return [[*column.split(":"), "string"][:2] for column in text.split()]


def _tables(world: World) -> None:
    data = json.loads((HERE / "tables.json").read_text(encoding="utf-8"))
    now = world.now()
    for kind, source in data["sources"].items():
        by = find_person(source["by"]).id
        created = now - source["age_days"] * DAY
        made = Source(world.new_id(), kind, source["status"], created, by)
        world.sources[made.id] = made
        for number, (name, columns) in enumerate(source["tables"].items()):
            pattern = f"https://storage.harborgoods.example/team_1_{kind.lower()}/{name}/*"
            table = Table(world.new_id(), name, "DeltaS3Wrapper", pattern, by, created + 60 * number + 1)
            table.columns, table.source_id = _pairs(columns), made.id
            synced = now - source["synced_minutes"] * 60 - number * 7
            table.schema = {
                "id": world.new_id(),
                "name": name.removeprefix(f"{kind.lower()}_"),
                "should_sync": True,
                "last_synced_at": synced,
            }
            world.add_table(table)
    for name, facts in data["self_managed"].items():
        by, created = find_person(facts["by"]).id, now - facts["age_days"] * DAY
        table = Table(world.new_id(), name, facts["format"], facts["url"], by, created)
        table.columns, table.invalid_columns = _pairs(facts["columns"]), facts.get("invalid", [])
        table.credential = {"id": world.new_id(), "created_by": by, "created_at": created}
        world.add_table(table)


def _views(world: World, facts: dict[str, Any]) -> None:
    now = world.now()
    for number, (layer, name, text) in enumerate(_files()):
        if name in facts["crlf"]:
            text = text.replace("\n", "\r\n")
        depth = LAYERS.index(layer)
        created = now - (230 - depth * 45 - (number % 20) * 1.7) * DAY
        by = None if layer == "managed" else find_person(AUTHORS[number % len(AUTHORS)]).id
        view = View(world.new_id(), name, {"kind": "HogQLQuery", "query": text}, by, created, created)
        view.revision = world.new_id()
        view.rows = world.random.randrange(400, 900_000 // (depth + 1))
        view.description = facts["descriptions"].get(name, "")
        view.bounds = facts["bounds"].get(name)
        if layer == "managed":
            view.managed_viewset_kind, view.origin = "revenue_analytics", "managed_viewset"
        if layer == "endpoints":
            view.origin = "endpoint"
        if name in facts["without_history"]:
            view.revision, view.deleted = None, None
        world.add_view(view)
    for view in world.views.values():
        view.columns = lineage.infer_columns(world, view.sql)
    for name, members in facts["folders"].items():
        folder = Folder(world.new_id(), name, now - 150 * DAY, find_person("ana").id)
        world.folders[folder.id] = folder
        for member in members:
            world.view(member).folder_id = folder.id


def cadences(facts: dict[str, Any], world: World) -> dict[str, str]:
    """The cadence of every materialized view, by name."""
    found = {name: cadence for cadence, names in facts["materialized"].items() for name in names}
    managed = (view.name for view in world.views.values() if view.managed_viewset_kind)
    return found | dict.fromkeys(managed, facts["managed_frequency"])


def _schedule(world: World, facts: dict[str, Any], live: bool) -> None:
    """Give each materialized view its schedule, and the sick ones their sickness."""
    now = world.now()
    for name, cadence in cadences(facts, world).items():
        view = world.view(name)
        seconds = SECONDS[cadence]
        job = world.newest_job(view.id)
        due = (job.created_at if job else now - seconds / 3) + seconds
        earliest = now + QUIET * (1 + world.random.random())
        view.schedule = Schedule(seconds, max(due, now + 120.0 if live else earliest))
        view.is_materialized, view.sync_frequency = True, cadence
        _storage(world, view)
        if name in facts["paused"]:
            view.schedule.paused, view.sync_frequency = True, None
        if name in facts["suspended"]:
            _suspend(world, view, facts["suspended"][name])
    for name in facts["keep_failing"]:
        view = world.view(name)
        view.failing, view.failures = view.latest_error, 1
    if live:
        for name, step in zip(facts["first_to_run"], LIVE_STEPS, strict=True):
            if schedule := world.view(name).schedule:
                schedule.next_run_at = now + step
        for name in facts["about_to_fail"]:
            world.fail_next_run(name)
    for view in world.views.values():
        world.runner.plan(view)


def _storage(world: World, view: View) -> None:
    """A storage table as old as the materialization, not as the demonstration."""
    world.runner.store(view)
    if table := world.storage_of(view.id):
        table.created_at = view.created_at + DAY


def _suspend(world: World, view: View, facts: dict[str, Any]) -> None:
    job = world.newest_job(view.id)
    at = job.last_run_at if job else world.now()
    world.runner.suspend(view, facts["error"], at, job.id if job else None)
    view.failures = 5
    view.failing = facts["error"] if facts.get("keeps_failing") else None


def _interviews(world: World, facts: dict[str, Any]) -> None:
    now = world.now()
    for row in facts["interviews"]:
        by, created = find_person(row["by"]).id, now - row["days"] * DAY
        item = Interview(world.new_id(), by, created, row["emails"], row["transcript"], row["summary"], row["topic"])
        world.interviews[item.id] = item
    for number, (scope, name) in enumerate(facts["other_log_lines"]):
        world.record(activity.foreign_entry(world, 1 + number % 5, scope, name, now - (number * 3.3 + 1) * DAY))
