"""Filters of the inbox under a name."""

from __future__ import annotations

from django.db.models import QuerySet

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.filters import KEPT_PARAMETERS
from warehouse_admin.activity.models import SavedSearch
from warehouse_admin.audit.shelf import Shelf

SHELF = Shelf(
    model=SavedSearch,
    parameters=KEPT_PARAMETERS,
    noun="saved search",
    kind="saved_search",
    saved="activity.search_saved",
    removed="activity.search_removed",
)
save = SHELF.save
remove = SHELF.remove


def searches_of(user: User) -> QuerySet[SavedSearch]:
    """One's own, and what others share."""
    return SHELF.of(user)
