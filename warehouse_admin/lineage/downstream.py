"""Every view that reads one, directly or through others, and the order in which to look at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from warehouse_admin.lineage import selectors
from warehouse_admin.lineage.grading import ColumnChange, Grade
from warehouse_admin.mirror.models import SavedQuery

MOST_VIEWS = 2_000


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
    """Every view that reads one, directly or not."""

    root: SavedQuery
    steps: list[Affected]
    views: dict[int, SavedQuery]
    reads: dict[int, list[int]]
    """Which of these each of them reads."""
    is_cut: bool = False

    @classmethod
    def of(cls, root: SavedQuery) -> Downstream:
        found = cls(root, [], {root.pk: root}, {})
        frontier, depth = [root.pk], 0
        while frontier and not found.is_cut:
            depth += 1
            frontier = found._step(frontier, depth)
        return found

    def _step(self, frontier: list[int], depth: int) -> list[int]:
        reached: list[int] = []
        for edge in selectors.edges_from(frontier):
            reader = edge.downstream
            if reader.pk == self.root.pk or edge.upstream_view_id is None:
                continue
            if reader.pk not in self.views:
                if len(self.views) > MOST_VIEWS:
                    self.is_cut = True
                    break
                self.views[reader.pk] = reader
                self.steps.append(Affected(reader, depth, self.views[edge.upstream_view_id].name))
                reached.append(reader.pk)
            self.reads.setdefault(reader.pk, []).append(edge.upstream_view_id)
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
