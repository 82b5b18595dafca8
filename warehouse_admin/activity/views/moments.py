"""The page that compares two moments of the warehouse, and the one that shows it as it stood."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.activity import moments, presenters
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.htmx import render_page
from warehouse_admin.mirror import columns
from warehouse_admin.mirror import moments as mirrored

PAGE_SIZE, MOST_TABLES = 50, 50
LABELS = {
    "name": "Name",
    "sync_frequency": "Cadence",
    "is_materialized": "Materialized",
    "folder_name": "Folder",
    "description": "Description",
}
KINDS = {
    "added": ("plus", "New", "accent"),
    "removed": ("trash", "Deleted", "bad"),
    "changed": ("pencil", "Changed", "warn"),
    "put_back": ("history", "Put back", "muted"),
    "passing": ("clock", "Came and went", "muted"),
}


@require_GET
def difference(request: HttpRequest) -> HttpResponse:
    """What became otherwise between `?from=` and `?to=` (UTC; without them, in the last seven days)."""
    typed = {name: request.GET.get(name, "") for name in ("from", "to", "feeds")}
    connection = request.GET.get("connection", "")
    context: dict[str, Any] = {"tab": "difference", "typed": typed, "errors": {}}
    try:
        found = moments.asked(start=typed["from"], end=typed["to"], connection=connection, feeds=typed["feeds"])
    except InvalidInput as error:
        context |= {"errors": error.errors, "known_from": mirrored.known_from(connection)}
        return render_page(request, "activity/moments.html", "activity/_difference.html", context, status=422)
    page = Paginator(moments.touched(found), PAGE_SIZE).get_page(request.GET.get("page"))
    tables = list(moments.tables(found)[: MOST_TABLES + 1])
    context |= {
        "asked": found,
        "page": page,
        "rows": [_row(one) for one in moments.told(list(page.object_list), found.start, found.end)],
        "tables": [(change, columns.difference(change.before, change.after)) for change in tables[:MOST_TABLES]],
        "more_tables": len(tables) > MOST_TABLES,
        "known_from": found.known_from,
    }
    return render_page(request, "activity/moments.html", "activity/_difference.html", context)


def _row(told: moments.Told) -> dict[str, Any]:
    found = told.found
    icon, word, tone = KINDS[found.kind]
    fields = found.fields if found.before.existed and found.after.existed else {}
    return {
        "view": found.view,
        "found": found,
        "look": {"icon": icon, "word": word, "tone": tone},
        "fields": [(LABELS[name], name, old, new) for name, (old, new) in fields.items() if name in LABELS],
        "columns": columns.difference(*fields["columns"]) if "columns" in fields else None,
        "edits": found.edits[:3],
        "more_edits": max(len(found.edits) - 3, 0),
        "entries": [(presenters.KINDS.get(entry.kind, entry.kind), entry) for entry in told.entries[:3]],
    }


@require_GET
def stood(request: HttpRequest) -> HttpResponse:
    """Every view as it was at `?at=` (UTC; without it, now)."""
    typed, connection = {"at": request.GET.get("at", "")}, request.GET.get("connection", "")
    context: dict[str, Any] = {"tab": "stood", "typed": typed, "errors": {}}
    try:
        at = moments.read_past("at", typed["at"])
    except InvalidInput as error:
        context |= {"errors": error.errors, "known_from": mirrored.known_from(connection)}
        return render_page(request, "activity/moments.html", "activity/_stood.html", context, status=422)
    words = request.GET.get("q", "")[:200]
    page = Paginator(moments.stood(at, connection, words), PAGE_SIZE).get_page(request.GET.get("page"))
    views = list(page.object_list)
    stands = mirrored.stands(views, at)
    context |= {
        "at": at,
        "page": page,
        "rows": [stands[view.pk] for view in views],
        "filtered": bool(words),
        "known_from": mirrored.known_from(connection),
    }
    return render_page(request, "activity/moments.html", "activity/_stood.html", context)
