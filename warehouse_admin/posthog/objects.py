"""The rows of the warehouse: views, tables, runs, activity, interviews, and the pages they come in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from .parsing import Row, flag, identity, items, mapping, moment, object_id, row_of, rows_of, text, texts, whole

T = TypeVar("T")


@dataclass(frozen=True)
class UserRef:
    """A remote person; log entries name only the e-mail and first name."""

    email: str | None
    first_name: str | None
    last_name: str | None
    id: int | None

    @classmethod
    def parse(cls, row: Row) -> UserRef:
        return cls(text(row, "email"), text(row, "first_name"), text(row, "last_name"), whole(row, "id"))


def _user(row: Row, name: str) -> UserRef | None:
    found = mapping(row, name)
    return UserRef.parse(found) if found else None


@dataclass(frozen=True)
class Column:
    """One output column; `type` is PostHog's word, kept as it came."""

    name: str
    type: str | None
    schema_valid: bool | None

    @classmethod
    def parse(cls, row: Row) -> Column:
        return cls(text(row, "name") or text(row, "key") or "", text(row, "type"), flag(row, "schema_valid"))


@dataclass(frozen=True)
class SavedQuery:
    """A view, from a list row or a detail. A field the server left out is None: ask `has` to tell it from null."""

    id: str
    name: str
    deleted: bool | None = None
    hogql: str | None = None
    columns: list[Column] | None = None
    created_by: UserRef | None = None
    created_at: datetime | None = None
    sync_frequency: str | None = None
    status: str | None = None
    last_run_at: datetime | None = None
    managed_viewset_kind: str | None = None
    latest_error: str | None = None
    latest_history_id: str | None = None
    is_materialized: bool | None = None
    origin: str | None = None
    description: str | None = None
    folder_id: str | None = None
    folder_name: str | None = None
    is_test: bool | None = None
    expires_at: datetime | None = None
    user_access_level: str | None = None
    updated_at: datetime | None = None
    suspended: Row | None = None
    sync_frequency_bounds: Row | None = None
    incremental: Row | None = None
    incremental_state: Row | None = None
    has_incremental_history: bool | None = None
    is_incremental: bool | None = None
    materialization_mode: str | None = None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> SavedQuery:
        row = row_of(value, "a saved query")
        return cls(
            id=object_id(row, "a saved query"),
            name=text(row, "name") or "",
            deleted=flag(row, "deleted"),
            hogql=text(mapping(row, "query") or {}, "query"),
            columns=items(row, "columns", Column.parse),
            created_by=_user(row, "created_by"),
            created_at=moment(row, "created_at"),
            sync_frequency=text(row, "sync_frequency"),
            status=text(row, "status"),
            last_run_at=moment(row, "last_run_at"),
            managed_viewset_kind=text(row, "managed_viewset_kind"),
            latest_error=text(row, "latest_error"),
            latest_history_id=text(row, "latest_history_id"),
            is_materialized=flag(row, "is_materialized"),
            origin=text(row, "origin"),
            description=text(row, "description"),
            folder_id=text(row, "folder_id"),
            folder_name=text(row, "folder_name"),
            is_test=flag(row, "is_test"),
            expires_at=moment(row, "expires_at"),
            user_access_level=text(row, "user_access_level"),
            updated_at=moment(row, "updated_at"),
            suspended=mapping(row, "suspended"),
            sync_frequency_bounds=mapping(row, "sync_frequency_bounds"),
            incremental=mapping(row, "incremental"),
            incremental_state=mapping(row, "incremental_state"),
            has_incremental_history=flag(row, "has_incremental_history"),
            is_incremental=flag(row, "is_incremental"),
            materialization_mode=text(row, "materialization_mode"),
            raw=row,
        )

    def has(self, name: str) -> bool:
        """Whether the server sent this field at all, null included."""
        return name in self.raw

    @property
    def is_managed(self) -> bool:
        """Managed views refuse every edit."""
        return bool(self.managed_viewset_kind) or self.origin == "managed_viewset"

    @property
    def is_suspended(self) -> bool | None:
        """Whether failures suspended its schedule; None where the server does not say."""
        return bool(self.suspended) if self.suspended is not None else None


_ONLY_D = {"updated_at", "suspended", "sync_frequency_bounds", "incremental", "is_incremental", "materialization_mode"}
_SINCE_C = {"description", "folder_id", "folder_name", "is_test", "expires_at", "user_access_level"}
_SINCE_B = {"managed_viewset_kind", "origin"}


def detect_generation(row: SavedQuery | Row, detail: SavedQuery | Row | None = None) -> str | None:
    """The server's generation, "A" to "D", by the fields of a list row (and a detail); None when they fit none."""
    listed = row.raw if isinstance(row, SavedQuery) else row
    detailed = detail.raw if isinstance(detail, SavedQuery) else detail or {}
    fields = listed.keys() | detailed.keys()
    for generation, telling in (("D", _ONLY_D), ("C", _SINCE_C), ("B", _SINCE_B)):
        if fields & telling:
            return generation
    return "A" if "query" in listed else None


@dataclass(frozen=True)
class DataSource:
    """Where a synced table comes from."""

    id: str | None
    source_type: str | None
    status: str | None

    @classmethod
    def parse(cls, row: Row) -> DataSource:
        return cls(text(row, "id"), text(row, "source_type"), text(row, "status"))


@dataclass(frozen=True)
class ExternalSchema:
    """The part of a source that a table mirrors."""

    id: str
    name: str | None
    should_sync: bool | None
    last_synced_at: datetime | None
    label: str | None
    sync_type: str | None


