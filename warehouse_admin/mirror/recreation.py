"""A name that comes back under another id: a new view, linked to the deleted one that had its name."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

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
    _arrived_since(tombstone).filter(recreates=None).update(recreates=tombstone)


def successor(gone: SavedQuery) -> SavedQuery | None:
    """The view that came in place of one that is gone, however often that happened; also before a sync linked them."""
    found = SavedQuery.objects.filter(recreates=gone).order_by("pk").last()
    while found is not None:
        if found.deleted_at is None:
            return found
        found = SavedQuery.objects.filter(recreates=found).order_by("pk").last()
    return _arrived_since(gone).order_by("pk").last()


def _arrived_since(gone: SavedQuery) -> QuerySet[SavedQuery]:
    """Present views of the same name first seen after it was last; one that was there before was only renamed."""
    named = SavedQuery.objects.present().filter(connection=gone.connection_id, name=gone.name).exclude(pk=gone.pk)
    return named.filter(first_seen_at__gte=gone.synced_at) if gone.synced_at else named.none()
