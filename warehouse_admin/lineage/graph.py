"""The views around one view as a picture: layers from left to right, what is read before whoever reads it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse

from warehouse_admin.lineage import selectors
from warehouse_admin.lineage.depths import depths
from warehouse_admin.mirror.models import SavedQuery

WIDTH, HEIGHT = 200, 34
"""Of a node, in pixels."""
GAP_X, GAP_Y, EDGE = 56, 12, 2
LONGEST_NAME = 22
MOST_NODES = 120
SWEEPS = 4
"""How often the layers are put in order after their neighbours, from both sides in turn."""


@dataclass(frozen=True)
class Placed:
    """A node of the picture; `url` is empty for what has no page, `state` for what has no schedule."""

    id: str
    name: str
    kind: str
    state: str
    x: int
    y: int
    url: str
    is_centre: bool
    number: int = 0
    sources: tuple[int, ...] = ()
    """The numbers of the nodes that it reads."""
    is_found: bool = False

    @property
    def label(self) -> str:
        """As much of the name as fits; the end of it tells more than the middle."""
        if len(self.name) <= LONGEST_NAME:
            return self.name
        return f"{self.name[: LONGEST_NAME - 11]}…{self.name[-10:]}"

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2


@dataclass(frozen=True)
class Graph:
    """The picture, in pixels; `hops` is how far it goes, which can be less than was asked for."""

    nodes: list[Placed]
    lines: list[str]
    width: int
    height: int
    hops: int
    found: int
    """How many things are within the hops that were asked for."""


def graph(view: SavedQuery, hops: int) -> Graph:
    """What is within so many steps up and down, as far as it can be drawn; no nodes where one step is too much."""
    found = 0
    for tried in range(hops, 0, -1):
        around = selectors.neighbourhood(view, tried)
        found = found or len(around["nodes"])
        if len(around["nodes"]) <= MOST_NODES:
            edges = [(edge["source"], edge["target"]) for edge in around["edges"]]
            return drawn(around["nodes"], edges, centre=str(view.posthog_id), hops=tried, found=found)
    return Graph([], [], 0, 0, 0, found)


def drawn(
    nodes: Sequence[Mapping[str, str]],
    every_edge: Sequence[tuple[str, str]],
    *,
    centre: str,
    hops: int,
    found: int,
    sought: str = "",
) -> Graph:
    """The picture of these nodes, by id; `sought` marks those with this in their name."""
    edges = [(source, target) for source, target in every_edge if source != target]
    layers = _layers([node["id"] for node in nodes], edges)
    known = {node["id"]: node for node in nodes}
    tallest = max(len(layer) for layer in layers)
    placed: dict[str, Placed] = {}
    for column, layer in enumerate(layers):
        top = (tallest - len(layer)) * (HEIGHT + GAP_Y) // 2
        for row, key in enumerate(layer):
            x, y = EDGE + column * (WIDTH + GAP_X), EDGE + top + row * (HEIGHT + GAP_Y)
            placed[key] = _placed(known[key], x, y, is_centre=key == centre)
    numbers = {key: number for number, key in enumerate(placed)}
    reads: dict[str, list[int]] = defaultdict(list)
    for source, target in edges:
        reads[target].append(numbers[source])
    placed = {
        key: replace(node, number=numbers[key], sources=tuple(reads[key]), is_found=matches(node.name, sought))
        for key, node in placed.items()
    }
    lines = [_line(placed[source], placed[target]) for source, target in edges]
    width = len(layers) * (WIDTH + GAP_X) - GAP_X + 2 * EDGE
    height = tallest * (HEIGHT + GAP_Y) - GAP_Y + 2 * EDGE
    return Graph(list(placed.values()), lines, width, height, hops, found)


def _layers(nodes: list[str], edges: list[tuple[str, str]]) -> list[list[str]]:
    """Each node right of all that it reads, and what reads nothing right before its first reader."""
    numbers = {key: number for number, key in enumerate(nodes)}
    deep = depths((numbers[source], numbers[target]) for source, target in edges)
    depth = {key: deep.get(number, 0) for key, number in numbers.items()}
    readers: dict[str, list[str]] = defaultdict(list)
    sources: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        readers[source].append(target)
        sources[target].append(source)
    for key in nodes:
        if not sources[key] and readers[key]:
            depth[key] = max(min(depth[reader] for reader in readers[key]) - 1, 0)
    layers: dict[int, list[str]] = defaultdict(list)
    for key in nodes:
        layers[depth[key]].append(key)
    ordered = [sorted(layers[at]) for at in sorted(layers)]
    for sweep in range(SWEEPS):
        _sort_after(ordered if sweep % 2 == 0 else ordered[::-1], sources if sweep % 2 == 0 else readers)
    return ordered


def _sort_after(layers: list[list[str]], neighbours: dict[str, list[str]]) -> None:
    """Each layer in the order of the middle of its neighbours in those before it, so that few lines cross."""
    place: dict[str, float] = {}
    for layer in layers:
        middle = {}
        for number, key in enumerate(layer):
            near = [place[one] for one in neighbours[key] if one in place]
            middle[key] = sum(near) / len(near) if near else number / max(len(layer), 1)
        layer.sort(key=lambda key: (middle[key], key))
        place |= {key: (number + 0.5) / len(layer) for number, key in enumerate(layer)}


def matches(name: str, sought: str) -> bool:
    """Whether a name holds what somebody looks for; nothing sought is nothing found."""
    return bool(sought) and sought.casefold() in name.casefold()


def page_of(kind: str, key: str) -> str:
    """The address of a node's own page; empty for what has none."""
    if kind in ("view", "materialized_view"):
        return f"{reverse('mirror:view-detail', args=[key])}?tab=lineage"
    return reverse("mirror:table-detail", args=[key]) if kind == "table" else ""


def _placed(node: Mapping[str, str], x: int, y: int, *, is_centre: bool) -> Placed:
    kind, key = node["kind"], node["id"]
    return Placed(key, node["name"], kind, node.get("state", ""), x, y, page_of(kind, key), is_centre)


def _line(source: Placed, target: Placed) -> str:
    """A curve from the right side of one to the left side of the other, as SVG draws it."""
    start, end = source.x + WIDTH, target.x
    bend = max((end - start) // 2, GAP_X // 2)
    return f"M{start} {source.middle}C{start + bend} {source.middle} {end - bend} {target.middle} {end} {target.middle}"
