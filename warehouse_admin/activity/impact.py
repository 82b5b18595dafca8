"""What an edit that is in the inbox did to the views that read its own."""

from __future__ import annotations

from typing import Any

from warehouse_admin.activity import presenters
from warehouse_admin.activity.errors import UnknownEntry
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.lineage import impact, selectors


def can_be_graded(entry: ActivityEntry) -> bool:
    """Of an edit whose SQL is known before and after, of a view that is there."""
    view, texts = entry.saved_query, presenters.texts(entry)
    return view is not None and view.deleted_at is None and texts is not None and all(texts)


def impact_of(entry: ActivityEntry) -> dict[str, Any]:
    """Entry, view and impact, for those that read the view today; UnknownEntry where nothing can be graded."""
    view, texts = entry.saved_query, presenters.texts(entry)
    if view is None or texts is None or not can_be_graded(entry):
        raise UnknownEntry("This is no edit of which the SQL before and after is known.")
    told = impact.of_edit(view, texts[0] or "", texts[1] or "").as_dict()
    return {"entry": entry, "view": view, "impact": told | {"caveat": selectors.caveat(view.connection)}}
