"""Parsed queries as they are kept: without what nobody reads, and compressed."""

from __future__ import annotations

import json
import zlib
from typing import Any


def pack(tree: dict[str, Any] | None) -> bytes | None:
    """A parsed query as bytes; None for one that could not be parsed, or is nested too deeply to be kept."""
    if tree is None:
        return None
    try:
        return zlib.compress(json.dumps(_lean(tree), separators=(",", ":")).encode(), 6)
    except RecursionError:
        return None


def unpack(packed: bytes | memoryview | None) -> dict[str, Any] | None:
    """The parsed query; the places of its nodes are plain offsets."""
    if packed is None:
        return None
    try:
        found: dict[str, Any] = json.loads(zlib.decompress(packed))
    except RecursionError:
        return None
    return found


def _lean(node: Any) -> Any:
    if isinstance(node, list):
        return [_lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _lean(value) for key, value in node.items() if value is not None and key not in ("start", "end")}
    if isinstance(node.get("start"), dict):
        found["start"] = node["start"]["offset"]
    return found
