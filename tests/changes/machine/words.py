"""Texts of views whose meaning a test can tell without asking the code: three numbers, a source, and a layout."""

from __future__ import annotations

import re
from collections.abc import Sequence

LAYOUTS = ("plain", "lower", "comment", "crlf", "wide")
_COLUMN = re.compile(r"(\d+)\s+as\s+(\w+)", re.IGNORECASE)
_SOURCE = re.compile(r"from\s+(\w+)", re.IGNORECASE)


def text(numbers: Sequence[int], layout: str = "plain", source: str = "raw_000") -> str:
    """A query of these numbers; equal numbers and sources mean the same, whatever the layout."""
    columns = [f"    {number} AS {name}" for number, name in zip(numbers, "abc", strict=True)]
    made = "SELECT\n" + ",\n".join(columns) + f"\nFROM {source}"
    if layout == "lower":
        return made.replace("SELECT", "select").replace("FROM", "from")
    if layout == "comment":
        return made.replace("FROM", "-- it's the same\nFROM")
    if layout == "crlf":
        return made.replace("\n", "\r\n")
    return made.replace("    ", "      ") if layout == "wide" else made


def meaning(query: str | None) -> object:
    """What a text means: its columns and its source; of a text of another form every character."""
    found = _COLUMN.findall(query or "")
    source = _SOURCE.search(query or "")
    return (tuple(found), source.group(1) if source else "") if found else query
