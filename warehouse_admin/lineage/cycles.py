"""Views that would come to select from themselves, which PostHog refuses to save."""

from __future__ import annotations

from django.db.models import F

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.models import Edge
from warehouse_admin.lineage.sources import sources


def cycle(connection: Connection, name: str, sql: str) -> list[str]:
    """The way from a view of this name with this SQL back to itself, each selecting from the next; empty for none.

    Only what is certain counts: texts that were parsed, as the mirror holds them. One query for each step of the way.
    """
    read = sources(sql)
    if not read.complete:
        return []
    if name in read.names:
        return [name, name]
    towards, frontier = {name: name}, {name}  # each view that selects from this one, and through what
    while frontier:
        fresh = {reader: of for reader, of in _readers(connection, frontier) if reader not in towards}
        towards |= fresh
        if found := next((source for source in read.names if source in fresh), ""):
            return [name, *_way(found, name, towards)]
        frontier = set(fresh)
    return []


def _way(start: str, end: str, towards: dict[str, str]) -> list[str]:
    way = [start]
    while way[-1] != end:
        way.append(towards[way[-1]])
    return way


def _readers(connection: Connection, names: set[str]) -> list[tuple[str, str]]:
    """Present views that certainly select from any of these, each with which."""
    edges = Edge.objects.filter(connection=connection, name__in=names, downstream__deleted_at=None)
    known = edges.filter(downstream__reading__complete=True)
    current = known.filter(downstream__reading__query_hash=F("downstream__query_hash"))
    return list(current.order_by("downstream__name", "name").values_list("downstream__name", "name"))
