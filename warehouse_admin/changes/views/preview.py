"""Rows of what is in the editor, asked of PostHog when somebody presses the button."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.changes import preview
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery


@require_POST
def of_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """A proposed text for a view, beside its present one."""
    view = mirror.view_by_id(posthog_id)
    return _shown(request, view.connection, view)


@require_POST
def of_new_view(request: HttpRequest, slug: str) -> HttpResponse:
    """The text of a view that does not exist yet."""
    return _shown(request, get_object_or_404(active_connections(), slug=slug), None)


def _shown(request: HttpRequest, connection: Connection, view: SavedQuery | None) -> HttpResponse:
    context: dict[str, Any] = {"view": view, "connection": connection, "most": preview.MOST_ROWS}
    query = request.POST.get("query", "")
    try:
        context["preview"] = preview.preview(user=signed_in(request), connection=connection, query=query, view=view)
    except NotPermitted:
        raise
    except UserError as refusal:
        context["refusal"] = refusal.message
    return render_page(request, "changes/preview.html", "changes/_preview.html", context)
