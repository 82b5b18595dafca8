"""The list of warehouse tables and the page of one table."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.mirror import hooks, own_tables, paging, selectors
from warehouse_admin.mirror.columns import difference


@require_GET
def table_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": paging.page_of(selectors.table_list(request.GET), request.GET),
        "filtered": any(request.GET.get(name) for name in ("q", "source", "deleted")),
        **({} if wants_fragment(request) else _frame(request)),
    }
    return render_page(request, "mirror/tables/list.html", "mirror/tables/_table.html", context)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """What the page shows around the table."""
    newest, good = selectors.newest_and_good(request.GET)
    sources = [(name, name) for name in selectors.source_types(request.GET)]
    own = [("bucket", "Linked files"), ("storage", "Storage of views")]
    offers = [hook(request.user) for hook in hooks.new_tables]
    return {"newest": newest, "good": good, "sources": [*sources, *own], "new_table": offers[0] if offers else None}


@require_GET
def table_detail(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    table = selectors.table_by_id(posthog_id)
    context = {
        "table": table,
        "readers": hooks.listed(hooks.table_readers, table),
        "caveat": hooks.caveat(table.connection),
        "storage_of": own_tables.storage_view(table),
        "locked": "" if table.deleted_at else own_tables.why_locked(table),
        "history": [(change, difference(change.before, change.after)) for change in selectors.columns_history(table)],
        "open_changes": hooks.listed(hooks.open_table_changes, table),
        "cards": [card for hook in hooks.cards for card in hook(request.user, table)],
        "proposals": [offer for hook in hooks.table_proposals for offer in hook(request.user, table)],
    }
    return render(request, "mirror/tables/detail.html", context)
