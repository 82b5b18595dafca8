"""The texts that a search reads: folded copies of what the mirror holds, indexed by their parts of three letters.

They are kept up in the background after a sync, because indexing takes longer than writing. `search_stale` marks the
views whose copy is not what the mirror holds by now; `conditions` reads those themselves, so that nothing is missed.
"""

from __future__ import annotations

from django.db import connection, transaction

from warehouse_admin.mirror.models import SavedQuery, SearchText
from warehouse_admin.mirror.search import indexes

BATCH = 200


def folded(text: str) -> str:
    """A text so that two that differ in case only are the same."""
    return text.casefold()


def keep_up() -> int:
    """Renew the copies of all stale views; gives how many. What a sync beside it has locked waits for the next time."""
    renewed = 0
    while keys := _renew_some():
        renewed += len(keys)
    if renewed > BATCH:
        indexes.tidy(connection)
    return renewed


@transaction.atomic
def _renew_some() -> list[int]:
    stale = SavedQuery.objects.filter(search_stale=True).order_by("pk")
    stale = stale.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked, no_key=True)
    views = list(stale.only("name", "description", "columns", "query")[:BATCH])
    SearchText.objects.bulk_create(
        [_text_of(view) for view in views],
        update_conflicts=True,
        unique_fields=["saved_query"],
        update_fields=["about", "columns", "query"],
    )
    keys = [view.pk for view in views]
    SavedQuery.objects.filter(pk__in=keys).update(search_stale=False)
    return keys


def _text_of(view: SavedQuery) -> SearchText:
    names = [str(column.get("name", "")) for column in view.columns if isinstance(column, dict)]
    return SearchText(
        saved_query=view,
        about=folded(f"{view.name}\n{view.description}"),
        columns=folded("\n".join(names)),
        query=folded(view.query or ""),
    )
