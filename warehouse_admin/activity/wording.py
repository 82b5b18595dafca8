"""Values before and after as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SHOWN_VALUE = 400
UNTOLD = {"query", "query_hash", "latest_history_id", "version"}
"""Fields that are shown in another way, or say nothing to a reader."""


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, as short text."""

    name: str
    before: str
    after: str


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    """Every field that differs but the SQL, in order of name."""
    names = sorted({*before, *after} - UNTOLD)
    found = [FieldChange(name.replace("_", " "), _short(before.get(name)), _short(after.get(name))) for name in names]
    return [change for change in found if change.before != change.after]


def _words(value: Any) -> str:
    """Nested values as people write them: `clickhouse (reason: too slow)`, not as a program prints them."""
    if isinstance(value, dict):
        inner = ((key, _words(part), isinstance(part, dict)) for key, part in value.items())
        return ", ".join(f"{key} ({text})" if nested else f"{key}: {text}" for key, text, nested in inner)
    if isinstance(value, list):
        return ", ".join(_words(part) for part in value)
    return str(value)


def _short(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _words(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}…"
