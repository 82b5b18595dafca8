"""Rows as the four generations of server send them."""

from __future__ import annotations

from typing import Any

VIEW = "0190a8c0-1111-7000-8000-000000000001"
TOKEN = "0190a8c0-2222-7000-8000-000000000002"
ANN = {"id": 4, "uuid": "u", "distinct_id": "d", "first_name": "Ann", "last_name": "Oak", "email": "ann@x.io"}
QUERY = {"kind": "HogQLQuery", "query": "SELECT 1 AS one"}
COLUMN = {"key": "one", "name": "one", "type": "integer", "schema_valid": True, "fields": None, "table": None}

LIST_B: dict[str, Any] = {
    "id": VIEW,
    "deleted": False,
    "name": "stg.orders",
    "created_by": ANN,
    "created_at": "2026-01-05T10:00:00.123456Z",
    "sync_frequency": "24hour",
    "columns": [COLUMN],
    "status": "Completed",
    "last_run_at": "2026-01-06T10:00:00Z",
    "managed_viewset_kind": None,
    "latest_error": None,
    "is_materialized": True,
    "origin": "data_warehouse",
}
LIST_A = {k: v for k, v in LIST_B.items() if k not in {"managed_viewset_kind", "origin"}}
LIST_A = {**LIST_A, "query": QUERY, "latest_history_id": TOKEN}
DETAIL_B = {**LIST_B, "query": QUERY, "latest_history_id": TOKEN}
SINCE_C = {"description": "Orders", "folder_id": None, "folder_name": None, "is_test": False, "expires_at": None}
LIST_C = {**LIST_B, **SINCE_C, "user_access_level": "editor"}
DETAIL_C = {**LIST_C, "query": QUERY, "latest_history_id": TOKEN}
LIST_D = {**LIST_C, "suspended": {}, "is_incremental": False, "materialization_mode": "full_refresh"}
DETAIL_D = {
    **LIST_C,
    "query": QUERY,
    "latest_history_id": TOKEN,
    "updated_at": "2026-10-05T10:00:00Z",
    "suspended": {"clickhouse": {"at": "2026-10-05T10:00:00Z", "reason": "memory", "job_id": "j"}},
    "sync_frequency_bounds": {"min": "15min"},
    "incremental": None,
}
