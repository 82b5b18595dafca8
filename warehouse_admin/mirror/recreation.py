"""A name that comes back under another id: a new view, linked to the deleted one that had its name."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery


def link_to_tombstones(connection: Connection, views: Iterable[SavedQuery]) -> None:
    """Point views that are about to be saved at the newest tombstone of their name; one query for all of them."""
    by_name = {view.name: view for view in views}
    gone = SavedQuery.objects.tombstones().filter(connection=connection, name__in=list(by_name))
    for tombstone in gone.only("pk", "name").order_by("deleted_at", "pk"):
        by_name[tombstone.name].recreates = tombstone


def link_successor(tombstone: SavedQuery) -> None:
    """The same the other way round, for a view that is found gone only after its successor was seen."""
    if tombstone.synced_at is None:
        return
    successors = SavedQuery.objects.present().filter(
        connection=tombstone.connection, name=tombstone.name, recreates=None, first_seen_at__gte=tombstone.synced_at
    )
    successors.exclude(pk=tombstone.pk).update(recreates=tombstone)
