"""The page of pauses in force."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.paging import page_of
from warehouse_admin.schedules.holds import open_holds

PER_PAGE = 50


@require_GET
def pause_list(request: HttpRequest) -> HttpResponse:
    only = request.GET.get("needs_person") == "1"
    holds = open_holds(request.GET.get("connection", ""), needing_a_person=only)
    page = page_of(holds, PER_PAGE, request.GET.get("page"))
    return render_page(request, "schedules/pauses.html", "schedules/_pauses.html", {"page": page, "only": only})
