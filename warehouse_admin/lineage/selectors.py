"""What reads what, from the parsed SQL of the mirrored views."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

_VIEW_FIELDS = ("posthog_id", "name", "is_materialized", "schedule_state", "schedule_evidence", "deleted_at")


@dataclass(frozen=True)
class Upstream:
    """One thing a view reads; `view` or `table` where the name is mirrored."""

    name: str
    kind: str
    view: SavedQuery | None = None
    table: WarehouseTable | None = None


def kind_of(name: str, view: SavedQuery | None, table: WarehouseTable | None) -> str:
    """view, materialized_view, table, builtin or unknown."""
    if view is not None:
        return "materialized_view" if view.is_materialized else "view"
    if table is not None:
        return "table"
    return "builtin" if name in BUILTIN_TABLES else "unknown"


def _edges() -> QuerySet[Edge]:
    """Edges of present views, with both ends, in one query."""
    ends = [f"{end}__{field}" for end in ("downstream", "upstream_view") for field in _VIEW_FIELDS]
    tables = ["upstream_table__posthog_id", "upstream_table__name"]
    edges = Edge.objects.filter(downstream__deleted_at=None)
    return edges.select_related("downstream", "upstream_view", "upstream_table").only("name", *ends, *tables)


def upstream(saved_query: SavedQuery) -> list[Upstream]:
    """What the view itself reads, by name; a tombstone's last sources too."""
    edges = Edge.objects.filter(downstream=saved_query).select_related("upstream_view", "upstream_table")
    edges = edges.defer("upstream_view__query", "upstream_view__columns", "upstream_table__columns").order_by("name")
    return [
        Upstream(
            edge.name,
            kind_of(edge.name, edge.upstream_view, edge.upstream_table),
            edge.upstream_view,
            edge.upstream_table,
        )
        for edge in edges
    ]


def downstream(saved_query: SavedQuery) -> list[SavedQuery]:
    """Present views that read this one."""
    readers = SavedQuery.objects.present().filter(upstream_edges__upstream_view=saved_query)
    return list(readers.defer("query", "columns").order_by("name"))


def downstream_by_view(views: Iterable[int]) -> dict[int, list[SavedQuery]]:
    """Present views that read each of these (by primary key), in one query."""
    found: dict[int, list[SavedQuery]] = {}
    for edge in _edges().filter(upstream_view__in=set(views)).order_by("downstream__name"):
        if edge.upstream_view_id is not None:
            found.setdefault(edge.upstream_view_id, []).append(edge.downstream)
    return found


def edges_from(*, views: Collection[int] = (), table: int | None = None) -> QuerySet[Edge]:
    """Edges from these views, or this table, by primary key, to the views that read them; without their texts."""
    fields = ("upstream_view", "downstream__posthog_id", "downstream__name", "downstream__is_materialized")
    source = Q(upstream_table=table) if table is not None else Q(upstream_view__in=views)
    edges = Edge.objects.filter(source, downstream__deleted_at=None).select_related("downstream")
    return edges.only(*fields, "downstream__query_hash").order_by("downstream__name", "pk")


def readers_of_table(table: WarehouseTable) -> list[SavedQuery]:
    """Present views that read this table."""
    readers = SavedQuery.objects.present().filter(upstream_edges__upstream_table=table)
    return list(readers.defer("query", "columns").order_by("name"))


def readers_by_table(tables: Iterable[int]) -> dict[int, list[SavedQuery]]:
    """Present views that read each of these tables (by primary key), in one query; none for no table."""
    found: dict[int, list[SavedQuery]] = {}
    wanted = set(tables)
    edges = _edges().filter(upstream_table__in=wanted).order_by("downstream__name") if wanted else ()
    for edge in edges:
        if edge.upstream_table_id is not None:
            found.setdefault(edge.upstream_table_id, []).append(edge.downstream)
    return found


