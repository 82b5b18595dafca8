"""The schedules page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.core.htmx import render_page
from warehouse_admin.schedules.list_page import page_context


@require_GET
def schedule_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "schedules/list.html", "schedules/_table.html", page_context(request))
