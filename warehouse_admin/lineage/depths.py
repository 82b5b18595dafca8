"""How deep in the warehouse each view lies: one more than the deepest view that it reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import update_rows
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery


def refresh_depths(connection: Connection) -> int:
    """Bring the depths of a connection's views in step with its edges; gives how many moved."""
    edges = Edge.objects.filter(connection=connection, upstream_view__isnull=False)
    found = depths(edges.values_list("upstream_view", "downstream"))
    views = SavedQuery.objects.filter(connection=connection).values_list("pk", "lineage_depth")
    moved = [
        SavedQuery(pk=pk, lineage_depth=found.get(pk, 0))
        for pk, depth in views.iterator(chunk_size=2_000)
        if depth != found.get(pk, 0)
    ]
    update_rows(moved, ["lineage_depth"])
    return len(moved)


def depths(pairs: Iterable[tuple[Any, int]]) -> dict[int, int]:
    """The depth of each view that reads another; those of a cycle lie below all that lead to it."""
    readers: dict[int, list[int]] = defaultdict(list)
    waiting: dict[int, int] = defaultdict(int)
    for source, reader in pairs:
        if source != reader:
            readers[source].append(reader)
            waiting[reader] += 1
    found: dict[int, int] = {}
    ready = [source for source in readers if not waiting[source]]
    while ready:
        source = ready.pop()
        for reader in readers[source]:
            found[reader] = max(found.get(reader, 0), found.get(source, 0) + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    for view, left in waiting.items():
        if left:
            found.setdefault(view, 1)
    return found
