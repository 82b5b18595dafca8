"""Reads values out of remote rows without ever failing on an odd one; only a missing identity is an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from . import errors

T = TypeVar("T")
Row = dict[str, Any]


def row_of(value: Any, what: str) -> Row:
    """`value` if it is a JSON object; BadAnswer otherwise."""
    if not isinstance(value, dict):
        raise errors.BadAnswer(f"PostHog sent {_kind(value)} where {what} was expected.")
    return value


def rows_of(value: Any, what: str) -> list[Any]:
    """`value` if it is a JSON array; BadAnswer otherwise."""
    if not isinstance(value, list):
        raise errors.BadAnswer(f"PostHog sent {_kind(value)} where a list of {what} was expected.")
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def identity(row: Row, what: str) -> str:
    """The row's `id` as text; BadAnswer when there is none, because nothing can be said of such a row."""
    value = text(row, "id")
    if not value:
        raise errors.BadAnswer(f"PostHog sent {what} without an id.")
    return value


def object_id(row: Row, what: str) -> str:
    """The row's `id` as a canonical uuid; BadAnswer when it is none: nothing could be asked of such an object."""
    try:
        return str(UUID(identity(row, what)))
    except ValueError:
        raise errors.BadAnswer(f"PostHog sent {what} whose id is no uuid.") from None


def text(row: Row, name: str) -> str | None:
    """Text, or a scalar as text; None when missing, null or structured."""
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def flag(row: Row, name: str) -> bool | None:
    """A boolean; None when missing, null or anything else."""
    value = row.get(name)
    return value if isinstance(value, bool) else None


def whole(row: Row, name: str) -> int | None:
    """A whole number; None when missing, null or anything else."""
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(row: Row, name: str) -> datetime | None:
    """An aware date and time; None when missing, null, unreadable or at the ends of time, where no zone fits."""
    value = row.get(name)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not MINYEAR + 1 < found.year < MAXYEAR - 1:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def mapping(row: Row, name: str) -> Row | None:
    """An object; None when missing, null or anything else. `{}` stays `{}`."""
    value = row.get(name)
    return value if isinstance(value, dict) else None


def texts(row: Row, name: str) -> list[str]:
    """The strings of an array; empty when missing, null or anything else."""
    value = row.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def items(row: Row, name: str, parse: Callable[[Row], T]) -> list[T] | None:
    """The objects of an array, parsed; None when it is missing, null or no array."""
    value = row.get(name)
    return [parse(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else None
