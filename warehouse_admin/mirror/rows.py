"""What PostHog's rows say, as values of the mirror's columns. A field the server left out is left out here too."""

from __future__ import annotations

from typing import Any

from warehouse_admin.core.digests import json_digest
from warehouse_admin.mirror.texts import storable, storable_json
from warehouse_admin.posthog import types

_TEXTS = {
    "name": 200,
    "status": 50,
    "sync_frequency": 20,
    "latest_error": 0,
    "managed_viewset_kind": 100,
    "origin": 50,
    "description": 0,
    "folder_name": 200,
}
CONTENT = frozenset(
    {"name", "columns", "is_materialized", "sync_frequency", "managed_viewset_kind", "origin", "description"}
)
"""Fields of a list row whose change says that somebody may have edited the view."""

_SAID = (*_TEXTS, "folder_id", "columns", "is_materialized", "last_run_at", "suspended", "created_at", "created_by")
_SAID_WITH_SQL = (*_SAID, "query", "latest_history_id")


def columns_of(columns: list[types.Column] | None) -> list[dict[str, Any]]:
    return [
        {"name": storable(column.name), "type": storable(column.type), "valid": column.schema_valid}
        for column in columns or []
    ]


def view_values(row: types.SavedQuery) -> dict[str, Any]:
    """Everything but the SQL and its token, which only some rows carry."""
    values: dict[str, Any] = {
        name: storable(getattr(row, name), length) for name, length in _TEXTS.items() if row.has(name)
    }
    if row.has("columns"):
        values["columns"] = columns_of(row.columns)
    if row.has("is_materialized"):
        values["is_materialized"] = row.is_materialized
    if row.has("last_run_at"):
        values["last_run_at"] = row.last_run_at
    if row.has("suspended"):
        values["suspended"] = storable_json(row.suspended)
    elif _tells_no_suspensions(row):
        values["suspended"] = None
    if row.has("folder_id"):
        values["folder_id"] = storable(row.folder_id, 64)
    elif _is_older(row):
        values["folder_id"], values["folder_name"] = None, ""
    if row.has("created_at"):
        values["remote_created_at"] = row.created_at
    if row.has("created_by"):
        values["created_by_email"], values["created_by_name"] = person(row.created_by)
    return values


def _tells_no_suspensions(row: types.SavedQuery) -> bool:
    """Whether a whole row comes from a server that knows nothing of them: what an earlier one said is no longer known.

    The row itself shows its generation. Servers are put back to older ones, and a suspension would be shown for ever.
    """
    return _is_whole(row) and types.detect_generation(row) in ("A", "B", "C")


def _is_older(row: types.SavedQuery) -> bool:
    """Whether a whole row comes from a server that knows neither folders nor descriptions."""
    return _is_whole(row) and types.detect_generation(row) in ("A", "B")


def _is_whole(row: types.SavedQuery) -> bool:
    return row.has("status") and row.has("is_materialized")


def person(user: types.UserRef | None) -> tuple[str, str]:
    """E-mail and name; empty for a row nobody made or whose maker is gone."""
    if user is None:
        return "", ""
    name = " ".join(part for part in (user.first_name, user.last_name) if part)
    return storable(user.email, 254), storable(name, 200)


def view_fingerprint(row: types.SavedQuery) -> str:
    """Digest of all that a row says of what is kept, as it came: to pass over unchanged rows quickly."""
    kept = _SAID_WITH_SQL if row.has("query") else _SAID
    return json_digest({name: row.raw[name] for name in kept if name in row.raw})


def table_values(row: types.WarehouseTable) -> dict[str, Any]:
    """A table without anything of its credential but that there is one."""
    source, schema = row.external_data_source, row.external_schema
    email, _ = person(row.created_by)
    return {
        "name": storable(row.name, 200),
        "format": storable(row.format, 50),
        "url_pattern": storable(row.url_pattern, 600),
        "columns": columns_of(row.columns),
        "has_credential": row.credential_id is not None,
        "source_id": storable(source.id if source else "", 64),
        "source_type": storable(source.source_type if source else "", 50),
        "source_status": storable(source.status if source else "", 50),
        "schema_name": storable(schema.name if schema else "", 200),
        "schema_last_synced_at": schema.last_synced_at if schema else None,
        "created_by_email": email,
        "remote_created_at": row.created_at,
    }


def table_fingerprint(values: dict[str, Any]) -> str:
    return json_digest({name: str(value) if name.endswith("_at") else value for name, value in values.items()})
