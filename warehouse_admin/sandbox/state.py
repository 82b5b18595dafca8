"""Keeping a world in a JSON file, so that a restart forgets nothing."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .generations import GENERATIONS
from .models import Folder, Interview, Job, LogEntry, Schedule, Source, Table, View
from .world import World

VERSION = 1
PAUSE = 5.0  # seconds between saves that nobody insists on


class BadState(Exception):
    """The file cannot be read as a world; the message says what to do."""


def dump(world: World) -> dict[str, Any]:
    return {
        "version": VERSION,
        "generation": world.generation.name,
        "offset": world.clock.offset,
        "views": [asdict(view) for view in world.views.values()],
        "tables": [vars(table) for table in world.tables.values()],
        "sources": [vars(source) for source in world.sources.values()],
        "jobs": [vars(job) for runs in world.jobs.values() for job in runs],
        "log": [vars(entry) for entry in world.log],
        "interviews": [vars(item) for item in world.interviews.values()],
        "folders": [vars(folder) for folder in world.folders.values()],
        "revoked": [key.value for key in world.keys.values() if key.revoked],
    }


def load(world: World, path: Path) -> None:
    """Fill an empty world from the file; raises BadState."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise BadState(f"{path} was written by another version of the sandbox. Remove it to start afresh.")
        _restore(world, data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadState(f"{path} cannot be read as a sandbox's state ({error}). Remove it to start afresh.") from error


def _restore(world: World, data: dict[str, Any]) -> None:
    world.generation = GENERATIONS[data["generation"]]
    world.clock.offset = data["offset"]
    world.views = {row["id"]: _view(row) for row in data["views"]}
    world.tables = {row["id"]: Table(**row) for row in data["tables"]}
    world.sources = {row["id"]: Source(**row) for row in data["sources"]}
    for row in data["jobs"]:
        world.add_job(Job(**row))
    for row in data["log"]:
        world.record(LogEntry(**row))
    world.interviews = {row["id"]: Interview(**row) for row in data["interviews"]}
    world.folders = {row["id"]: Folder(**row) for row in data["folders"]}
    for value in data["revoked"]:
        if value in world.keys:
            world.revoke_key(value)
    world.random.seed(time.time())  # or the ids made after a restart would repeat the first ones
    world.reindex()
    for view in world.views.values():
        world.runner.plan(view)


def _view(row: dict[str, Any]) -> View:
    schedule = row.pop("schedule")
    return View(**row, schedule=Schedule(**schedule) if schedule else None)


class Keeper:
    """Writes the world to its file, whole or not at all."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._lock = threading.Lock()
        self._last = 0.0

    def save(self, *, force: bool) -> None:
        world = self._world
        if not world.changed or (not force and time.monotonic() - self._last < PAUSE):
            return
        with self._lock:
            with world.lock:
                world.changed = False
                text = json.dumps(dump(world), separators=(",", ":"))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_name(self._path.name + ".new")
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self._path)
            self._last = time.monotonic()
