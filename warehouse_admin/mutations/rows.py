"""A view or table as PostHog showed it, kept as JSON: the row as it came, the SQL of a view as plain text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from warehouse_admin.posthog.types import SavedQuery, WarehouseTable

Snapshot = dict[str, Any]
Remote = SavedQuery | WarehouseTable


def snapshot(live: Remote, read_at: datetime) -> Snapshot:
    """What can be stored of an object, on any database; `read_at` is when it was asked for."""
    kept = _storable(live.raw)
    if isinstance(live, WarehouseTable):
        return {**kept, "fetched_at": read_at.isoformat()}
    return {
        **kept,
        "query": live.hogql,
        "latest_history_id": live.latest_history_id,
        "fetched_at": read_at.isoformat(),
    }


def fetched_at(kept: Snapshot) -> datetime:
    """When the object of a snapshot was asked for."""
    return datetime.fromisoformat(kept["fetched_at"])


def restore(kept: Snapshot) -> SavedQuery:
    """The view a snapshot was taken of."""
    text = kept.get("query")
    return SavedQuery.parse({**kept, "query": None if text is None else {"kind": "HogQLQuery", "query": text}})


def restore_table(kept: Snapshot) -> WarehouseTable:
    """The table a snapshot was taken of."""
    return WarehouseTable.parse(kept)


def token_of(live: Remote | None) -> str | None:
    """PostHog's token of a view; tables have none."""
    return live.latest_history_id if isinstance(live, SavedQuery) else None


def _storable(value: Any) -> Any:
    """PostgreSQL's JSON holds neither NUL bytes nor halves of character pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_storable(key)): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value
