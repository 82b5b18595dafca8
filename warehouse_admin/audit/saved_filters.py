"""Filters of the log under a name: one's own, and those that the readers of the trail share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from warehouse_admin.audit import policies, selectors
from warehouse_admin.audit.models import SavedFilter
from warehouse_admin.audit.shelf import Shelf

SHARED = "audit.filter_shared"
SHELF = Shelf(
    model=SavedFilter,
    parameters=selectors.FILTERS,
    noun="saved filter",
    kind="saved_filter",
    saved="audit.filter_saved",
    removed="audit.filter_removed",
)
remove: Callable[..., None] = SHELF.remove


def filters_of(user: Any, *, sees_all: bool) -> QuerySet[SavedFilter]:
    """One's own, and for those who may read the whole trail what they share among them."""
    return SHELF.of(user, shared=sees_all)


def save(*, user: Any, name: str, query: str, is_shared: bool = False) -> SavedFilter:
    """Keep filters under a name; the same name again replaces them."""
    _may_share(user, is_shared)
    return SHELF.save(user=user, name=name, query=query, is_shared=is_shared)


def change(
    *, user: Any, pk: int, name: str | None = None, query: str | None = None, is_shared: bool | None = None
) -> SavedFilter:
    """Another name, other filters, shared or not; what is None stays."""
    _may_share(user, bool(is_shared))
    return SHELF.change(user=user, pk=pk, name=name, query=query, is_shared=is_shared)


def told(query: str) -> list[tuple[str, str]]:
    """The filters in an address, by name and value, as far as they are kept."""
    asked = QueryDict(query.lstrip("?"))
    return [(name, asked[name]) for name in selectors.FILTERS if asked.get(name)]


def _may_share(user: Any, is_shared: bool) -> None:
    if is_shared:
        policies.require_sees_all(user, action=SHARED)
