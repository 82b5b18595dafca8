"""What the lineage tab of a view shows: the picture, the same as a list, and what was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from warehouse_admin.lineage import graph as drawing
from warehouse_admin.lineage import listed, selecting
from warehouse_admin.lineage.errors import BadSelector
from warehouse_admin.lineage.graph import MOST_NODES, Graph, Placed
from warehouse_admin.lineage.listed import Row
from warehouse_admin.mirror.models import SavedQuery

MOST_ROWS = 500
MOST_SOUGHT = 200
"""Characters of a name that is looked for."""


@dataclass(frozen=True)
class Picture:
    """`select` and `find` are what was typed, `problem` what is wrong with the first of them; `found` counts all."""

    graph: Graph
    rows: list[Row]
    found: int
    selector: str
    """What the file is to hold: what was asked for, or the steps around the view in the same words."""
    select: str = ""
    find: str = ""
    problem: str = ""

    @property
    def hits(self) -> list[Placed]:
        return [node for node in self.graph.nodes if node.is_found]

    @property
    def hits_elsewhere(self) -> list[Row]:
        """What is found in the list alone, as the picture has no room for it."""
        drawn = {node.id for node in self.graph.nodes}
        return [row for row in self.rows if row.id not in drawn and drawing.matches(row.name, self.find)]

    @property
    def is_selected(self) -> bool:
        return bool(self.select) and not self.problem

    @property
    def undrawn(self) -> int:
        """How many of what was selected the picture leaves out."""
        return self.found - len(self.graph.nodes)

    @property
    def unlisted(self) -> int:
        return self.found - len(self.rows)

    @property
    def names(self) -> list[str]:
        """What the box can suggest."""
        return sorted({node.name for node in self.graph.nodes})


def picture(view: SavedQuery, hops: int, asked: Mapping[str, str]) -> Picture:
    """What `select` asks for, or what is so many steps around; `find` marks names in it."""
    select, find = asked.get("select", "").strip(), asked.get("find", "").strip()[:MOST_SOUGHT]
    if not select:
        return _around(view, hops, find)
    try:
        return _selected(view, select, find)
    except BadSelector as wrong:
        shown = select[: selecting.MOST_CHARACTERS]
        return replace(_around(view, hops, find), select=shown, problem=wrong.message)


def _around(view: SavedQuery, hops: int, find: str) -> Picture:
    graph = drawing.graph(view, hops)
    nodes = [replace(node, is_found=drawing.matches(node.name, find)) for node in graph.nodes]
    steps = _steps_around(graph)
    rows = [Row(node.id, node.name, node.kind, node.state, steps.get(node.number)) for node in graph.nodes]
    selector = f"{hops}+{view.name}+{hops}"
    return Picture(replace(graph, nodes=nodes), _in_order(rows), len(nodes), selector, find=find)


def _steps_around(graph: Graph) -> dict[int, int]:
    """How far each node lies from the one in the middle, by number; below 0 before it."""
    sources = {node.number: list(node.sources) for node in graph.nodes}
    readers: dict[int, list[int]] = defaultdict(list)
    for node in graph.nodes:
        for source in node.sources:
            readers[source].append(node.number)
    steps: dict[int, int] = {}
    for centre in (node.number for node in graph.nodes if node.is_centre):
        before = selecting.reach(centre, selecting.ALL, sources)
        after = selecting.reach(centre, selecting.ALL, readers)
        steps = {key: -step for key, step in before.items()}
        steps |= {key: step for key, step in after.items() if key not in before or step < before[key]}
    return steps


def _selected(view: SavedQuery, select: str, find: str) -> Picture:
    found = listed.select(view, select, MOST_ROWS)
    nearest = found.rows[:MOST_NODES]
    own = str(view.posthog_id)
    centre = own if any(row.id == own for row in nearest) else nearest[0].id if nearest else ""
    drawn = {row.id for row in nearest}
    edges = [edge for edge in found.edges if drawn.issuperset(edge)]
    nodes = [row.node for row in nearest]
    empty = Graph([], [], 0, 0, 0, 0)
    graph = drawing.drawn(nodes, edges, centre=centre, hops=0, found=found.found, sought=find) if nodes else empty
    return Picture(graph, _in_order(found.rows), found.found, select, select, find)


def _in_order(rows: list[Row]) -> list[Row]:
    """As the picture goes, from left to right; what no line leads to comes last."""
    return sorted(rows, key=lambda row: (row.steps is None, row.steps or 0, row.name))
