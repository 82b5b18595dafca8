"""Remote text made fit for a database column; the rules for the rest of the application live with the data."""

from __future__ import annotations

import math
from typing import Any


def storable(text: str | None, length: int = 0) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair, at most `length` characters (0: any)."""
    text = text or ""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text[:length] if length else text


def storable_json(value: Any) -> Any:
    """The same for every text inside a JSON value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None  # no JSON, though some servers send it
    return value
