"""The smaller answers: the key itself, projects, folders, dependencies, query checks and query results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .errors import BadAnswer, clean
from .objects import SavedQuery, UserRef
from .parsing import Row, flag, identity, items, mapping, moment, row_of, rows_of, text, texts, whole


@dataclass(frozen=True)
class KeyInfo:
    """What a personal API key may do. Never holds the key."""

    id: str | None
    label: str | None
    user_id: int | None
    scopes: list[str]
    scoped_teams: list[int]
    scoped_organizations: list[str]
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    last_rolled_at: datetime | None = None

    @classmethod
    def parse(cls, value: Any) -> KeyInfo:
        row = row_of(value, "an API key's description")
        teams = row.get("scoped_teams") or []
        return cls(
            id=text(row, "id"),
            label=text(row, "label"),
            user_id=whole(row, "user_id"),
            scopes=texts(row, "scopes"),
            scoped_teams=[team for team in teams if isinstance(team, int)] if isinstance(teams, list) else [],
            scoped_organizations=texts(row, "scoped_organizations"),
            created_at=moment(row, "created_at"),
            last_used_at=moment(row, "last_used_at"),
            last_rolled_at=moment(row, "last_rolled_at"),
        )

    def grants(self, scope: str) -> bool:
        """Whether the key holds `scope`; write implies read of the same object."""
        subject, _, level = scope.partition(":")
        return "*" in self.scopes or scope in self.scopes or (level == "read" and f"{subject}:write" in self.scopes)


@dataclass(frozen=True)
class Project:
    """A PostHog project the key can see."""

    id: int
    name: str
    organization: str | None
    timezone: str | None

    @classmethod
    def parse(cls, value: Any) -> Project:
        row = row_of(value, "a project")
        number = whole(row, "id")
        if number is None:
            raise BadAnswer("PostHog sent a project without a number.")
        return cls(number, text(row, "name") or "", text(row, "organization"), text(row, "timezone"))


@dataclass(frozen=True)
class Folder:
    """A folder of views; deleting it deletes the views in it."""

    id: str
    name: str
    created_by: UserRef | None
    created_at: datetime | None
    view_count: int | None

    @classmethod
    def parse(cls, value: Any) -> Folder:
        row = row_of(value, "a folder")
        made_by = mapping(row, "created_by")
        return cls(
            identity(row, "a folder"),
            text(row, "name") or "",
            UserRef.parse(made_by) if made_by else None,
            moment(row, "created_at"),
            whole(row, "view_count"),
        )


@dataclass(frozen=True)
class Dependencies:
    """Immediate neighbours of a view; upstream counts tables and built-ins too."""

    upstream_count: int | None
    downstream_count: int | None

    @classmethod
    def parse(cls, value: Any) -> Dependencies:
        row = row_of(value, "dependency counts")
        return cls(whole(row, "upstream_count"), whole(row, "downstream_count"))


@dataclass(frozen=True)
class ManagedView:
    """A view that PostHog made for a managed set."""

    id: str
    name: str
    created_at: datetime | None

    @classmethod
    def parse(cls, value: Any) -> ManagedView:
        row = row_of(value, "a managed view")
        return cls(identity(row, "a managed view"), text(row, "name") or "", moment(row, "created_at"))


@dataclass(frozen=True)
class QueryNotice:
    """One remark about a query; `start` and `end` are character offsets."""

    message: str
    start: int | None
    end: int | None
    fix: str | None

    @classmethod
    def parse(cls, row: Row) -> QueryNotice:
        message = clean(text(row, "message") or "")
        return cls(message, whole(row, "start"), whole(row, "end"), text(row, "fix"))


@dataclass(frozen=True)
class QueryValidation:
    """What PostHog's parser says of a query; it knows neither the rules for views nor cycles."""

    is_valid: bool
    errors: list[QueryNotice]
    warnings: list[QueryNotice]
    notices: list[QueryNotice]
    table_names: list[str]

    @classmethod
    def parse(cls, value: Any) -> QueryValidation:
        row = row_of(value, "a query check")
        valid = flag(row, "isValid")
        if valid is None:
            valid = flag(row, "isValidView")
        if valid is None:
            raise BadAnswer("PostHog's query check did not say whether the query is valid.")
        return cls(
            is_valid=valid,
            errors=items(row, "errors", QueryNotice.parse) or [],
            warnings=items(row, "warnings", QueryNotice.parse) or [],
            notices=items(row, "notices", QueryNotice.parse) or [],
            table_names=texts(row, "table_names"),
        )


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query that was run. `types` pairs a column's name with its ClickHouse type."""

    columns: list[str]
    types: list[list[Any]]
    results: list[list[Any]]
    has_more: bool | None
    error: str | None
    raw: Row = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> QueryResult:
        row = row_of(value, "a query result")
        rows = [line for line in rows_of(row.get("results"), "result rows") if isinstance(line, list)]
        kinds = row.get("types")
        pairs = [pair for pair in kinds if isinstance(pair, list)] if isinstance(kinds, list) else []
        return cls(texts(row, "columns"), pairs, rows, flag(row, "hasMore"), text(row, "error"), row)


@dataclass(frozen=True)
class Created:
    """A POST's view; `was_upsert` is an alarm: the name existed and that view was overwritten instead."""

    saved_query: SavedQuery
    was_upsert: bool
