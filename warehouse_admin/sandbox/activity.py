"""A view's activity, the project-wide log, and the feed of runs."""

from __future__ import annotations

import uuid
from typing import Any

from . import shapes
from .errors import ApiError, invalid, not_found, unhandled
from .messages import Request, Response
from .models import LogEntry
from .pagination import by_cursor, by_page, link, natural
from .world import World


def view_activity(world: World, request: Request) -> Response:
    """Soft-deleted views still answer; a view that never was is a 404 without a body."""
    view_id = _checked_id(world, request.params["id"])
    limit, page = (_checked_number(world, request, name, default) for name, default in (("limit", 10), ("page", 1)))
    if view_id not in world.views:
        raise ApiError(404, None)
    entries = list(reversed(world.log_of.get(view_id, [])))
    start = (page - 1) * limit
    if start > 0 and start >= len(entries):
        raise unhandled()
    more = start + limit < len(entries)
    body = {
        "results": [shapes.view_log_entry(world, entry) for entry in entries[start : start + limit]],
        "next": link(request, page=page + 1) if more else None,
        "previous": link(request, page=page - 1 if page > 2 else None) if page > 1 else None,
        "total_count": len(entries),
    }
    return Response(200, body)


def _checked_id(world: World, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise (not_found() if world.generation.has_revisions else unhandled()) from error


def _checked_number(world: World, request: Request, name: str, default: int) -> int:
    number = natural(request.query.get(name), 0, 1) if name in request.query else default
    if number:
        return number
    if world.generation.has_revisions:
        raise invalid("Ensure this value is greater than or equal to 1.", name, "min_value")
    raise unhandled()


def _wanted(request: Request, entry: LogEntry) -> bool:
    scopes = set(filter(None, request.query.get("scopes", "").split(",")))
    if scope := request.query.get("scope"):
        scopes.add(scope)
    if scopes and entry.scope not in scopes:
        return False
    if (item := request.query.get("item_id")) and entry.item_id != item:
        return False
    if who := request.query.get("user"):
        person = shapes.user(entry.user_id)
        return person is not None and who in (str(person["id"]), person["uuid"])
    return True


def project_activity(world: World, request: Request) -> Response:
    entries = sorted((e for e in world.log if _wanted(request, e)), key=lambda e: (e.created_at, e.id))
    if not (world.generation.has_revisions and request.query.get("ordering") == "created_at"):
        entries.reverse()

    def show(entry: LogEntry) -> dict[str, object]:
        return shapes.project_log_entry(world, entry)

    if "page" in request.query:
        size = min(natural(request.query.get("page_size"), 100, 1), 1000)
        return Response(200, by_page(request, entries, size, show))
    return Response(200, by_cursor(request, entries, 100, lambda entry: entry.id, show))


def list_jobs(world: World, request: Request) -> Response:
    """Runs, newest first; of one view or of all."""
    wanted = request.query.get("saved_query_id")
    if wanted:
        try:
            jobs = list(reversed(world.jobs.get(str(uuid.UUID(wanted)), [])))
        except ValueError as error:
            raise invalid("Enter a valid UUID.", "saved_query_id") from error
    else:
        jobs = world.newest_jobs()
    size = natural(request.query.get("limit"), 100, 1)
    return Response(200, by_cursor(request, jobs, size, lambda job: job.id, shapes.job))


def retrieve_job(world: World, request: Request) -> Response:
    for runs in world.jobs.values():
        for job in runs:
            if job.id == request.params["id"]:
                return Response(200, shapes.job(job))
    raise not_found()


def foreign_entry(world: World, user_id: int | None, scope: str, name: str, at: float) -> LogEntry:
    """A line about something that is no view, as every project's log has."""
    detail: dict[str, Any] = {"changes": [], "trigger": None, "name": name, "short_id": None, "type": None}
    return LogEntry(world.new_id(), user_id, "updated", scope, world.new_id(), detail, at)
