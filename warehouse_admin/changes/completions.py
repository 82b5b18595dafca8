"""What the editor offers while somebody types: names of views and tables with their columns, within bounds."""

from __future__ import annotations

from typing import Any

from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

MOST_NAMES = 2000
MOST_COLUMNS = 200
BUILT_IN = {
    "events": ["uuid", "event", "timestamp", "distinct_id", "person_id", "properties"],
    "persons": ["id", "created_at", "properties", "is_identified"],
    "sessions": ["session_id", "distinct_id", "$start_timestamp", "$end_timestamp"],
    "groups": ["index", "key", "created_at", "properties"],
}
FUNCTIONS = (
    "argMax argMin arrayJoin avg coalesce concat count countIf dateDiff dateTrunc if ifNull JSONExtractString lower "
    "max median min multiIf now quantile round row_number sum sumIf toDate toDateTime toFloat toInt toStartOfDay "
    "toStartOfMonth toStartOfWeek toString uniq upper"
).split()


def completions(connection_slug: str) -> dict[str, Any]:
    """For one connection, or for all when the slug is empty."""
    views = SavedQuery.objects.present().of(connection_slug).order_by("name").values_list("name", "columns")
    tables = WarehouseTable.objects.present().of(connection_slug).order_by("name").values_list("name", "columns")
    offered = [_entry(name, "view", columns) for name, columns in views[:MOST_NAMES]]
    known = {entry["name"] for entry in offered}
    offered += [_entry(name, "table", columns) for name, columns in tables[:MOST_NAMES] if name not in known]
    offered += [{"name": name, "kind": "built-in", "columns": columns} for name, columns in BUILT_IN.items()]
    return {"tables": offered, "functions": FUNCTIONS}


def _entry(name: str, kind: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    named = [{"name": column.get("name", ""), "type": column.get("type") or ""} for column in columns[:MOST_COLUMNS]]
    return {"name": name, "kind": kind, "columns": named}
