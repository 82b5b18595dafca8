"""Reading what views read: a whole warehouse from scratch, one change, the graph around a view, and an impact."""

from __future__ import annotations

import json
import random
import re
import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from django.test import RequestFactory
from django.utils import timezone

import warehouse_admin.sandbox
from tests.bench import browsing
from tests.bench.seed import bulk
from tests.bench.telling import told
from tests.lineage.corpus.precision import cells, report
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import completions
from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage import impact, parser, picture, selectors, services
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

VIEWS, NODES, READERS, ROUNDS = 10_000, 5_000, 500, 5
LONGEST = {"from scratch": 150.0, "again": 10.0, "one view": 0.15, "graph": 0.2, "impact": 1.0, "filter": 0.05}
"""Seconds."""
WORDS = (
    "account amount balance billing campaign channel charge country created currency customer delivery discount email "
    "event first gross invoice item last lead ledger margin marketing month net order paid partner payment plan price "
    "product quantity rate refund region revenue sales score segment session source status stock store subscription "
    "support tax team ticket total trial updated usage user visit warehouse week"
).split()
SOURCES, COLUMNS_EACH, LARGEST_KB = 2_000, 25, 300


def run() -> None:
    _whole_warehouse()
    _graph()
    _impact()
    _completions()
    print("\n".join(report(cells())))


def _report(what: str, seconds: float, target: float) -> None:
    shown = f"{seconds:.1f} s" if target >= 10 else f"{seconds * 1000:.0f} ms"
    told(what, shown, f"{target:g} s", seconds <= target)


def _whole_warehouse() -> None:
    """The demo's warehouse many times over, each copy reading its own."""
    connection = _connection("whole")
    texts = {path.stem: path.read_text() for path in _sql_files()}
    pattern = re.compile(rf"\b({'|'.join(sorted(map(re.escape, texts), key=len, reverse=True))})\b")
    views = []
    for copy in range(-(-VIEWS // len(texts))):
        for name, text in texts.items():
            sql = pattern.sub(rf"\1_{copy}", text)
            views.append(_view(connection, f"{name}_{copy}", f"-- copy {copy}\n{sql}"))
    bulk(views[:VIEWS])
    _report(f"{VIEWS:,} views from scratch", _timed(lambda: services.refresh(connection)), LONGEST["from scratch"])
    _report("once more, nothing changed", _timed(lambda: services.refresh(connection)), LONGEST["again"])
    changed = SavedQuery.objects.filter(connection=connection, name__startswith="mart_")[:ROUNDS]
    _report("one changed view", statistics.median(_timed(lambda v=view: _change(v)) for view in changed), 0.15)


def _change(view: SavedQuery) -> None:
    sql = f"{view.query}\n-- changed"
    SavedQuery.objects.filter(pk=view.pk).update(query=sql, query_hash=text_digest(sql))
    services.refresh(view.connection)


def _graph() -> None:
    """A warehouse in layers of 500; each view reads three of the layer before."""
    connection = _connection("graph")
    views = bulk([_view(connection, f"n_{number}", "SELECT 1") for number in range(NODES)])
    edges = [
        Edge(connection=connection, downstream=view, name=source.name, upstream_view=source)
        for number, view in enumerate(views[500:], 500)
        for source in {views[number - 500 + step - (number + step) % 7] for step in (0, 1, 2)}
    ]
    bulk(edges)
    middle = views[NODES // 2]
    for depth in (1, 3):
        seconds = [_timed(lambda d=depth: selectors.neighbourhood(middle, d)) for _ in range(ROUNDS)]
        _report(f"graph, {depth} steps", statistics.median(seconds), LONGEST["graph"])
    for text in (f"2+{middle.name}+2", f"+{middle.name}+"):
        seconds = [_timed(lambda t=text: picture.picture(middle, 1, {"select": t})) for _ in range(ROUNDS)]
        _report(f"graph, {text}", statistics.median(seconds), LONGEST["graph"])


def _impact() -> None:
    """500 views downstream, half of which pass every column on."""
    connection = _connection("impact")
    columns = ", ".join(f"c{number} AS c{number}" for number in range(20))
    view = _view(connection, "stg", f"SELECT {columns} FROM events")
    view.save()
    names = ["stg"]
    for number in range(READERS):
        source = names[number // 4 * 2 % len(names)]
        body = "*" if number % 2 else columns
        names.append(f"m_{number}")
        where = "WHERE " + " AND ".join(f"c{step} > {step}" for step in range(10))
        _view(connection, names[-1], f"SELECT {body} FROM {source} {where}").save()
    services.refresh(connection)
    text = (view.query or "").replace("c19 AS c19", "c19 AS renamed")
    parser.parse(text)
    found = impact.of_edit(view, view.query or "", text)
    seconds = [_timed(lambda: impact.of_edit(view, view.query or "", text)) for _ in range(ROUNDS)]
    _report(f"impact on {len(found.affected)} views", statistics.median(seconds), LONGEST["impact"])


def _completions() -> None:
    """All names and columns as the editor gets them, and how long the browser takes to offer some of them."""
    connection = _connection("words")
    bulk([_table(connection, number) for number in range(SOURCES)])
    offered = completions.completions(connection.slug)
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    answer = completions.answered(request, offered)
    columns = sum(len(entry.get("types", ())) for entry in offered["tables"])
    size = len(answer.content) / 1000  # type: ignore[attr-defined]
    told(f"{SOURCES:,} tables, {columns:,} columns", f"{size:.0f} kB", f"{LARGEST_KB} kB", size <= LARGEST_KB)
    for what, seconds in browsing.filtered(json.dumps(offered)).items():
        _report(what, seconds, LONGEST["filter"])


def _table(connection: Connection, number: int) -> WarehouseTable:
    """Columns of which hardly two share a name, so that packing has it hard."""
    chosen = random.Random(number)
    names = (f"{chosen.choice(WORDS)}_{chosen.choice(WORDS)}_{chosen.randrange(1000)}" for _ in range(COLUMNS_EACH))
    columns = [{"name": name, "type": chosen.choice(("String", "Int64", "Float64", "DateTime"))} for name in names]
    return WarehouseTable(
        connection=connection,
        posthog_id=uuid.uuid4(),
        name=f"raw.{chosen.choice(WORDS)}_{number}",
        columns=columns,
        synced_at=timezone.now(),
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _connection(slug: str) -> Connection:
    return Connection.objects.create(slug=slug, name=slug, host="http://127.0.0.1:9", project_id="1", api_key="k" * 40)


def _view(connection: Connection, name: str, sql: str) -> SavedQuery:
    return SavedQuery(
        connection=connection,
        posthog_id=uuid.uuid4(),
        name=name,
        query=sql,
        query_hash=text_digest(sql),
        synced_at=timezone.now(),
    )


def _sql_files() -> list[Path]:
    return sorted((Path(warehouse_admin.sandbox.__file__).parent / "warehouse").glob("*/*.sql"))
