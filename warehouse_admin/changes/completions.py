"""What the editor offers while somebody types: names of views and tables with their columns, within bounds.

It is asked for once a page, compressed, and may hold a whole warehouse. What is beyond the bounds comes by name, when
somebody reads from it. It holds nothing but names, so that its compressed size gives nothing away.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

from warehouse_admin.changes.functions import FUNCTIONS
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

MOST_NAMES = 2000
MOST_COLUMNS = 200
MOST_COLUMNS_IN_ALL = 60_000
MOST_COLUMNS_OF_ONE = 5_000
BUILT_IN = {
    "events": ["uuid", "event", "timestamp", "distinct_id", "person_id", "person", "properties", "created_at"],
    "persons": ["id", "created_at", "properties", "is_identified"],
    "sessions": ["session_id", "distinct_id", "$start_timestamp", "$end_timestamp"],
    "groups": ["index", "key", "created_at", "properties"],
}


def completions(connection_slug: str) -> dict[str, Any]:
    """For one connection, or for all when the slug is empty.

    `columns` are names with commas between them, which packs best, or a list where one of them has a comma itself.
    A column's type is the number of a word in `types`. `more` says that an entry has columns that were left out.
    """
    views = SavedQuery.objects.present().of(connection_slug).order_by("name").values_list("name", "columns")
    tables = WarehouseTable.objects.present().of(connection_slug).order_by("name").values_list("name", "columns")
    types: dict[str, int] = {}
    offered = _entries(views[:MOST_NAMES], "view", types, {})
    known = {entry["name"]: len(entry["types"]) for entry in offered}
    offered += _entries(tables[:MOST_NAMES], "table", types, known)
    offered += _built_in()
    return {"tables": offered, "functions": FUNCTIONS, "types": list(types)}


def of_source(connection_slug: str, name: str) -> dict[str, Any]:
    """One view or table with all its columns; without tables where there is no such name."""
    types: dict[str, int] = {}
    for model, kind in ((SavedQuery, "view"), (WarehouseTable, "table")):
        found = model.objects.present().of(connection_slug).filter(name=name).values_list("name", "columns")[:1]
        for source, columns in found:
            entry = _entry(source, kind, columns, types, MOST_COLUMNS_OF_ONE)
            return {"tables": [entry], "functions": [], "types": list(types)}
    return {"tables": [], "functions": [], "types": []}


def _entries(
    rows: Iterable[tuple[str, list[dict[str, Any]]]], kind: str, types: dict[str, int], known: dict[str, int]
) -> list[dict[str, Any]]:
    """`known` counts the columns of what is offered already; names in it are not offered again."""
    left = MOST_COLUMNS_IN_ALL - sum(known.values())
    entries = []
    for name, columns in rows:
        if name in known:
            continue
        entries.append(_entry(name, kind, columns, types, min(MOST_COLUMNS, left)))
        left -= len(entries[-1]["types"])
    return entries


def _entry(name: str, kind: str, columns: list[dict[str, Any]], types: dict[str, int], most: int) -> dict[str, Any]:
    kept = columns[: max(most, 0)]
    numbers = [types.setdefault(str(column.get("type") or ""), len(types)) for column in kept]
    names = [str(column.get("name", "")) for column in kept]
    packed = names if any("," in one for one in names) else ",".join(names)
    entry = {"name": name, "kind": kind, "columns": packed, "types": numbers}
    return entry | ({"more": True} if len(kept) < len(columns) else {})


def _built_in() -> list[dict[str, Any]]:
    names = [*BUILT_IN, *sorted(BUILTIN_TABLES - BUILT_IN.keys())]
    return [{"name": name, "kind": "built-in", "columns": BUILT_IN.get(name, [])} for name in names]


def answered(request: HttpRequest, told: dict[str, Any]) -> HttpResponseBase:
    """As JSON, compressed where the browser takes that, and not sent again while it is the same."""
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f'W/"{sha256(body).hexdigest()[:32]}"'
    answer = HttpResponse(gzip.compress(body, 6, mtime=0) if packs else body, content_type="application/json")
    if packs:
        answer["Content-Encoding"] = "gzip"
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, max-age=60"
    patch_vary_headers(answer, ["Accept-Encoding", "Cookie"])
    return get_conditional_response(request, etag=tag, response=answer) or answer
