"""How one entry's hash is made from its content and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64

FIELDS = (
    "sequence",
    "at",
    "actor_id",
    "actor_name",
    "actor_kind",
    "token_name",
    "action",
    "connection",
    "object_type",
    "object_id",
    "object_name",
    "result",
    "reason",
    "before",
    "after",
    "remote",
    "request_id",
    "ip",
    "user_agent",
    "prev_hash",
)
"""Everything but the row number and the hash itself, in the order that is hashed."""

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def entry_hash(values: Sequence[Any]) -> str:
    """SHA-256 over the canonical JSON of the values of `FIELDS`, in that order; `at` is an aware datetime."""
    return hash_of([values[0], told_time(values[1]), *values[2:]])


def hash_of(values: list[Any]) -> str:
    """The same for values of which `at` is the text that `told_time` makes."""
    return digest(encode(values).encode())


def digest(text: bytes) -> str:
    """The hash of a canonical JSON text."""
    return hashlib.sha256(text).hexdigest()


def told_time(at: datetime) -> str:
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")