def _schema(row: Row) -> ExternalSchema | None:
    """Older servers send an object without id where there is no schema."""
    found = mapping(row, "external_schema") or {}
    key = text(found, "id")
    if not key:
        return None
    synced = moment(found, "last_synced_at")
    rest = text(found, "label"), text(found, "sync_type")
    return ExternalSchema(key, text(found, "name"), flag(found, "should_sync"), synced, *rest)


@dataclass(frozen=True)
class WarehouseTable:
    """A table; its access key and secret are never sent by the server, and dropped should it ever send them."""

    id: str
    name: str
    deleted: bool | None
    format: str | None
    url_pattern: str | None
    created_by: UserRef | None
    created_at: datetime | None
    credential_id: str | None
    columns: list[Column] | None
    external_data_source: DataSource | None
    external_schema: ExternalSchema | None
    hogql_name: str | None = None
    created_via: str | None = None
    user_access_level: str | None = None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> WarehouseTable:
        row = row_of(value, "a warehouse table")
        credential = mapping(row, "credential") or {}
        if credential:
            row = {**row, "credential": {k: credential.get(k) for k in ("id", "created_by", "created_at")}}
        source = mapping(row, "external_data_source")
        return cls(
            id=object_id(row, "a warehouse table"),
            name=text(row, "name") or "",
            deleted=flag(row, "deleted"),
            format=text(row, "format"),
            url_pattern=text(row, "url_pattern"),
            created_by=_user(row, "created_by"),
            created_at=moment(row, "created_at"),
            credential_id=text(credential, "id"),
            columns=items(row, "columns", Column.parse),
            external_data_source=DataSource.parse(source) if source else None,
            external_schema=_schema(row),
            hogql_name=text(row, "hogql_name"),
            created_via=text(row, "created_via"),
            user_access_level=text(row, "user_access_level"),
            raw=row,
        )

    def has(self, name: str) -> bool:
        """Whether the server sent this field at all, null included."""
        return name in self.raw


@dataclass(frozen=True)
class Job:
    """One run of one materialized view."""

    id: str
    saved_query_id: str | None
    status: str | None
    rows_materialized: int | None
    rows_expected: int | None
    error: str | None
    created_at: datetime | None
    last_run_at: datetime | None
    workflow_id: str | None
    workflow_run_id: str | None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> Job:
        row = row_of(value, "a run")
        return cls(
            identity(row, "a run"),
            text(row, "saved_query_id"),
            text(row, "status"),
            whole(row, "rows_materialized"),
            whole(row, "rows_expected"),
            text(row, "error"),
            moment(row, "created_at"),
            moment(row, "last_run_at"),
            text(row, "workflow_id"),
            text(row, "workflow_run_id"),
            row,
        )


@dataclass(frozen=True)
class HistoryRun:
    """One of the last five runs as `run_history` tells them: no id, no error."""

    status: str | None
    timestamp: datetime | None

    @classmethod
    def parse(cls, row: Row) -> HistoryRun:
        return cls(text(row, "status"), moment(row, "timestamp"))


@dataclass(frozen=True)
class ActivityEntry:
    """One line of PostHog's log. Older servers give it no id: tell entries apart by `fingerprint`."""

    id: str | None
    user: UserRef | None
    is_system: bool
    activity: str | None
    scope: str | None
    item_id: str | None
    name: str | None
    changes: list[Row]
    created_at: datetime | None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> ActivityEntry:
        row = row_of(value, "an activity entry")
        detail = mapping(row, "detail") or {}
        return cls(
            id=text(row, "id"),
            user=_user(row, "user"),
            is_system=bool(flag(row, "is_system") or flag(mapping(row, "user") or {}, "is_system")),
            activity=text(row, "activity"),
            scope=text(row, "scope"),
            item_id=text(row, "item_id"),
            name=text(detail, "name"),
            changes=items(detail, "changes", lambda change: change) or [],
            created_at=moment(row, "created_at"),
            raw=row,
        )

    def fingerprint(self) -> str:
        """The same for one entry whether a view's own log or the project's told it."""
        at = self.created_at.isoformat() if self.created_at else ""
        told = [self.item_id, at, self.activity, self.name, self.changes]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class UserInterview:
    """A recorded interview: personal data. The audio never comes back."""

    id: str
    created_by: UserRef | None
    created_at: datetime | None
    interviewee_emails: list[str]
    transcript: str | None
    summary: str | None
    interviewee_identifier: str | None = None
    topic: str | None = None
    classifications: Any = None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> UserInterview:
        row = row_of(value, "a user interview")
        return cls(
            id=identity(row, "a user interview"),
            created_by=_user(row, "created_by"),
            created_at=moment(row, "created_at"),
            interviewee_emails=texts(row, "interviewee_emails"),
            transcript=text(row, "transcript"),
            summary=text(row, "summary"),
            interviewee_identifier=text(row, "interviewee_identifier"),
            topic=text(row, "topic"),
            classifications=row.get("classifications"),
            raw=row,
        )


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. `next_params` is the query string of the server's `next` link; its address is never used."""

    count: int | None
    results: list[T]
    has_next: bool
    next_params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: Any, parse: Callable[[Any], T], what: str) -> Page[T]:
        row = row_of(value, f"a page of {what}")
        results = [parse(item) for item in rows_of(row.get("results"), what)]
        following = text(row, "next")
        count = whole(row, "count")
        return cls(
            count=whole(row, "total_count") if count is None else count,
            results=results,
            has_next=bool(following),
            next_params=_query_of(following) if following else {},
        )

    @property
    def cursor(self) -> str | None:
        """What to pass as `cursor` for the next page of a cursor list."""
        return self.next_params.get("cursor")


def _query_of(link: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    except ValueError:  # an address that no parser accepts, such as a broken IPv6 host
        return {}
