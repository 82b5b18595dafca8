"""The three ways lists come in pages, and what faults do to them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .errors import not_found
from .messages import Request

Item = TypeVar("Item")


def link(request: Request, **changes: Any) -> str:
    """This request's absolute URL with some parameters changed; None drops one."""
    query = {**request.query, **{name: str(value) for name, value in changes.items()}}
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
    text = urlencode(query)
    return f"{request.base_url}{request.path}" + (f"?{text}" if text else "")


def shrunken(request: Request, rows: Sequence[Item]) -> Sequence[Item]:
    """All rows, or fewer when a fault says so."""
    if request.has_fault("empty_list"):
        return rows[:0]
    if request.has_fault("shrink_list") and request.fault is not None:
        return rows[: int(len(rows) * float(request.fault.options.get("keep", 0.5)))]
    return rows


def natural(text: str | None, default: int, least: int) -> int:
    """A whole number of at least `least`, or the default when it is anything else."""
    try:
        number = int(text or "")
    except ValueError:
        return default
    return number if number >= least else default


def by_page(request: Request, rows: Sequence[Item], size: int, show: Callable[[Item], Any]) -> dict[str, Any]:
    """`?page=N`; a page that is no number or past the end is a 404."""
    rows = shrunken(request, rows)
    last = max(1, -(-len(rows) // size))
    asked = request.query.get("page", "1")
    page = last if asked == "last" else natural(asked, 0, 1)
    if not 1 <= page <= last:
        raise not_found("Invalid page.")
    return {
        "count": len(rows),
        "next": link(request, page=page + 1) if page < last else None,
        "previous": link(request, page=page - 1 if page > 2 else None) if page > 1 else None,
        "results": [show(row) for row in rows[(page - 1) * size : page * size]],
    }


def by_offset(request: Request, rows: Sequence[Item], show: Callable[[Item], Any]) -> dict[str, Any]:
    """`?limit=&offset=`; bad values fall back silently, past the end is an empty page."""
    rows = shrunken(request, rows)
    limit = natural(request.query.get("limit"), 100, 1)
    offset = natural(request.query.get("offset"), 0, 0)
    before = max(0, offset - limit)
    return {
        "count": len(rows),
        "next": link(request, limit=limit, offset=offset + limit) if offset + limit < len(rows) else None,
        "previous": link(request, limit=limit, offset=before or None) if offset > 0 else None,
        "results": [show(row) for row in rows[offset : offset + limit]],
    }


def by_cursor(
    request: Request, rows: Sequence[Item], size: int, position: Callable[[Item], str], show: Callable[[Item], Any]
) -> dict[str, Any]:
    """Opaque `?cursor=`; rows must be in order. A cursor survives rows being added in front of it."""
    rows = shrunken(request, rows)
    start = 0
    if cursor := request.query.get("cursor"):
        kind, place = _decode(cursor)
        at = next((number for number, row in enumerate(rows) if position(row) == place), None)
        if at is not None:
            start = max(0, at + 1 if kind == "a" else at - size)
    part = rows[start : start + size]
    more = start + size < len(rows)
    return {
        "next": link(request, cursor=_encode("a", position(rows[start + size - 1]))) if more else None,
        "previous": link(request, cursor=_encode("b", position(part[0]))) if start > 0 and part else None,
        "results": [show(row) for row in part],
    }


def _encode(kind: str, place: str) -> str:
    return base64.urlsafe_b64encode(f"{kind}{place}".encode()).decode()


def _decode(cursor: str) -> tuple[str, str]:
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise not_found("Invalid cursor") from error
    return text[:1], text[1:]


def matches_search(name: str, search: str) -> bool:
    """Case-insensitive; every word must occur in the name."""
    lower = name.lower()
    return all(word in lower for word in search.lower().replace(",", " ").split())
