"""What the detail of an entry in PostHog's log says; the other side may have put anything into it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def changed_fields(detail: Any) -> dict[str, tuple[Any, Any]]:
    """Each field that the entry names, before and after; a query object is told by its SQL."""
    fields: dict[str, tuple[Any, Any]] = {}
    for change in _changes(detail):
        name = str(change.get("field") or "")
        if name:
            fields[name[:60]] = (_plain(change.get("before")), _plain(change.get("after")))
    return fields


def told_sql(detail: Any) -> tuple[str | None, str] | None:
    """The SQL before and after; None for an entry that puts no other SQL in place."""
    before, after = changed_fields(detail).get("query", (None, None))
    if not isinstance(after, str) or after == before:
        return None
    return before if isinstance(before, str) else None, after


def _changes(detail: Any) -> Iterable[dict[str, Any]]:
    found = detail.get("changes") if isinstance(detail, dict) else detail
    return [change for change in found if isinstance(change, dict)] if isinstance(found, list) else []


def _plain(value: Any) -> Any:
    return value["query"] if isinstance(value, dict) and isinstance(value.get("query"), str) else value
