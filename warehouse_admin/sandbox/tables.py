"""`warehouse_tables/`."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from . import shapes
from .errors import ApiError, invalid, not_found, required, unhandled
from .messages import Request, Response
from .models import Table
from .pagination import by_offset, matches_search
from .world import World

FORMATS = ("CSV", "CSVWithNames", "Parquet", "JSONEachRow", "Delta", "DeltaS3Wrapper")
TYPES = ("integer", "float", "decimal", "string", "datetime", "date", "boolean", "array", "json")
DEFAULT_COLUMNS = [["id", "string"], ["created_at", "datetime"], ["amount", "float"]]


def find(world: World, request: Request) -> Table:
    table = world.tables.get(request.params["id"].lower())
    if table is None or table.deleted:
        raise not_found()
    return table


def list_tables(world: World, request: Request) -> Response:
    rows = sorted((t for t in world.tables.values() if not t.deleted), key=lambda t: (-t.created_at, t.id))
    if search := request.query.get("search"):
        rows = [table for table in rows if matches_search(table.name, search)]
    lean = world.generation.has_revisions and request.query.get("include_columns") == "false"

    def show(table: Table) -> dict[str, Any]:
        return shapes.table(world, table, request.person, with_columns=not lean)

    return Response(200, by_offset(request, rows, show))


def retrieve(world: World, request: Request) -> Response:
    return Response(200, shapes.table(world, find(world, request), request.person))


def create(world: World, request: Request) -> Response:
    body = request.json()
    for field in ("name", "format", "url_pattern", "credential"):
        if field not in body:
            raise required(field)
    _check_name(world, body["name"], None)
    _check_format(body["format"])
    _check_url(body["url_pattern"])
    _check_credential(body["credential"], ("access_key", "access_secret"))
    if "denied" in body["url_pattern"]:
        key = body["credential"]["access_key"]  # storage errors name it
        raise invalid(f"Could not get columns: Code: 499. DB::Exception: Access Denied for {key}. (S3_ERROR)")
    table = Table(world.new_id(), body["name"], body["format"], body["url_pattern"], request.person.id, world.now())
    table.columns = [list(column) for column in DEFAULT_COLUMNS]
    table.credential = _new_credential(world, request)
    world.add_table(table)
    world.wrote(table.id)
    return Response(201, shapes.table(world, table, request.person))


def update(world: World, request: Request) -> Response:
    """No concurrency token, no log: the last writer wins."""
    table, body = find(world, request), request.json()
    if "name" in body and body["name"] != table.name:
        _check_name(world, body["name"], table)
    if "format" in body:
        _check_format(body["format"])
    if "url_pattern" in body:
        _check_url(body["url_pattern"])
    if "credential" in body:
        _check_credential(body["credential"], ())
        if table.credential is None:
            raise unhandled()  # PostHog writes into the credential that is there, whose id stays
    for field in ("name", "format", "url_pattern", "deleted"):
        if field in body:
            setattr(table, field, body[field])
    world.reindex()
    world.wrote(table.id)
    return Response(200, shapes.table(world, table, request.person))


def delete(world: World, request: Request) -> Response:
    table = find(world, request)
    if table.source_id is not None:
        raise ApiError(400, {"message": "Can't delete a sourced table"})
    table.deleted = True
    world.reindex()
    world.wrote(table.id)
    return Response(204)


def refresh_schema(world: World, request: Request) -> Response:
    """Reading the columns again makes them all valid."""
    table = find(world, request)
    table.invalid_columns = []
    world.wrote(table.id)
    return Response(200)


def update_schema(world: World, request: Request) -> Response:
    """Give columns other types; no generation lets a key call it. Refusals say `message`."""
    table, updates = find(world, request), request.json().get("updates") or {}
    if table.source_id is not None:
        raise ApiError(400, {"message": "The table must be a manually linked table"})
    known = {column[0]: column for column in table.columns}
    for name, kind in updates.items():
        if name not in known:
            raise ApiError(400, {"message": f"Column {name} does not exist on table"})
        if kind not in TYPES:
            told = f"Can not parse type {kind} for column {name} - type does not exist"
            raise ApiError(400, {"message": told})
    for name, kind in updates.items():
        known[name][1] = kind
    world.wrote(table.id)
    return Response(200)


def _new_credential(world: World, request: Request) -> dict[str, Any]:
    """Who gave a credential and when; the secret itself is never kept."""
    return {"id": world.new_id(), "created_by": request.person.id, "created_at": world.now()}


def _check_name(world: World, name: Any, table: Table | None) -> None:
    if not isinstance(name, str) or not name:
        raise invalid("This field may not be blank.", "name", "blank")
    if len(name) > 128:
        raise invalid("Ensure this field has no more than 128 characters.", "name", "max_length")
    other = world.table_by_name(name)
    if (other is not None and other is not table) or world.view_by_name(name) is not None:
        raise invalid("A table with this name already exists.", "name")


def _check_format(value: Any) -> None:
    if value not in FORMATS:
        raise invalid(f'"{value}" is not a valid choice.', "format", "invalid_choice")


def _check_url(value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise invalid("This field may not be blank.", "url_pattern", "blank")
    if len(value) > 500:
        raise invalid("Ensure this field has no more than 500 characters.", "url_pattern", "max_length")
    parts = urlsplit(value)
    if parts.scheme != "https":
        raise invalid("URL pattern must use https.", "url_pattern")
    host = parts.hostname or ""
    if host == "localhost" or host.endswith((".internal", ".local")):
        raise invalid(f"URL pattern is not allowed: the hostname is not allowed ({host})", "url_pattern")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host or host.endswith(".invalid"):
            raise invalid("URL pattern hostname could not be resolved.", "url_pattern") from None
        return
    if address.is_private:
        raise invalid("URL pattern must not point to internal IP ranges.", "url_pattern")


def _check_credential(value: Any, must: tuple[str, ...]) -> None:
    if value is None:
        raise invalid("This field may not be null.", "credential", "null")
    if not isinstance(value, dict):
        raise invalid("Invalid data. Expected a dictionary, but got str.", "credential")
    for field in must or tuple(value):
        if field not in value:
            raise invalid("This field is required.", f"credential__{field}", "required")
        if value[field] is None:
            raise invalid("This field may not be null.", f"credential__{field}", "null")
        if not str(value[field]).strip():
            text = "This field may not be blank." if must else "Access key can't be blank"
            raise invalid(text, f"credential__{field}", "blank")
