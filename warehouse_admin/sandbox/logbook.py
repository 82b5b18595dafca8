"""Writing PostHog's own activity log: what each generation notes, and what it keeps silent about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .generations import SECONDS
from .models import LogEntry, View

if TYPE_CHECKING:
    from .world import World

SCOPE = "DataWarehouseSavedQuery"


def change(field: str, before: Any, after: Any) -> dict[str, Any]:
    action = "created" if before is None else "deleted" if after is None else "changed"
    return {"type": SCOPE, "action": action, "field": field, "before": before, "after": after}


def interval_text(frequency: str | None) -> str | None:
    """How the log writes an interval: `1 day, 0:00:00`."""
    seconds = SECONDS.get(frequency or "")
    return str(timedelta(seconds=seconds)) if seconds else None


def frequency_change(before: str | None, after: str | None) -> dict[str, Any]:
    return change("sync_frequency_interval", interval_text(before), interval_text(after))


def entry(
    world: World,
    view: View,
    user_id: int | None,
    activity: str,
    changes: list[dict[str, Any]] | None,
    at: float | None = None,
) -> LogEntry:
    detail = {"changes": changes, "trigger": None, "name": view.name, "short_id": None, "type": None}
    when = world.now() if at is None else at
    return LogEntry(world.new_id(), user_id, activity, SCOPE, view.id, detail, when)


def logged_changes(world: World, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The changes this generation notes; names never, frequencies only on C and D."""
    fields = {"query", "deleted"} | ({"sync_frequency_interval"} if world.generation.modern else set())
    return [item for item in changes if item["field"] in fields]


def log_update(world: World, view: View, user_id: int | None, changes: list[dict[str, Any]]) -> None:
    """Note an update, unless nothing of it is worth a line to this generation."""
    kept = logged_changes(world, changes)
    if kept:
        world.record_later(entry(world, view, user_id, "updated", kept))


def log_action(
    world: World, view: View, user_id: int | None, activity: str, changes: list[dict[str, Any]] | None = None
) -> None:
    """Note a run, cancel, materialize, revert or delete, which only C and D do."""
    if world.generation.modern:
        world.record_later(entry(world, view, user_id, activity, changes))


def token(world: World, view: View) -> str | None:
    """The concurrency token a client would read now."""
    kind = world.generation.stamp
    if kind == "revision":
        return view.revision
    entries = world.log_of.get(view.id, [])
    for item in reversed(entries):
        if kind == "last_entry" or any(c["field"] == "query" for c in item.detail.get("changes") or []):
            return item.id
    return None
