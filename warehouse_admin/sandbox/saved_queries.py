"""`warehouse_saved_queries/`: list, retrieve, create (or overwrite), change, delete."""

from __future__ import annotations

import re
from typing import Any

from . import editing, lineage, logbook, shapes, sql
from .errors import conflict, invalid, not_found, required, unhandled
from .messages import Request, Response
from .models import View
from .pagination import by_page, matches_search
from .world import World

NAME = re.compile(r"^[A-Za-z_$][A-Za-z0-9_.$]*$")
NAME_RULE = " is not a valid view name. View names can only contain letters, numbers, '_', '.', or '$' "
MANAGED_EDIT = "Cannot update a query from a managed viewset"
MANAGED_DELETE = "Cannot delete a query from a managed viewset directly. Disable the managed viewset instead."
DEPENDENTS = "Cannot delete this view because other views depend on it. Delete or update those views first."


def find(world: World, request: Request) -> View:
    """The live view of the path; unknown, deleted and malformed ids are all 404."""
    view = world.views.get(request.params["id"].lower())
    if view is None or view.deleted:
        raise not_found()
    return view


def list_views(world: World, request: Request) -> Response:
    rows = world.newest_views()
    if world.generation.modern:
        rows = [view for view in rows if view.origin != "endpoint"]
    if search := request.query.get("search"):
        rows = [view for view in rows if matches_search(view.name, search)]
    page = by_page(request, rows, world.page_size, lambda view: shapes.view_row(world, view, request.person))
    if world.generation.has_revisions and request.query.get("include_columns") == "false":
        for row in page["results"]:
            row["columns"] = []
    return Response(200, page)


def retrieve(world: World, request: Request) -> Response:
    return _shown(world, request, find(world, request))


def create(world: World, request: Request) -> Response:
    """Create, or change the view that has this name already: then the answer is 200."""
    body = request.json()
    _clean_text(body, "name", 128, must=True)
    existing = _same_name(world, body["name"])
    if existing is not None:
        return _change(world, request, existing, body)
    _clean_name(world, body["name"], None)
    text = _clean_query(world, body, None)
    if "sync_frequency" in body:
        _clean_frequency(world, body["sync_frequency"])
    _clean_folder(world, body)
    if text is None:
        raise required("query") if world.generation.has_revisions else invalid("Failed to retrieve types for view")
    view = editing.create(world, body["name"], body["query"], request.person.id)
    _extras(world, view, body)
    if body.get("types"):
        view.columns = [[str(pair[0]), _plain_type(str(pair[1]))] for pair in body["types"]]
    elif body.get("soft_update"):
        view.columns = []
    world.wrote(view.id)
    return _shown(world, request, view, 201)


def update(world: World, request: Request) -> Response:
    """PATCH, and PUT with its required fields."""
    view = find(world, request)
    body = request.json()
    if request.method == "PUT":
        _clean_text(body, "name", 128, must=True)
        if world.generation.has_revisions and "query" not in body:
            raise required("query")
    return _change(world, request, view, body)


def delete(world: World, request: Request) -> Response:
    view = find(world, request)
    if view.managed_viewset_kind:
        raise invalid(MANAGED_DELETE)
    dependents = [world.views[key] for key in lineage.downstream(world, view.id)] if world.generation.modern else []
    if dependents and world.generation.has_revisions:
        names = sorted(other.name for other in dependents)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        error = invalid(f"Can't delete {view.name} yet. It is used by {', '.join(names[:3])}{more}.")
        error.body = {**(error.body or {}), "extra": {"node_id": view.id}}
        raise error
    if dependents:
        raise invalid(DEPENDENTS)
    editing.delete(world, view, request.person.id)
    world.wrote(view.id)
    return Response(204)


def _shown(world: World, request: Request, view: View, status: int = 200) -> Response:
    return Response(status, shapes.view_detail(world, view, request.person))


def _same_name(world: World, name: str) -> View | None:
    """The view an upsert hits: before D that includes rows hidden by `deleted: true`."""
    live = world.view_by_name(name)
    if live is not None or world.generation.has_revisions:
        return live
    return next((view for view in world.views.values() if view.name == name), None)


def _change(world: World, request: Request, view: View, body: dict[str, Any]) -> Response:
    """Check a change in the order the server does, then make it."""
    if "name" in body and body["name"] != view.name:
        _clean_text(body, "name", 128, must=True)
        _clean_name(world, body["name"], view)
    text = _clean_query(world, body, view)
    if "deleted" in body and not isinstance(body["deleted"], bool | None):
        raise invalid("Must be a valid boolean.", "deleted")
    if "sync_frequency" in body:
        _clean_frequency(world, body["sync_frequency"])
    _clean_folder(world, body)
    if view.managed_viewset_kind:
        raise invalid(MANAGED_EDIT)
    if text is not None and not body.get("soft_update"):
        _check_token(world, view, body)
    _apply(world, request, view, body, text)
    world.wrote(view.id)
    return _shown(world, request, view)


