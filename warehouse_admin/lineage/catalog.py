"""What is known of the things that queries read: their columns, and the parsed queries of views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.columns import Columns, mirrored, unknown
from warehouse_admin.lineage.models import Edge, Reading
from warehouse_admin.lineage.trees import unpack
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

_COLUMNS = ("upstream_view__columns", "upstream_table__columns")


class Trees:
    """The parsed queries of some views, read in one query and unpacked when asked for."""

    def __init__(self, views: list[int]) -> None:
        rows = Reading.objects.filter(saved_query__in=views)
        self._packed = {
            key: (digest, tree) for key, digest, tree in rows.values_list("saved_query", "query_hash", "tree")
        }

    def of(self, view: SavedQuery) -> dict[str, Any] | None:
        """None where it could not be parsed, or was not parsed since it changed."""
        return unpack(self._packed[view.pk][1]) if self.has(view, view.query_hash) else None

    def has(self, view: SavedQuery, digest: str) -> bool:
        """Whether the text of this digest was read, parsed or not."""
        return self._packed.get(view.pk, ("", None))[0] == digest


class Catalog:
    """The columns of views and tables as the mirror lists them, by the name that SQL reads them by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, Columns] = {}

    def columns(self, name: str) -> Columns:
        return self._known.get(name) or unknown(name)

    def learn(self, names: Iterable[str]) -> None:
        """Of these names; two queries."""
        wanted = set(names) - self._known.keys()
        for model in (WarehouseTable, SavedQuery):  # a view goes before a table of its name
            rows = model.objects.present().filter(connection=self._connection, name__in=wanted)
            for name, listed in rows.values_list("name", "columns"):
                self._known[name] = mirrored(name, listed)

    def learn_sources_of(self, views: list[int]) -> None:
        """Of everything that these views read; one query."""
        edges = Edge.objects.filter(downstream__in=views).order_by()
        for name, of_view, of_table in edges.values_list("name", *_COLUMNS):
            if name not in self._known and (listed := of_view or of_table):
                self._known[name] = mirrored(name, listed)
