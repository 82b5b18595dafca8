"""Keep the edges between views and what they read in step with the mirror."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.depths import refresh_depths
from warehouse_admin.lineage.models import Edge, Reading
from warehouse_admin.lineage.parser import parse_many, rest
from warehouse_admin.lineage.sources import Sources, sources
from warehouse_admin.lineage.trees import pack
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

BATCH = 50
LONGEST_NAME = 300


@dataclass(frozen=True)
class Read:
    """A text, by its hash, with what it reads and its packed tree."""

    query_hash: str
    sources: Sources
    tree: bytes | None


MOST_KNOWN = 500
_known: dict[str, Read] = {}
"""Texts that were read before, by their hash: the same view on several projects, a text that comes back."""


@dataclass(frozen=True)
class Names:
    """Which present object a name in SQL means. Case counts; a view wins over a table, its own storage included."""

    views: dict[str, int]
    tables: dict[str, int]

    @classmethod
    def of(cls, connection: Connection) -> Names:
        views = SavedQuery.objects.present().filter(connection=connection)
        tables = WarehouseTable.objects.present().filter(connection=connection)
        return cls(dict(views.values_list("name", "pk")), dict(tables.values_list("name", "pk")))

    def resolve(self, name: str) -> tuple[int | None, int | None]:
        """Primary keys of the view or of the table; neither for a built-in or something unknown."""
        view = self.views.get(name)
        return view, None if view else self.tables.get(name)


def refresh(connection: Connection) -> int:
    """Parse the views whose SQL changed and resolve all names anew; gives how many were parsed. Safe to run twice."""
    names = Names.of(connection)
    parsed = 0
    for batch in _stale(connection):
        # Parsing can take seconds, so it happens before the transaction.
        found = _read(batch)
        _store(connection, found, names)
        parsed += len(found)
    if parsed:
        rest()
    resolve_again(connection)
    refresh_depths(connection)
    return parsed


def _read(batch: list[SavedQuery]) -> dict[int, Read]:
    found = {view.pk: known for view in batch if (known := _known.get(view.query_hash))}
    new = [view for view in batch if view.pk not in found]
    texts = [view.query or "" for view in new]
    for view, sql, parsed in zip(new, texts, parse_many(texts), strict=True):
        found[view.pk] = read = Read(view.query_hash, sources(sql, parsed), pack(parsed.tree))
        if not parsed.problem:  # which may pass: a busy machine can be too slow for a text
            _remember(read)
    return found


def _remember(read: Read) -> None:
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[read.query_hash] = read


def _stale(connection: Connection) -> Iterator[list[SavedQuery]]:
    """Views without a reading of their present text, in batches."""
    views = SavedQuery.objects.present().filter(connection=connection).exclude(query=None)
    stale = views.filter(Q(reading=None) | ~Q(reading__query_hash=F("query_hash"))).only("query", "query_hash")
    last = 0
    while batch := list(stale.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        yield batch


@transaction.atomic
def _store(connection: Connection, found: dict[int, Read], names: Names) -> None:
    """Replace the edges of views whose text is still the one that was parsed."""
    locked = SavedQuery.objects.select_for_update().filter(pk__in=found)
    current = [pk for pk, digest in locked.values_list("pk", "query_hash") if digest == found[pk].query_hash]
    Edge.objects.filter(downstream__in=current).delete()
    edges, readings = [], []
    for pk in current:
        text = found[pk]
        read = text.sources
        readings.append(
            Reading(
                saved_query_id=pk,
                query_hash=text.query_hash,
                complete=read.complete,
                problem=read.why[:300],
                tree=text.tree,
            )
        )
        for name in dict.fromkeys(name[:LONGEST_NAME] for name in read.names):
            view, table = names.resolve(name)
            edges.append(
                Edge(connection=connection, downstream_id=pk, name=name, upstream_view_id=view, upstream_table_id=table)
            )
    Edge.objects.bulk_create(edges, batch_size=500)
    Reading.objects.bulk_create(
        readings,
        update_conflicts=True,
        unique_fields=["saved_query"],
        update_fields=["query_hash", "complete", "problem", "tree"],
    )


def resolve_again(connection: Connection) -> int:
    """Point every name at what it means now that objects came, went or were renamed; gives how many moved."""
    names = Names.of(connection)
    moved = []
    edges = Edge.objects.filter(connection=connection).values_list("pk", "name", "upstream_view", "upstream_table")
    for pk, name, *known in edges.iterator(chunk_size=2_000):
        view, table = names.resolve(name)
        if known != [view, table]:
            moved.append(Edge(pk=pk, upstream_view_id=view, upstream_table_id=table))
    Edge.objects.bulk_update(moved, ["upstream_view", "upstream_table"], batch_size=200)
    return len(moved)
