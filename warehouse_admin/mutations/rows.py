"""A view as PostHog showed it, kept as JSON: the row as it came, with the SQL as plain text under `query`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from warehouse_admin.posthog.types import SavedQuery

Snapshot = dict[str, Any]


def snapshot(live: SavedQuery, read_at: datetime) -> Snapshot:
    """What can be stored of a view, on any database; `read_at` is when it was asked for."""
    kept = _storable(live.raw)
    return {
        **kept,
        "query": live.hogql,
        "latest_history_id": live.latest_history_id,
        "fetched_at": read_at.isoformat(),
    }


def fetched_at(kept: Snapshot) -> datetime:
    """When the view of a snapshot was asked for."""
    return datetime.fromisoformat(kept["fetched_at"])


def restore(kept: Snapshot) -> SavedQuery:
    """The view a snapshot was taken of."""
    text = kept.get("query")
    return SavedQuery.parse({**kept, "query": None if text is None else {"kind": "HogQLQuery", "query": text}})


def _storable(value: Any) -> Any:
    """PostgreSQL's JSON holds neither NUL bytes nor halves of character pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_storable(key)): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value
