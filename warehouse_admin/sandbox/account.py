"""The key itself, the person behind it, projects, folders and managed viewsets."""

from __future__ import annotations

from typing import Any

from . import editing, shapes
from .clock import iso
from .errors import forbidden, not_found, required
from .messages import Request, Response
from .models import Folder
from .pagination import by_offset
from .people import ORGANIZATION, PROJECT_ID, ApiKey
from .world import World

SCOPED = "API keys with scoped projects are only supported on project-based endpoints."
PROJECT_SINCE = 1_700_000_000.0


def current_key(world: World, request: Request) -> Response:
    key: ApiKey | None = request.key
    if key is None:
        raise not_found()
    body = {
        "id": f"{key.person_id:02d}sandbox{len(key.value):03d}",
        "label": key.label,
        "value": None,
        "mask_value": f"{key.value[:4]}...{key.value[-4:]}",
        "created_at": iso(PROJECT_SINCE),
        "last_used_at": iso(world.now()),
        "user_id": key.person_id,
        "scopes": key.scopes,
        "scoped_teams": key.scoped_teams,
        "scoped_organizations": [],
        "last_rolled_at": None,
    }
    return Response(200, body)


def me(world: World, request: Request) -> Response:
    person = request.person
    body = {
        **person.basic(),
        "is_staff": False,
        "team": {"id": world.project_id, "name": "Harbor Goods production"},
        "organization": ORGANIZATION,
        "organizations": [ORGANIZATION],
    }
    return Response(200, body)


def _project(world: World) -> dict[str, Any]:
    return {
        "id": PROJECT_ID,
        "uuid": "018bd0a3-5a4e-7000-8a52-3f1f5a8f0001",
        "organization": ORGANIZATION["id"],
        "api_token": "phc_sandbox_public_token",
        "name": "Harbor Goods production",
        "timezone": "UTC",
        "is_demo": False,
        "created_at": iso(PROJECT_SINCE),
    }


def list_projects(world: World, request: Request) -> Response:
    if request.key is not None and request.key.scoped_teams:
        raise forbidden(SCOPED)
    return Response(200, by_offset(request, [_project(world)], lambda project: project))


def retrieve_project(world: World, request: Request) -> Response:
    return Response(200, _project(world))


def managed_viewset(world: World, request: Request) -> Response:
    kind = request.params["id"]
    views = [view for view in world.newest_views() if view.managed_viewset_kind == kind]
    if not views:
        raise not_found()
    rows = [
        {"id": view.id, "name": view.name, "created_at": iso(view.created_at), "created_by_id": view.created_by}
        for view in views
    ]
    return Response(200, {"views": rows, "count": len(rows)})


def _folder(world: World, folder: Folder) -> dict[str, Any]:
    count = sum(1 for view in world.live_views() if view.folder_id == folder.id)
    return {
        "id": folder.id,
        "name": folder.name,
        "created_at": iso(folder.created_at),
        "created_by": shapes.user(folder.created_by),
        "view_count": count,
    }


def _find_folder(world: World, request: Request) -> Folder:
    folder = world.folders.get(request.params["id"])
    if folder is None:
        raise not_found()
    return folder


def list_folders(world: World, request: Request) -> Response:
    """A bare array."""
    return Response(200, [_folder(world, folder) for folder in world.folders.values()])


def retrieve_folder(world: World, request: Request) -> Response:
    return Response(200, _folder(world, _find_folder(world, request)))


def create_folder(world: World, request: Request) -> Response:
    name = request.json().get("name")
    if not name:
        raise required("name")
    folder = Folder(world.new_id(), str(name), world.now(), request.person.id)
    world.folders[folder.id] = folder
    world.wrote(folder.id)
    return Response(201, _folder(world, folder))


def update_folder(world: World, request: Request) -> Response:
    folder = _find_folder(world, request)
    folder.name = str(request.json().get("name") or folder.name)
    world.wrote(folder.id)
    return Response(200, _folder(world, folder))


def delete_folder(world: World, request: Request) -> Response:
    """Deleting a folder deletes the views in it."""
    folder = _find_folder(world, request)
    for view in [view for view in world.live_views() if view.folder_id == folder.id]:
        editing.delete(world, view, request.person.id)
    del world.folders[folder.id]
    world.wrote(folder.id)
    return Response(204)
