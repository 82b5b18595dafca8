"""What lint finds in the text of an editor."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.lineage.lint import services
from warehouse_admin.lineage.lint.report import Report, look
from warehouse_admin.lineage.lint.serializers import ReportRow
from warehouse_admin.mirror.models import SavedQuery


def shown(
    request: HttpRequest, connection: Connection, query: str, view: SavedQuery | None, name: str = ""
) -> dict[str, Any]:
    """For `lint/_live.html`, as `checked`."""
    person = signed_in(request)
    found = look(connection, query, view=view, name=name, writers=[person.pk]) if query.strip() else Report()
    return {
        "lint": found,
        "connection": connection,
        "view": view,
        "name": name,
        "may_exempt": services.may_exempt(person),
    }


def of_change(request: HttpRequest, change: ChangeRequest, query: str, name: str) -> dict[str, Any]:
    """The same of the proposal of a change."""
    return shown(request, change.connection, query, change.saved_query, name)


def lint_of(request: HttpRequest, connection: Connection | None, query: str) -> dict[str, Any]:
    """For the script of an editor: the findings as data and as HTML. `view` in the address says which it is."""
    if connection is None:
        return {"lint": [], "findings": ""}
    view = view_in(connection, request.GET.get("view", ""))
    name = "" if view else request.POST.get("name", "").strip()[:200]
    checked = shown(request, connection, query, view, name)
    html = render_to_string("lint/_live.html", {"checked": checked}, request=request)
    return {"lint": ReportRow(checked["lint"]).data["findings"], "findings": html.strip()}


def view_in(connection: Connection, text: str) -> SavedQuery | None:
    """The view of this remote id, as an address gives it."""
    try:
        return SavedQuery.objects.filter(connection=connection, posthog_id=uuid.UUID(text)).first()
    except ValueError:
        return None
