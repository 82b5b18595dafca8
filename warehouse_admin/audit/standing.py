"""What can only change when something is written into the trail: read once, and kept while the trail is no longer."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import Subquery

from warehouse_admin.audit.models import ChainHead

KEPT_FOR = 60
"""Seconds, after which it is read again all the same."""


def trail_length() -> Subquery:
    """How many entries were ever written, from the head of the chain, to be read with something else; None: none."""
    return Subquery(ChainHead.objects.filter(pk=1).values("sequence"))


def found(key: str, length: int | None) -> Any:
    """What was kept when the trail was as long; None where nothing was, or where nobody knows how long it is."""
    kept: tuple[int, Any] | None = cache.get(key) if length is not None else None
    return kept[1] if kept is not None and kept[0] == length else None


def keep(key: str, length: int | None, value: Any) -> None:
    """What was read after the trail had this length: it may be newer, so that it is read once more, but never old."""
    if length is not None:
        cache.set(key, (length, value), KEPT_FOR)
