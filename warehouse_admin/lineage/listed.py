"""What a selector means, as rows of a list and the edges between them: for the picture, the list, the file and REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse_admin.lineage import selecting
from warehouse_admin.lineage.graph import page_of
from warehouse_admin.lineage.selecting import Key
from warehouse_admin.lineage.selectors import kind_of, node_of_view
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

_VIEW_FIELDS = ("posthog_id", "name", "is_materialized", "schedule_state", "lineage_depth")


@dataclass(frozen=True)
class Row:
    """One thing that was selected.

    `state` is empty for what has no schedule; `depth` is how many layers of views lie before it in the whole
    warehouse, None where that is not known; `steps` counts from the nearest name in the selector, below 0 for what is
    read, and is None for what no line of the picture leads to.
    """

    id: str
    name: str
    kind: str
    state: str
    steps: int | None
    depth: int | None = None

    @property
    def url(self) -> str:
        return page_of(self.kind, self.id)

    @property
    def place(self) -> str:
        """The steps in words."""
        if self.steps is None:
            return ""
        if self.steps == 0:
            return "here"
        many = abs(self.steps)
        return f"{many} {'step' if many == 1 else 'steps'} {'before' if self.steps < 0 else 'after'}"

    @property
    def node(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name, "kind": self.kind, "state": self.state}


@dataclass(frozen=True)
class Listed:
    """The nearest first, as many as were asked for; `found` counts those beyond them too."""

    rows: list[Row]
    edges: list[tuple[str, str]]
    found: int


def select(view: SavedQuery, text: str, most: int) -> Listed:
    """What a selector means in the warehouse of this view, in five queries. Raises BadSelector."""
    around = selecting.web(view.connection)
    steps = selecting.chosen(view, text, around)
    kept = sorted(steps, key=lambda key: (abs(steps[key]), steps[key], *key))[:most]
    rows = _rows({key: steps[key] for key in kept})
    ids = {key: row.id for key, row in rows.items()}
    edges = {
        (ids[source], ids[reader]): None
        for reader in ids
        for source in around.sources.get(reader, ())
        if source in ids and source != reader
    }
    return Listed(list(rows.values()), list(edges), len(steps))


def _rows(steps: Mapping[Key, int]) -> dict[Key, Row]:
    """In the order of the keys; a view or table that went away between two queries is left out."""
    wanted: dict[str, list[int]] = {"view": [], "table": []}
    for kind, number in steps:
        if isinstance(number, int):
            wanted[kind].append(number)
    views = SavedQuery.objects.only(*_VIEW_FIELDS).in_bulk(wanted["view"])
    tables = WarehouseTable.objects.only("posthog_id", "name").in_bulk(wanted["table"])
    rows: dict[Key, Row] = {}
    for key, step in steps.items():
        kind, number = key
        if isinstance(number, str):
            rows[key] = Row(number, number, kind_of(number, None, None), "", step, 0)
        elif kind == "view" and number in views:
            depth = views[number].lineage_depth
            rows[key] = Row(**node_of_view(views[number]), steps=step, depth=depth)
        elif number in tables:
            rows[key] = Row(str(tables[number].posthog_id), tables[number].name, "table", "", step, 0)
    return rows