def _check_token(world: World, view: View, body: dict[str, Any]) -> None:
    given, current = body.get("edited_history_id"), logbook.token(world, view)
    if world.generation.has_revisions:
        same_text = body["query"] == view.query
        plain = [str(value or "").lower().replace("-", "") for value in (given, current)]
        if not same_text and current is not None and plain[0] != plain[1]:
            raise conflict()
    elif given != current:
        raise conflict()


def _apply(world: World, request: Request, view: View, body: dict[str, Any], text: str | None) -> None:
    changes: list[dict[str, Any]] = []
    if text is not None and lineage.makes_cycle(world, view, text):
        raise invalid("Model contains a cycle")
    if body.get("sync_frequency") is not None:
        changes += editing.set_frequency(world, view, body["sync_frequency"])
    if text is not None:
        before, view.query = view.query, body["query"]
        if before != view.query:
            changes.append(logbook.change("query", before, view.query))
        if before != view.query or not world.generation.has_revisions:
            editing.query_changed(world, view)
    if "name" in body and body["name"] != view.name:
        editing.rename(world, view, body["name"])
    if "deleted" in body and body["deleted"] != view.deleted:
        changes.append(logbook.change("deleted", view.deleted, body["deleted"]))
        view.deleted = body["deleted"]
        world.reindex()
    _extras(world, view, body)
    logbook.log_update(world, view, request.person.id, changes)


def _extras(world: World, view: View, body: dict[str, Any]) -> None:
    if not world.generation.modern:
        return
    if "folder_id" in body:
        view.folder_id = body["folder_id"]
    if "description" in body:
        view.description = str(body["description"] or "")
    view.updated_at = world.now()


def _clean_text(body: dict[str, Any], field: str, longest: int, *, must: bool) -> None:
    if field not in body:
        if must:
            raise required(field)
        return
    value = body[field]
    if value is None:
        raise invalid("This field may not be null.", field, "null")
    if not isinstance(value, str):
        raise invalid("Not a valid string.", field)
    if not value.strip():
        raise invalid("This field may not be blank.", field, "blank")
    if len(value) > longest:
        raise invalid(f"Ensure this field has no more than {longest} characters.", field, "max_length")


def _clean_folder(world: World, body: dict[str, Any]) -> None:
    folder = body.get("folder_id")
    if world.generation.modern and folder is not None and folder not in world.folders:
        raise invalid(f'Invalid pk "{folder}" - object does not exist.', "folder_id", "does_not_exist")


def _clean_name(world: World, name: str, view: View | None) -> None:
    if not NAME.match(name):
        raise invalid(f"{name}{NAME_RULE}", "name")
    table, other = world.table_by_name(name), world.view_by_name(name)
    own_storage = table is not None and view is not None and table.view_id == view.id
    if (table is not None and not own_storage) or other is not None or name in sql.BUILT_INS:
        if world.generation.has_revisions:
            raise invalid("A table or view with this name already exists. Choose a different name.", "name")
        raise invalid("A table with this name already exists.", "name")


def _clean_query(world: World, body: dict[str, Any], view: View | None) -> str | None:
    """The SQL of the body, checked as its generation checks; None when there is none."""
    if "query" not in body or (body["query"] in (None, {}) and not world.generation.has_revisions):
        return None
    query = body["query"]
    if not isinstance(query, dict):
        kind = type(query).__name__
        detail = f'Query must be a JSON object with a "query" key, got {kind}. Example: {{"query": "SELECT 1"}}'
        raise invalid(detail, "query") if world.generation.has_revisions else unhandled()
    text = query.get("query")
    if not isinstance(text, str) or not text.strip():
        if world.generation.has_revisions:
            raise invalid('Query object must contain a non-empty "query" key with the SQL string.', "query")
        raise unhandled()
    _clean_sql(world, text, view)
    return text


def _clean_sql(world: World, text: str, view: View | None) -> None:
    if problem := sql.parse_error(text):
        raise invalid(f"Invalid query: {problem.message}", "query") if world.generation.modern else unhandled()
    if rule := sql.view_rule_error(text):
        raise invalid(rule, "query")
    if missing := lineage.unknown_source(world, text, view.name if view else ""):
        raise invalid(f"Invalid query: Unknown table `{missing[0]}`.", "query")
    if "throwif(" in text.lower():
        reason = ": FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" if world.generation.has_revisions else ""
        raise invalid(f"Failed to retrieve types for view{reason}")


def _clean_frequency(world: World, value: Any) -> None:
    if value is None or value in world.generation.frequencies:
        return
    if world.generation.modern:
        raise invalid(f'"{value}" is not a valid choice.', "sync_frequency", "invalid_choice")
    raise unhandled()


def _plain_type(clickhouse: str) -> str:
    kinds = {"Int": "integer", "UInt": "integer", "Float": "float", "Decimal": "decimal", "DateTime": "datetime"}
    kinds |= {"Date": "date", "Bool": "boolean", "Array": "array", "String": "string"}
    plain = clickhouse.removeprefix("Nullable(")
    return next((kind for prefix, kind in kinds.items() if plain.startswith(prefix)), "unknown")
