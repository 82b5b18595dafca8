"""What can only change when something is written into the trail: read once, and kept while the trail is no longer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from django.core.cache import cache

from warehouse_admin.audit.models import ChainHead
from warehouse_admin.core.counts import Counting

Found = TypeVar("Found")

KEPT_FOR = 60
"""Seconds, after which it is read again all the same."""


@lru_cache
def counting_entries() -> Counting:
    """How long the trail is, from its head: it has no gap."""
    sql, parameters = ChainHead.objects.filter(pk=1).values("sequence").query.sql_with_params()
    return Counting(f"SELECT COALESCE(({sql}), 0)", parameters)


def kept(key: str, length: int, find: Callable[[], Found]) -> Found:
    """What `find` gave when the trail was as long as now; `length` was read before.

    What is found may be newer than the length by then. So it is found once more than needed, and is never old.
    """
    known: tuple[int, Found] | None = cache.get(key)
    if known is None or known[0] != length:
        known = (length, find())
        cache.set(key, known, KEPT_FOR)
    return known[1]
