"""What an edit that is in the inbox did to the views that read its own."""

from __future__ import annotations

from typing import Any

from warehouse_admin.activity import presenters
from warehouse_admin.activity.errors import UnknownEntry
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.lineage import impact, selectors
from warehouse_admin.mirror.models import SavedQuery

Edit = tuple[SavedQuery, str, str]
"""A view, with its SQL before and after."""


def can_be_graded(entry: ActivityEntry) -> bool:
    return _edit(entry) is not None


def impact_of(entry: ActivityEntry) -> dict[str, Any]:
    """Entry, view and impact, for those that read the view today; UnknownEntry where nothing can be graded."""
    edit = _edit(entry)
    if edit is None:
        raise UnknownEntry("This is no edit of which the SQL before and after is known.")
    view, before, after = edit
    told = impact.of_edit(view, before, after).as_dict()
    return {"entry": entry, "view": view, "impact": told | {"caveat": selectors.caveat(view.connection)}}


def _edit(entry: ActivityEntry) -> Edit | None:
    """None where the SQL is not known both before and after, or the view is gone."""
    view, (before, after) = entry.saved_query, presenters.texts(entry) or (None, None)
    return (view, before, after) if view and not view.deleted_at and before and after else None
