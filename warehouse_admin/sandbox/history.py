"""The weeks before the demonstration: past runs, and who edited what."""

from __future__ import annotations

import re
from typing import Any

from . import logbook
from .generations import SECONDS
from .models import Job, View
from .people import find_person
from .runs import PAUSED_PREFIX
from .world import World

DAY = 86_400.0
RUNS_KEPT = 40
EDITORS = ("ana", "chiara", "ben", "dmitri", "chiara", "ana", "emeka")
OLD_ERRORS = (
    "Code: 241. DB::Exception: Memory limit (for query) exceeded: would use 20.01 GiB. (MEMORY_LIMIT_EXCEEDED)",
    "Code: 159. DB::Exception: Timeout exceeded: elapsed 600.1 seconds, maximum: 600. (TIMEOUT_EXCEEDED)",
    "Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)",
)
_COLUMN_LINE = re.compile(r"^ {4}\S.* AS \w+,\r?\n", re.MULTILINE)


def write(world: World, facts: dict[str, Any], cadences: dict[str, str]) -> None:
    """Runs of every materialized view and a log of some weeks."""
    for name, cadence in cadences.items():
        if name not in facts["never_ran"]:
            _runs(world, facts, world.view(name), SECONDS[cadence])
    for number, view in enumerate(list(world.views.values())):
        if view.managed_viewset_kind is None and view.name not in facts["without_history"]:
            _edits(world, view, number, cadences.get(view.name))
    for name, by in facts["paused"].items():
        if world.generation.modern:
            view = world.view(name)
            change = logbook.frequency_change(cadences[name], None)
            _log(world, view, find_person(by).id, "updated", [change], world.now() - 11 * DAY)
    for name in facts["modified"]:
        world.view(name).status = "Modified"


def _runs(world: World, facts: dict[str, Any], view: View, interval: int) -> None:
    rng, now = world.random, world.now()
    sick = facts["suspended"].get(view.name)
    since = sick["days"] * DAY if sick else rng.uniform(0.05, 0.9) * interval
    if view.name in facts["paused"]:
        since += 11 * DAY
    count = min(RUNS_KEPT, int((now - since - view.created_at) // interval))
    seconds, rows = rng.uniform(6, 240), view.rows
    for back in range(count - 1, -1, -1):
        start = now - since - back * interval - rng.uniform(0, 20)
        seconds = max(3.0, seconds * rng.uniform(0.93, 1.08))
        end = min(start + seconds, now - 1)
        job = Job(world.new_id(), view.id, "Completed", start, end, end, int(rows * (1 - back * 0.004)))
        job.rows_expected = job.rows
        if back > 1 and rng.random() < 0.03:
            job.status, job.rows, job.error = "Failed", 0, rng.choice(OLD_ERRORS)
        if sick and back < 5:
            job.last_run_at = job.ends_at = start + 600
            job.status, job.rows, job.error = "Failed", 0, sick["error"]
        world.add_job(job)
    _last_run(world, facts, view)


def _last_run(world: World, facts: dict[str, Any], view: View) -> None:
    """What the newest run left on the view."""
    job = world.newest_job(view.id)
    if job is None:
        return
    if view.name in facts["failed"]:
        job.status, job.rows, job.error = "Failed", 0, facts["failed"][view.name]
    if view.name in facts["cancelled"]:
        job.status, job.rows, job.error = "Cancelled", 0, "Cancelled by user"
    if view.name in facts["suspended"] and not world.generation.has_revisions:
        job.error = PAUSED_PREFIX + (job.error or "")
    view.status = job.status
    view.latest_error = job.error if job.status == "Failed" else None
    view.updated_at = job.last_run_at


def _edits(world: World, view: View, number: int, cadence: str | None) -> None:
    """Creation and a few edits, each of which added a column to the query."""
    rng, now = world.random, world.now()
    texts = _earlier_texts(view.sql, number % 4)
    ages = sorted((rng.uniform(0.4, (now - view.created_at) / DAY - 3) for _ in texts[1:]), reverse=True)
    first = {"kind": "HogQLQuery", "query": texts[0]}
    _log(world, view, view.created_by, "created", [logbook.change("query", None, first)], view.created_at)
    if cadence and world.generation.modern:
        change = logbook.frequency_change(None, cadence)
        at = view.created_at + DAY
        _log(world, view, view.created_by, "materialization_enabled", [change], at)
    for step, age in enumerate(ages):
        before, after = ({"kind": "HogQLQuery", "query": text} for text in texts[step : step + 2])
        editor = find_person(EDITORS[(number + step) % len(EDITORS)]).id
        at = now - age * DAY
        _log(world, view, editor, "updated", [logbook.change("query", before, after)], at)
        view.updated_at = max(view.updated_at, at)
    if cadence and world.generation.modern and number % 5 == 0:
        _log(world, view, find_person(EDITORS[number % 7]).id, "sync_triggered", None, now - rng.uniform(0.3, 20) * DAY)


def _earlier_texts(text: str, count: int) -> list[str]:
    """The text as it was, oldest first, each version one column shorter than the next."""
    texts = [text]
    for _ in range(count):
        lines = list(_COLUMN_LINE.finditer(texts[0]))
        if len(lines) < 2:
            break
        line = lines[-1]
        texts.insert(0, texts[0][: line.start()] + texts[0][line.end() :])
    return texts


def _log(
    world: World, view: View, by: int | None, activity: str, changes: list[dict[str, Any]] | None, at: float
) -> None:
    world.record(logbook.entry(world, view, by, activity, changes, at))
