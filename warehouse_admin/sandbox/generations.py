"""The four behaviours of PostHog servers, as data: what each sends, accepts, logs and allows keys to do."""

from __future__ import annotations

from dataclasses import dataclass

VIEW_READ, VIEW_WRITE = "warehouse_view:read", "warehouse_view:write"
TABLE_WRITE = "warehouse_table:write"
LOG_READ = "activity_log:read"

SECONDS = {
    "1min": 60,
    "5min": 300,
    "15min": 900,
    "30min": 1800,
    "1hour": 3600,
    "2hour": 7200,
    "6hour": 21600,
    "12hour": 43200,
    "24hour": 86400,
    "7day": 604800,
    "30day": 2592000,
}

_DETAIL_A = (
    "id deleted name query created_by created_at sync_frequency columns status last_run_at latest_error "
    "latest_history_id is_materialized"
)
_DETAIL_B = _DETAIL_A + " managed_viewset_kind origin"
_DETAIL_C = _DETAIL_B + " description folder_id folder_name is_test expires_at user_access_level"
_DETAIL_D = _DETAIL_C + (
    " updated_at incremental incremental_state has_incremental_history sync_frequency_bounds suspended"
)
_ROW_B = (
    "id deleted name created_by created_at sync_frequency columns status last_run_at managed_viewset_kind "
    "latest_error is_materialized origin"
)
_ROW_C = _ROW_B + " description folder_id folder_name is_test expires_at user_access_level"
_ROW_D = _ROW_C + " suspended is_incremental materialization_mode"


@dataclass(frozen=True)
class Generation:
    """One server behaviour. `key_actions` maps a custom action to the scope a key needs; absent means no key may."""

    name: str
    detail_fields: tuple[str, ...]
    row_fields: tuple[str, ...]
    stamp: str  # what the concurrency token is: "last_entry", "last_query_entry" or "revision"
    frequencies: tuple[str, ...]
    actions: frozenset[str]
    key_actions: dict[str, str]
    modern: bool  # C and D: validates instead of failing, logs more, has folders, access control, per-view throttles

    @property
    def has_revisions(self) -> bool:
        return self.stamp == "revision"

    @property
    def interview_object(self) -> str:
        return "user_interview" if self.modern else "user_interview_DO_NOT_USE"

    @property
    def entry_has_id(self) -> bool:
        return self.modern


_ACTIONS = frozenset(
    "activity ancestors descendants cancel dependencies materialize revert_materialization run run_history "
    "resume_schedules refresh_schema update_schema running recent".split()
)
_LINEAGE = {"ancestors": VIEW_READ, "descendants": VIEW_READ, "dependencies": VIEW_READ}
_WRITES = dict.fromkeys(("run", "materialize", "revert_materialization", "resume_schedules"), VIEW_WRITE)
_KEYS_C = {"activity": LOG_READ, **_WRITES, "run_history": VIEW_READ, "cancel": VIEW_WRITE, **_LINEAGE}
_KEYS_D = {
    "activity": LOG_READ,
    **_WRITES,
    "run_history": VIEW_READ,
    "resume": VIEW_WRITE,
    "check_incremental": VIEW_READ,
    "refresh_schema": TABLE_WRITE,
}
_OLD_FREQUENCIES = ("never", "5min", "30min", "1hour", "6hour", "12hour", "24hour", "7day", "30day")


def _generation(name: str, detail: str, row: str, stamp: str) -> Generation:
    modern = name in "CD"
    key_actions = {"A": {"activity": LOG_READ}, "B": {"activity": LOG_READ}, "C": _KEYS_C, "D": _KEYS_D}[name]
    return Generation(
        name=name,
        detail_fields=tuple(detail.split()),
        row_fields=tuple(row.split()),
        stamp=stamp,
        frequencies=("never", *SECONDS) if name == "D" else _OLD_FREQUENCIES,
        actions=_ACTIONS | {"resume", "check_incremental"} if name == "D" else _ACTIONS,
        key_actions=key_actions,
        modern=modern,
    )


GENERATIONS = {
    "A": _generation("A", _DETAIL_A, _DETAIL_A, "last_entry"),
    "B": _generation("B", _DETAIL_B, _ROW_B, "last_entry"),
    "C": _generation("C", _DETAIL_C, _ROW_C, "last_query_entry"),
    "D": _generation("D", _DETAIL_D, _ROW_D, "revision"),
}