def caveat(connection: Connection) -> str:
    """Why a list of readers may lack some, in a sentence; empty when every present view was read completely."""
    views = SavedQuery.objects.present().filter(connection=connection)
    current = Q(reading__query_hash=F("query_hash"))
    counted = views.aggregate(
        waiting=Count("pk", filter=Q(query__isnull=False) & ~Q(pk__in=views.filter(current))),
        unknown=Count("pk", filter=Q(query=None)),
        partly=Count("pk", filter=current & Q(reading__complete=False)),
    )
    if counted["waiting"]:
        waiting = counted["waiting"]
        said = "1 view has" if waiting == 1 else f"{waiting:,} views have"
        return f"{said} not been read for lineage yet, so readers may be missing here."
    hidden = counted["unknown"] + counted["partly"]
    return f"{hidden} views could not be read completely, so readers may be missing here." if hidden else ""


def downstream_counts(views: Iterable[SavedQuery]) -> dict[int, int]:
    """How many present views read each of these, by primary key, in one query."""
    edges = Edge.objects.filter(upstream_view__in=[view.pk for view in views], downstream__deleted_at=None)
    return dict(edges.values_list("upstream_view").annotate(Count("pk")))


def view_sources(views: Collection[int]) -> list[tuple[int, int]]:
    """Pairs of one of these views and a present view that it reads, by primary key, in one query."""
    edges = Edge.objects.filter(downstream__in=views, upstream_view__deleted_at=None, upstream_view__isnull=False)
    return list(edges.exclude(upstream_view=F("downstream")).values_list("downstream", "upstream_view"))


def feeding(view: int) -> tuple[set[int], set[int]]:
    """Primary keys of all views and of all tables that a view is fed by, itself included; one query for each hop."""
    views, tables, frontier = {view}, set(), {view}
    while frontier:
        edges = Edge.objects.filter(downstream__in=frontier).values_list("upstream_view", "upstream_table")
        found = list(edges)
        tables |= {table for _, table in found if table}
        frontier = {upstream for upstream, _ in found if upstream} - views
        views |= frontier
    return views, tables


def neighbourhood(saved_query: SavedQuery, depth: int) -> dict[str, list[dict[str, str]]]:
    """Nodes and edges within `depth` hops up and down; two queries a hop, and cycles end by themselves."""
    nodes = {node_of_view(saved_query)["id"]: node_of_view(saved_query)}
    edges: dict[tuple[str, str], None] = {}
    found: dict[int, None] = {saved_query.pk: None}
    _walk({saved_query.pk}, depth, nodes, edges, found, up=True)
    _walk({saved_query.pk}, depth, nodes, edges, found, up=False)
    # Neighbours may also read each other.
    _add(_edges().filter(Q(downstream__in=found), Q(upstream_view__in=found)), nodes, edges)
    return {
        "nodes": list(nodes.values()),
        "edges": [{"source": source, "target": target} for source, target in edges],
    }


def _walk(
    frontier: set[int],
    depth: int,
    nodes: dict[str, dict[str, str]],
    edges: dict[tuple[str, str], None],
    found: dict[int, None],
    *,
    up: bool,
) -> None:
    walked = set(frontier)
    for _ in range(depth):
        if not frontier:
            return
        hop = _edges().filter(downstream__in=frontier) if up else _edges().filter(upstream_view__in=frontier)
        reached = _add(hop, nodes, edges, up=up)
        frontier = reached - walked
        walked |= frontier
        found.update(dict.fromkeys(frontier))


def _add(
    hop: QuerySet[Edge], nodes: dict[str, dict[str, str]], edges: dict[tuple[str, str], None], *, up: bool = True
) -> set[int]:
    """Take edges into the graph; gives the views at their far end."""
    reached: set[int] = set()
    for edge in hop.order_by("name", "pk"):
        source, target = _node_of_source(edge), node_of_view(edge.downstream)
        nodes.setdefault(source["id"], source)
        nodes.setdefault(target["id"], target)
        edges[(source["id"], target["id"])] = None
        far = edge.upstream_view_id if up else edge.downstream_id
        if far is not None:
            reached.add(far)
    return reached


def node_of_view(view: SavedQuery) -> dict[str, str]:
    known = {"id": str(view.posthog_id), "name": view.name, "kind": kind_of(view.name, view, None)}
    return known | {"state": view.schedule_state if view.is_materialized else ""}


def _node_of_source(edge: Edge) -> dict[str, str]:
    if edge.upstream_view is not None:
        return node_of_view(edge.upstream_view)
    known = edge.upstream_table
    key = str(known.posthog_id) if known else edge.name
    return {"id": key, "name": known.name if known else edge.name, "kind": kind_of(edge.name, None, known)}
