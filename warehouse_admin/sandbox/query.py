"""`query/`: validating SQL without running it, and running it over made-up but steady rows."""

from __future__ import annotations

import random
import zlib
from datetime import datetime, timedelta
from typing import Any

from . import lineage, sql
from .clock import iso
from .errors import invalid
from .messages import Request, Response
from .world import World

ROWS_AVAILABLE = 500
CLICKHOUSE = {"integer": "Int64", "float": "Float64", "boolean": "Bool", "datetime": "DateTime", "date": "Date"}
WORDS = ("north", "south", "starter", "growth", "annual", "email", "organic", "paid", "active", "paused")


def run(world: World, request: Request) -> Response:
    query = request.json().get("query")
    if not isinstance(query, dict):
        raise invalid("This field is required.", "query", "required")
    text = query.get("query")
    if not isinstance(text, str):
        raise invalid("This field is required.", "query__query", "required")
    if query.get("kind") == "HogQLMetadata":
        return Response(200, _metadata(world, text))
    if query.get("kind") != "HogQLQuery":
        raise invalid(f"Unsupported query kind: {query.get('kind')}", "query")
    return Response(200, _rows(world, text))


def problem(world: World, text: str) -> sql.SqlError | None:
    """What the validator says against this SQL, or None."""
    if found := sql.parse_error(text):
        return found
    if missing := lineage.unknown_source(world, text):
        name, at = missing
        return sql.SqlError(f"Unknown table `{name}`.", at, at + len(name))
    return None


def _metadata(world: World, text: str) -> dict[str, Any]:
    found = problem(world, text)
    errors = [{"message": found.message, "start": found.start, "end": found.end, "fix": None}] if found else []
    body: dict[str, Any] = {
        "isValid": not errors,
        "errors": errors,
        "warnings": [],
        "notices": [],
        "query": text,
        "table_names": sorted(sql.source_names(text)),
    }
    if world.generation.name == "A":
        body["isValidView"] = not errors
    return body


def _rows(world: World, text: str) -> dict[str, Any]:
    if found := problem(world, text):
        raise invalid(found.message, "query")
    columns = lineage.infer_columns(world, text)
    own = sql.own_limit(text)
    limit = min(own, 10_000) if own is not None else 100
    available = _available(text)
    count = min(limit, available)
    generator = random.Random(zlib.crc32(text.encode()))  # the same query gives the same rows
    day = datetime.fromisoformat((iso(world.now()) or "").split("T")[0])
    results = [[_value(name, kind, row, generator, day) for name, kind in columns] for row in range(count)]
    if _counts(text):
        results = [[_available(sql.first_subquery(text) or "SELECT 1 FROM events")]]
    return {
        "results": results,
        "columns": [name for name, _ in columns],
        "types": [[name, CLICKHOUSE.get(kind, "String")] for name, kind in columns],
        "hasMore": count < available and own is None,
        "limit": limit,
        "offset": 0,
        "hogql": text,
        "error": None,
        "is_cached": False,
        "timings": [],
    }


def _counts(text: str) -> bool:
    """Whether it asks for nothing but how many rows there are."""
    return [expression.replace(" ", "").lower() for expression in sql.select_list(text)[0]] == ["count()"]


def _available(text: str) -> int:
    """How many rows it would give without the limit of whoever asks."""
    if _counts(text):
        return 1
    inner, own = sql.first_subquery(text), sql.own_limit(text)
    rows = _available(inner) if inner else ROWS_AVAILABLE
    return rows if own is None else min(rows, own)


def _value(name: str, kind: str, row: int, generator: random.Random, day: datetime) -> Any:
    if kind == "integer":
        return generator.randrange(1, 5000)
    if kind in ("float", "decimal"):
        return round(generator.uniform(1, 9000), 2)
    if kind == "boolean":
        return generator.random() < 0.5
    if kind == "date":
        return (day - timedelta(days=row)).date().isoformat()
    if kind == "datetime":
        return (day - timedelta(hours=row, minutes=generator.randrange(60))).isoformat() + "Z"
    if "email" in name:
        return f"customer{row + 1}@mail.example"
    if name.endswith("id"):
        return f"{name.removesuffix('_id')}_{generator.randrange(16**8):08x}"
    return generator.choice(WORDS)
