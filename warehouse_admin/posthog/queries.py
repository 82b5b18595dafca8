"""Letting PostHog run a query. It only reads, although it is sent as POST; it may be asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .client import Client, Timeout
from .parsing import flag, row_of, rows_of, text, whole

QUERY = "query/"


@dataclass(frozen=True)
class Rows:
    """What a query gave: the names of its columns, their types as ClickHouse names them, and rows of JSON values."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    has_more: bool

    @classmethod
    def parse(cls, value: Any) -> Rows:
        answer = row_of(value, "the rows of a query")
        rows = [row for row in rows_of(answer.get("results"), "rows") if isinstance(row, list)]
        columns = [str(name) for name in rows_of(answer.get("columns") or [], "columns")]
        kinds = [kind for kind in answer.get("types") or [] if isinstance(kind, list) and len(kind) == 2]
        by_name = {str(name): str(kind) for name, kind in kinds}
        return cls(columns, [by_name.get(name, "") for name in columns], rows, bool(flag(answer, "hasMore")))


@dataclass(frozen=True)
class Remark:
    """What PostHog says against a query; `start` and `end` are character offsets, None where it gives none."""

    message: str
    start: int | None = None
    is_error: bool = True


def check(client: Client, hogql: str, *, timeout: Timeout | None = None) -> list[Remark]:
    """Have a query validated without running it: unknown tables and columns, types. It knows no rules of views."""
    body = {"query": {"kind": "HogQLMetadata", "language": "hogQL", "query": hogql}}
    return client.request("POST", QUERY, json=body, timeout=timeout, retry=True).read(_remarks)


def _remarks(value: Any) -> list[Remark]:
    answer = row_of(value, "the check of a query")
    told = [(one, True) for one in rows_of(answer.get("errors") or [], "errors")]
    told += [(one, False) for one in rows_of(answer.get("warnings") or [], "warnings")]
    return [
        Remark(text(one, "message") or "PostHog gives no reason.", whole(one, "start"), is_error)
        for one, is_error in told
        if isinstance(one, dict)
    ]


def rows(client: Client, hogql: str, *, timeout: Timeout | None = None) -> Rows:
    """Run a query; Refused (400) where PostHog does not accept it. It has a limit of its own, far below the others."""
    body = {"query": {"kind": "HogQLQuery", "query": hogql}}
    return client.request("POST", QUERY, json=body, timeout=timeout, retry=True).read(Rows.parse)
