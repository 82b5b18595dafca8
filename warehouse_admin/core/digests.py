"""Digests of texts and structures."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def text_digest(text: str) -> str:
    """SHA-256 of the exact text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no ASCII escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def json_digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, in hex."""
    return text_digest(canonical_json(value))


def is_digest(text: str) -> bool:
    """Whether this could be a digest of ours."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
