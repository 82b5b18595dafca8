"""Every view that reads one, directly or through others, and the order in which to look at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from warehouse_admin.lineage import selectors
from warehouse_admin.lineage.grading import ColumnChange, Grade
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

MOST_VIEWS = 2_000
ROOT = 0
"""The key of the object itself, which may be a table whose primary key is a view's too."""


@dataclass
class Affected:
    """A view that reads the changed one, `depth` steps away through `via`, and how it fares."""

    view: SavedQuery
    depth: int
    via: str
    grade: Grade = Grade.SAFE
    why: list[str] = field(default_factory=list)
    columns: list[ColumnChange] = field(default_factory=list)


@dataclass
class Downstream:
    """Every view that reads one object, directly or not; `sources` has them all by key, the object itself as ROOT."""

    root: SavedQuery | WarehouseTable
    steps: list[Affected] = field(default_factory=list)
    sources: dict[int, SavedQuery | WarehouseTable] = field(default_factory=dict)
    reads: dict[int, list[int]] = field(default_factory=dict)
    """Which of these each of them reads."""
    is_cut: bool = False

    @classmethod
    def of(cls, root: SavedQuery | WarehouseTable) -> Downstream:
        found = cls(root, sources={ROOT: root})
        is_table = isinstance(root, WarehouseTable)
        first = selectors.edges_from(table=root.pk) if is_table else selectors.edges_from(views=[root.pk])
        frontier, depth = found._step(first, 1, of_root=True), 1
        while frontier and not found.is_cut:
            depth += 1
            frontier = found._step(selectors.edges_from(views=frontier), depth)
        return found

    def _step(self, edges: Iterable[Edge], depth: int, *, of_root: bool = False) -> list[int]:
        reached: list[int] = []
        for edge in edges:
            reader, source = edge.downstream, ROOT if of_root else edge.upstream_view_id or ROOT
            if isinstance(self.root, SavedQuery) and reader.pk == self.root.pk:
                continue
            if reader.pk not in self.sources:
                if len(self.sources) > MOST_VIEWS:
                    self.is_cut = True
                    break
                self.sources[reader.pk] = reader
                self.steps.append(Affected(reader, depth, self.sources[source].name))
                reached.append(reader.pk)
            self.reads.setdefault(reader.pk, []).append(source)
        return reached

    def in_order(self) -> Iterator[Affected]:
        """Sources before readers; a circle is cut where it is met."""
        by_view = {step.view.pk: step for step in self.steps}
        waiting = {pk: {key for key in self.reads[pk] if key in by_view and key != pk} for pk in by_view}
        readers: dict[int, list[int]] = {}
        for pk, sources in waiting.items():
            for key in sources:
                readers.setdefault(key, []).append(pk)
        ready = [pk for pk in by_view if not waiting[pk]]
        while waiting:
            if not ready:
                ready = [next(iter(waiting))]
            pk = ready.pop(0)
            if waiting.pop(pk, None) is None:
                continue
            yield by_view[pk]
            for reader in readers.get(pk, []):
                if reader in waiting:
                    waiting[reader].discard(pk)
                    if not waiting[reader]:
                        ready.append(reader)
