"""What the sandbox's world is made of. Times are seconds since the epoch, ids are uuid strings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Schedule:
    interval: int
    next_run_at: float
    paused: bool = False


@dataclass
class View:
    """One saved query. `failing` makes every run fail until the query is edited; `fail_next` only the next one."""

    id: str
    name: str
    query: dict[str, Any] | None
    created_by: int | None
    created_at: float
    updated_at: float
    columns: list[list[str]] = field(default_factory=list)
    deleted: bool | None = False
    status: str | None = None
    is_materialized: bool | None = False
    sync_frequency: str | None = None
    latest_error: str | None = None
    managed_viewset_kind: str | None = None
    origin: str | None = "data_warehouse"
    description: str = ""
    folder_id: str | None = None
    is_test: bool = False
    revision: str | None = None
    schedule: Schedule | None = None
    suspended: dict[str, Any] = field(default_factory=dict)
    bounds: list[str] | None = None
    has_node: bool = True
    lineage_dropped: bool = False
    failing: str | None = None
    fail_next: str | None = None
    failures: int = 0
    rows: int = 1000

    @property
    def sql(self) -> str:
        """The SQL text; empty for the odd row whose query is null or has none."""
        text = (self.query or {}).get("query")
        return text if isinstance(text, str) else ""


@dataclass
class Job:
    """One run of a materialized view; `ends_at` is when a running one will be done."""

    id: str
    view_id: str
    status: str
    created_at: float
    last_run_at: float
    ends_at: float
    rows: int = 0
    rows_expected: int | None = None
    error: str | None = None


@dataclass
class Source:
    id: str
    source_type: str
    status: str
    created_at: float
    created_by: int | None


@dataclass
class Table:
    id: str
    name: str
    format: str
    url_pattern: str
    created_by: int | None
    created_at: float
    columns: list[list[str]] = field(default_factory=list)
    invalid_columns: list[str] = field(default_factory=list)
    deleted: bool = False
    credential: dict[str, Any] | None = None
    source_id: str | None = None
    schema: dict[str, Any] | None = None
    view_id: str | None = None  # the materialized view this is the storage of


@dataclass
class LogEntry:
    """One row of PostHog's activity log; `user_id` None is the system."""

    id: str
    user_id: int | None
    activity: str
    scope: str
    item_id: str
    detail: dict[str, Any]
    created_at: float


@dataclass
class Interview:
    id: str
    created_by: int | None
    created_at: float
    interviewee_emails: list[str]
    transcript: str
    summary: str
    topic: str | None = None
    classifications: list[str] = field(default_factory=list)


@dataclass
class Folder:
    id: str
    name: str
    created_at: float
    created_by: int | None


@dataclass
class Received:
    """One request as it arrived, for tests to look at."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int | None
    at: float
