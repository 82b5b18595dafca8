"""The schedules page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.htmx import render_page
from warehouse_admin.schedules import selectors
from warehouse_admin.schedules.filters import Filters
from warehouse_admin.schedules.start import PERMISSION


@require_GET
def schedule_list(request: HttpRequest) -> HttpResponse:
    filters = Filters.parse(request.GET)
    listing = selectors.listing(filters, request.GET.get("page", 1))
    connections = selectors.scoped_connections(filters.connection)
    refusals = _refusals(connections)
    context = {
        "filters": filters,
        "tiles": [tile for tile in listing.tiles if tile.count or tile.active],
        "page": listing.page,
        "refusals": refusals,
        "can_resume": policies.allows(request.user, PERMISSION),
        "all_refuse": bool(connections) and len(refusals) == len(connections),
        "tells_suspension": any(connection.generation == "D" for connection in connections),
        "frozen_filter": request.GET.urlencode(),
    }
    return render_page(request, "schedules/list.html", "schedules/_table.html", context)


def _refusals(connections: list[Connection]) -> list[dict[str, str]]:
    """The connections whose server or key will refuse a resume, and why."""
    found = []
    for connection in connections:
        capability = accounts.capability(connection, "resume_schedules")
        if capability.state == "no":
            found.append({"connection": connection.name, "reason": capability.reason})
    return found
