"""`warehouse_saved_queries/:id/<action>/`, most of which answer with nothing."""

from __future__ import annotations

import uuid
from typing import Any

from . import editing, lineage, logbook
from .clock import iso
from .errors import ApiError, invalid, required, unhandled
from .generations import SECONDS
from .messages import Request, Response
from .models import View
from .saved_queries import find
from .world import World

NOT_SET_UP = "This view isn't fully set up to materialize. Save the query again, then try syncing."
MATERIALIZE_FAILED = "Materialization failed. Please try again or contact support."
NOT_RUNNING = "Cannot cancel a query that is not running"


def _throttle_view(world: World, view: View, name: str, limit: int, seconds: int) -> None:
    """C and D limit these actions per view, where limits are on at all."""
    if world.generation.modern and world.rate is not None:
        world.throttle.spend(f"{name}:{view.id}", [(limit, seconds)], world.now())


def run(world: World, request: Request) -> Response:
    view = find(world, request)
    _throttle_view(world, view, "run", 10, 60)
    request.json()
    if request.has_fault("scheduler_down"):
        raise unhandled()
    if world.generation.has_revisions and (not view.has_node or not view.is_materialized):
        raise invalid(NOT_SET_UP)
    if view.schedule is None and not world.generation.modern:
        raise unhandled()
    if view.schedule is not None:
        world.runner.start(view, world.now())
    logbook.log_action(world, view, request.person.id, "sync_triggered")
    world.wrote(view.id)
    return Response(200)


def materialize(world: World, request: Request) -> Response:
    view = find(world, request)
    _throttle_view(world, view, "materialize", 5, 3600)
    frequency = "24hour"
    if world.generation.has_revisions:
        frequency = request.json().get("sync_frequency") or frequency
        if frequency not in SECONDS:
            raise invalid(f'"{frequency}" is not a valid choice.', "sync_frequency", "invalid_choice")
        frequency = editing.raised(frequency)
    if view.managed_viewset_kind:
        raise invalid("Cannot materialize a query from a managed viewset.")
    if request.has_fault("scheduler_down"):
        view.sync_frequency, view.is_materialized = frequency, False
        world.wrote(view.id)
        raise ApiError(500, {"error": MATERIALIZE_FAILED})
    change = logbook.frequency_change(view.sync_frequency, frequency)
    editing.materialize(world, view, frequency)
    logbook.log_action(world, view, request.person.id, "materialization_enabled", [change])
    world.wrote(view.id)
    return Response(200)


def revert_materialization(world: World, request: Request) -> Response:
    view = find(world, request)
    _throttle_view(world, view, "materialize", 5, 3600)
    if view.managed_viewset_kind:
        raise invalid("Cannot revert materialization of a query from a managed viewset.")
    world.runner.revert(view)
    view.lineage_dropped = not world.generation.has_revisions
    logbook.log_action(world, view, request.person.id, "materialization_disabled")
    world.wrote(view.id)
    return Response(200)


def cancel(world: World, request: Request) -> Response:
    view = find(world, request)
    if world.generation.has_revisions:
        running = world.runner.running(view) is not None
    else:
        running = view.status == "Running"
    if not running:
        raise ApiError(400, {"error": NOT_RUNNING})
    if request.has_fault("scheduler_down"):
        raise ApiError(500, {"error": "Failed to cancel workflow"})
    world.runner.cancel(view)
    logbook.log_action(world, view, request.person.id, "sync_cancelled")
    world.wrote(view.id)
    return Response(200)


def run_history(world: World, request: Request) -> Response:
    view = find(world, request)
    jobs = list(reversed(world.jobs.get(view.id, [])))[:5]
    rows = [{"status": job.status, "timestamp": iso(job.last_run_at)} for job in jobs]
    return Response(200, {"run_history": rows})


def dependencies(world: World, request: Request) -> Response:
    view = find(world, request)
    up = 0 if view.lineage_dropped else len(lineage.upstream(world, view))
    return Response(200, {"upstream_count": up, "downstream_count": len(lineage.downstream(world, view.id))})


def ancestors(world: World, request: Request) -> Response:
    view = find(world, request)
    level = _level(world, request, strict=False)
    found = [] if view.lineage_dropped else lineage.closure(world, view, up=True, level=level)
    return Response(200, {"ancestors": found})


def descendants(world: World, request: Request) -> Response:
    view = find(world, request)
    level = _level(world, request, strict=True)
    return Response(200, {"descendants": lineage.closure(world, view, up=False, level=level)})


def _level(world: World, request: Request, *, strict: bool) -> int | None:
    level: Any = request.json().get("level")
    if level is None:
        return None
    if world.generation.has_revisions:
        if isinstance(level, bool) or not isinstance(level, int):
            raise invalid("A valid integer is required.", "level")
        if level < 1:
            raise invalid("Ensure this value is greater than or equal to 1.", "level", "min_value")
        return level
    if strict and not isinstance(level, int):
        raise unhandled()
    try:
        return int(level)
    except (TypeError, ValueError) as error:
        raise unhandled() from error


def resume(world: World, request: Request) -> Response:
    view = find(world, request)
    resumed = _clear_suspension(world, view)
    if resumed:
        world.wrote(view.id)
    return Response(200, {"resumed": resumed})


def resume_schedules(world: World, request: Request) -> Response:
    """202 with nothing, whatever happened to each view."""
    ids = _view_ids(world, request)
    for key in ids:
        view = world.views.get(str(key).lower())
        if view is None or view.deleted:
            continue
        if world.generation.has_revisions:
            resumed = request.person.level != "viewer" and _clear_suspension(world, view)
        else:
            resumed = _unpause(world, view)
        if resumed:
            world.wrote(view.id)
    return Response(202)


def _unpause(world: World, view: View) -> bool:
    """A to C: the schedule goes on, the cadence stays unread but for revenue analytics."""
    if view.schedule is None or not view.schedule.paused:
        return False
    world.runner.unpause(view)
    if view.managed_viewset_kind == "revenue_analytics":
        view.sync_frequency = "12hour"
        logbook.log_action(world, view, None, "sync_frequency_reset")
    return True


def _clear_suspension(world: World, view: View) -> bool:
    if not view.suspended:
        return False
    view.suspended = {}
    world.runner.unpause(view)
    return True


def _view_ids(world: World, request: Request) -> list[Any]:
    ids = request.json().get("view_ids")
    if not world.generation.has_revisions:
        if not ids:
            raise ApiError(400, {"error": "view_ids is required"})
        if not isinstance(ids, list) or not all(_is_uuid(key) for key in ids):
            raise unhandled()
        return ids
    if ids is None:
        raise required("view_ids")
    if not isinstance(ids, list):
        raise invalid(f'Expected a list of items but got type "{type(ids).__name__}".', "view_ids", "not_a_list")
    if not ids:
        raise invalid("This list may not be empty.", "view_ids", "empty")
    for position, key in enumerate(ids):
        if not _is_uuid(key):
            raise invalid("Must be a valid UUID.", f"view_ids__{position}")
    return ids


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True


def check_incremental(world: World, request: Request) -> Response:
    text = request.json().get("query")
    if not isinstance(text, str | dict):
        raise required("query")
    return Response(200, {"eligible": False, "blockers": ["no_incremental_key"]})
