"""How objects look in answers, per generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import logbook
from .clock import iso
from .models import Job, LogEntry, Table, View
from .people import PEOPLE, Person

if TYPE_CHECKING:
    from .world import World


def user(user_id: int | None) -> dict[str, Any] | None:
    person = PEOPLE.get(user_id or 0)
    return person.basic() if person else None


def columns(world: World, pairs: list[list[str]], bad: list[str] | None = None) -> list[dict[str, Any]]:
    """Column objects; A and B keep them in an unordered JSON object, so shorter names come first."""
    ordered = pairs if world.generation.modern else sorted(pairs, key=lambda pair: (len(pair[0]), pair[0]))
    shown = [
        {
            "key": name,
            "name": name,
            "type": kind,
            "schema_valid": name not in bad if bad else True,
            "fields": None,
            "table": None,
            "chain": None,
        }
        for name, kind in ordered
    ]
    if world.generation.has_revisions:
        for column in shown:
            column["description"] = None
    return shown


def _suspended(view: View) -> dict[str, Any]:
    return {engine: {**facts, "at": iso(facts["at"])} for engine, facts in view.suspended.items()}


def _folder_name(world: World, view: View) -> str | None:
    folder = world.folders.get(view.folder_id or "")
    return folder.name if folder else None


_FIELDS = {
    "id": lambda w, v, p: v.id,
    "deleted": lambda w, v, p: v.deleted,
    "name": lambda w, v, p: v.name,
    "query": lambda w, v, p: v.query,
    "created_by": lambda w, v, p: user(v.created_by),
    "created_at": lambda w, v, p: iso(v.created_at),
    "sync_frequency": lambda w, v, p: v.sync_frequency,
    "columns": lambda w, v, p: columns(w, v.columns),
    "status": lambda w, v, p: v.status,
    "last_run_at": lambda w, v, p: _last_run_at(w, v),
    "latest_error": lambda w, v, p: v.latest_error,
    "latest_history_id": lambda w, v, p: logbook.token(w, v),
    "is_materialized": lambda w, v, p: v.is_materialized,
    "managed_viewset_kind": lambda w, v, p: v.managed_viewset_kind,
    "origin": lambda w, v, p: v.origin,
    "description": lambda w, v, p: v.description,
    "folder_id": lambda w, v, p: v.folder_id,
    "folder_name": lambda w, v, p: _folder_name(w, v),
    "is_test": lambda w, v, p: v.is_test,
    "expires_at": lambda w, v, p: None,
    "user_access_level": lambda w, v, p: p.level,
    "updated_at": lambda w, v, p: iso(v.updated_at),
    "incremental": lambda w, v, p: None,
    "incremental_state": lambda w, v, p: None,
    "has_incremental_history": lambda w, v, p: False,
    "sync_frequency_bounds": lambda w, v, p: dict(zip(("min", "max"), v.bounds or ["15min", "30day"], strict=True)),
    "suspended": lambda w, v, p: _suspended(v),
    "is_incremental": lambda w, v, p: False,
    "materialization_mode": lambda w, v, p: "full_refresh",
}


def _last_run_at(world: World, view: View) -> str | None:
    job = world.newest_job(view.id)
    return iso(job.last_run_at) if job else None


def view_detail(world: World, view: View, person: Person) -> dict[str, Any]:
    return {name: _FIELDS[name](world, view, person) for name in world.generation.detail_fields}


def view_row(world: World, view: View, person: Person) -> dict[str, Any]:
    return {name: _FIELDS[name](world, view, person) for name in world.generation.row_fields}


def job(run: Job) -> dict[str, Any]:
    return {
        "id": run.id,
        "saved_query_id": run.view_id,
        "status": run.status,
        "rows_materialized": run.rows,
        "rows_expected": run.rows_expected,
        "error": run.error,
        "created_at": iso(run.created_at),
        "last_run_at": iso(run.last_run_at),
        "workflow_id": f"materialize-view-{run.view_id}",
        "workflow_run_id": run.id[::-1],
    }


def table(world: World, item: Table, person: Person, *, with_columns: bool = True) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": item.id,
        "deleted": item.deleted,
        "name": item.name,
        "format": item.format,
        "created_by": user(item.created_by),
        "created_at": iso(item.created_at),
        "url_pattern": item.url_pattern,
        "credential": _credential(item),
        "columns": columns(world, item.columns, item.invalid_columns) if with_columns else [],
        "external_data_source": _source(world, item),
        "external_schema": _schema(world, item),
    }
    if world.generation.modern:
        shown["csv_allow_double_quotes"] = None
    if world.generation.has_revisions:
        extra = {"hogql_name": item.name, "created_via": "web", "options": {}, "user_access_level": person.level}
        shown.update(extra)
    return shown


def _credential(item: Table) -> dict[str, Any] | None:
    if item.credential is None:
        return None
    facts = item.credential
    return {"id": facts["id"], "created_by": user(facts["created_by"]), "created_at": iso(facts["created_at"])}


def _source(world: World, item: Table) -> dict[str, Any] | None:
    source = world.sources.get(item.source_id or "")
    if source is None:
        return None
    return {
        "id": source.id,
        "created_at": iso(source.created_at),
        "created_by": source.created_by,
        "status": source.status,
        "source_type": source.source_type,
    }


def _schema(world: World, item: Table) -> dict[str, Any] | None:
    if item.schema is None:
        return None if world.generation.has_revisions else {"name": "", "should_sync": False, "last_synced_at": None}
    shown = {**item.schema, "last_synced_at": iso(item.schema["last_synced_at"])}
    if world.generation.modern:
        shown |= {"label": None, "sync_type": "incremental"}
    return shown


def view_log_entry(world: World, item: LogEntry) -> dict[str, Any]:
    """One line of a view's own activity."""
    person = PEOPLE.get(item.user_id or 0)
    if item.user_id is None:
        who: dict[str, Any] = {"first_name": "System", "email": None, "is_system": True}
    else:
        who = {"first_name": person.first_name, "email": person.email} if person else {"first_name": "", "email": ""}
    shown = {
        "user": who,
        "activity": item.activity,
        "scope": item.scope,
        "item_id": item.item_id,
        "detail": item.detail,
        "created_at": iso(item.created_at),
    }
    return {"id": item.id, **shown} if world.generation.entry_has_id else shown


def project_log_entry(world: World, item: LogEntry) -> dict[str, Any]:
    """One line of the project-wide log, whose detail is raw."""
    shown: dict[str, Any] = {
        "id": item.id,
        "user": user(item.user_id),
        "unread": False,
        "is_system": item.user_id is None,
        "was_impersonated": False,
        "organization_id": None,
        "activity": item.activity,
        "item_id": item.item_id,
        "scope": item.scope,
        "detail": {**item.detail, "context": None},
        "created_at": iso(item.created_at),
    }
    if world.generation.has_revisions:
        shown["team_id"] = world.project_id
    return shown
