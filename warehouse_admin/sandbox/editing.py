"""The effects of creating, changing and deleting a view; rules of refusal live with the endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import lineage, logbook
from .errors import invalid, unhandled
from .generations import SECONDS
from .models import View

if TYPE_CHECKING:
    from .world import World

NO_NODE = (
    "Cannot set a materialization frequency: this view is not wired into the data modeling DAG yet. "
    "Re-save the view to create its node, then set the frequency."
)


def create(world: World, name: str, query: dict[str, Any] | None, user_id: int | None) -> View:
    now = world.now()
    view = View(world.new_id(), name, query, user_id, now, now)
    view.revision = world.new_id()
    view.columns = lineage.infer_columns(world, view.sql)
    world.add_view(view)
    world.record_later(logbook.entry(world, view, user_id, "created", [logbook.change("query", None, query)]))
    return view


def query_changed(world: World, view: View) -> None:
    """What follows from new SQL: columns, status, revision."""
    view.columns = lineage.infer_columns(world, view.sql)
    view.status = "Modified"
    view.revision = world.new_id()
    view.failing = None
    view.has_node, view.lineage_dropped = True, False
    view.updated_at = world.now()
    world.changed = True


def rename(world: World, view: View, name: str) -> None:
    view.name = name
    view.updated_at = world.now()
    world.reindex()


def delete(world: World, view: View, user_id: int | None) -> None:
    """Soft delete: the schedule and storage go, the name is free again."""
    logbook.log_action(world, view, user_id, "deleted")
    world.runner.revert(view)
    view.deleted = True
    view.name = f"POSTHOG_DELETED_{view.id}"
    world.reindex()


def materialize(world: World, view: View, frequency: str) -> bool:
    """Create or refresh the schedule; true if it was created, which starts a run."""
    created = view.schedule is None
    view.is_materialized, view.sync_frequency = True, frequency
    view.suspended, view.lineage_dropped = {}, False
    world.runner.set_interval(view, SECONDS[frequency])
    world.runner.store(view)
    if created:
        world.runner.start(view, world.now())
    return created


def set_frequency(world: World, view: View, frequency: str) -> list[dict[str, Any]]:
    """Store a cadence and do to the schedule what the generation does; returns what to log."""
    before = view.sync_frequency
    after = None if frequency == "never" else frequency
    if world.generation.name == "D":
        after = _bounded(view, after)
    elif world.generation.name == "A":
        if frequency == "never" and view.schedule is None:
            raise unhandled()
        view.is_materialized = True
    view.sync_frequency = after
    view.updated_at = world.now()
    if after is None:
        world.runner.pause(view)
    elif view.schedule is not None or world.generation.name in "AD":
        if view.is_materialized:
            world.runner.set_interval(view, SECONDS[after])
            world.runner.store(view)
            view.suspended = {}
    world.changed = True
    return [] if before == after else [logbook.frequency_change(before, after)]


def _bounded(view: View, frequency: str | None) -> str | None:
    if not view.has_node:
        raise invalid(NO_NODE, "sync_frequency")
    frequency = raised(frequency) if frequency else None
    if frequency and view.bounds:
        low, high = view.bounds
        if not SECONDS[low] <= SECONDS[frequency] <= SECONDS[high]:
            text = f"The frequency must be between {low} and {high}, given the views around this one."
            raise invalid(text, "sync_frequency")
    return frequency


def raised(frequency: str) -> str:
    """D takes shorter cadences than it runs, and stores the shortest it does."""
    return "15min" if frequency in ("1min", "5min") else frequency
