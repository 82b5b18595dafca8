"""What differs between the columns a table had and those it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Columns = list[dict[str, Any]]


@dataclass(frozen=True)
class Retyped:
    """A column of the same name with another type, or of which PostHog says otherwise whether its values fit."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    retyped: list[Retyped]


def difference(before: Columns, after: Columns) -> Difference:
    """By name; the order of columns is no difference."""
    had, has = ({str(column.get("name")): column for column in columns} for columns in (before, after))
    return Difference(
        added=[column for name, column in has.items() if name not in had],
        removed=[column for name, column in had.items() if name not in has],
        retyped=[
            Retyped(name, _in_words(had[name]), _in_words(column))
            for name, column in has.items()
            if name in had and _said(had[name]) != _said(column)
        ],
    )


def differ(before: Columns, after: Columns) -> bool:
    found = difference(before, after)
    return bool(found.added or found.removed or found.retyped)


def _said(column: dict[str, Any]) -> tuple[Any, Any]:
    return column.get("type"), column.get("valid")


def _in_words(column: dict[str, Any]) -> str:
    fits = ", values do not fit" if column.get("valid") is False else ""
    return f"{column.get('type') or 'not said'}{fits}"
