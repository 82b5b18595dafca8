"""What may be written into the trail: no secret, nothing unbounded, only JSON that a database gives back as it was."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.keys import HIDDEN, LIKE_A_KEY, without_keys

TEXT_LIMIT = 64 * 1024
HEAD = 2_000
ITEMS_LIMIT = 1_000
DEPTH_LIMIT = 12

_SECRET_NAME = re.compile(r"key|secret|passw|token|authorization|cookie", re.IGNORECASE)
# Names that only sound like secrets: version tokens of PostHog, policies, and names of keys.
_HARMLESS_NAMES = frozenset(
    {"idempotency_key", "key_policy", "token_after", "token_before", "token_name", "token_prefix", "token_id"}
)


def clean_text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Text without keys, NULs and lone surrogates, cut to `limit` characters."""
    return _storable(str(value))[:limit]


def holds_key(text: str) -> bool:
    """Whether something in it looks like an API key of PostHog or of this portal."""
    return LIKE_A_KEY.search(text) is not None


def clean_json(value: Any) -> Any:
    """The same structure with secrets hidden, long texts replaced by digest and head, and depth and length bounded."""
    return _clean(value, "", DEPTH_LIMIT)


def _clean(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if depth == 0:
        return "[too deep]"
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        kept = [_clean(item, name, depth - 1) for item in items[:ITEMS_LIMIT]]
        return [*kept, f"[{len(items) - ITEMS_LIMIT} more]"] if len(items) > ITEMS_LIMIT else kept
    if _names_a_secret(name):
        return HIDDEN if value != "" else ""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _clean_float(value)
    return _bounded(value.isoformat() if isinstance(value, datetime) else str(value))


def _clean_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    kept = {
        _storable(str(key))[:200]: _clean(item, str(key), depth - 1) for key, item in list(value.items())[:ITEMS_LIMIT]
    }
    if len(value) > ITEMS_LIMIT:
        kept["[more]"] = len(value) - ITEMS_LIMIT
    return kept


def _clean_float(value: float) -> float | str:
    # PostgreSQL keeps numbers as decimals: huge ones would come back as integers, and there is no minus zero.
    return value + 0.0 if math.isfinite(value) and abs(value) < 1e15 else str(value)


def _names_a_secret(name: str) -> bool:
    return name.lower() not in _HARMLESS_NAMES and _SECRET_NAME.search(name) is not None


def _bounded(text: str) -> str | dict[str, Any]:
    if len(text) <= TEXT_LIMIT:
        return _storable(text)
    return {"sha256": text_digest(text), "characters": len(text), "head": _storable(text[:HEAD])}


def _storable(text: str) -> str:
    return without_keys(text).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
