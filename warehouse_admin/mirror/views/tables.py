"""The list of warehouse tables and the page of one table."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from warehouse_admin.core.htmx import render_page
from warehouse_admin.mirror import hooks, paging, selectors


@require_GET
def table_list(request: HttpRequest) -> HttpResponse:
    page = paging.page_of(selectors.table_list(request.GET), request.GET)
    sources = [(name, name) for name in selectors.source_types(request.GET)]
    newest, good = selectors.newest_and_good(request.GET)
    context = {
        "page": page,
        "sources": [*sources, ("self", "No source")],
        "filtered": any(request.GET.get(name) for name in ("q", "source", "deleted")),
        "newest": newest,
        "good": good,
    }
    return render_page(request, "mirror/tables/list.html", "mirror/tables/_table.html", context)


@require_GET
def table_detail(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    table = selectors.table_by_id(posthog_id)
    context = {
        "table": table,
        "readers": hooks.listed(hooks.table_readers, table),
        "caveat": hooks.caveat(table.connection),
    }
    return render(request, "mirror/tables/detail.html", context)
