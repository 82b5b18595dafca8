"""Lineage as a file; its page is a tab of the mirror's."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from warehouse_admin.lineage import listed
from warehouse_admin.lineage.errors import BadSelector
from warehouse_admin.lineage.export import as_csv
from warehouse_admin.mirror import selectors as mirror

MOST_EXPORTED = 20_000


@require_GET
def export(request: HttpRequest, posthog_id: UUID) -> HttpResponse:
    """What `select` means, or what is one step around the view; all of it, or a refusal."""
    view = mirror.view_by_id(posthog_id)
    found = listed.select(view, request.GET.get("select", "").strip() or f"1+{view.name}+1", MOST_EXPORTED)
    if found.found > len(found.rows):
        raise BadSelector(f"That selects {found.found:,} things, and a file holds {MOST_EXPORTED:,}. Go fewer steps.")
    answer = HttpResponse(as_csv(found.rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, f"lineage-{view.name}.csv") or "attachment"
    return answer
