"""The page of a person's own exports: ask for one, watch it, stop it, fetch it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.audit import export_texts, exports, policies, selectors
from warehouse_admin.audit.models import Export
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.htmx import render_page, wants_fragment

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def export_list(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _ask(request)
    page = Paginator(exports.exports_of(request.user), SHOWN).get_page(request.GET.get("page"))
    context: dict[str, Any] = {"page": page, "polls": any(export.is_open for export in page)}
    if not wants_fragment(request):
        sees_all = policies.sees_all(request.user)
        found = selectors.search(selectors.entries_for(request.user, sees_all=sees_all), request.GET)
        context |= {
            "filters": {name: request.GET[name] for name in selectors.FILTERS if request.GET.get(name)},
            "problems": found.problems,
            "matching": selectors.capped_count(found.matching.looked_up),
            "most": selectors.COUNTED,
            "entries_a_second": export_texts.usual_speed(),
            "formats": Export.Format.choices,
            "sees_all": sees_all,
        }
    return render_page(request, "audit/exports.html", "audit/_exports.html", context)


def _ask(request: HttpRequest) -> HttpResponse:
    filters = {name: request.POST[name] for name in selectors.FILTERS if request.POST.get(name)}
    try:
        exports.ask(
            user=request.user,
            format=request.POST.get("format", ""),
            filters=filters,
            masked=not request.POST.get("unmasked"),
            reason=request.POST.get("reason", ""),
        )
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect(f"{reverse('audit:exports')}?{urlencode(filters)}")
    messages.success(request, "The export is being written; it can be fetched here when it is done.")
    return redirect("audit:exports")


@require_POST
def export_stop(request: HttpRequest, export_id: UUID) -> HttpResponse:
    exports.stop(exports.get(request.user, export_id), user=request.user)
    messages.info(request, "The export was stopped.")
    return redirect("audit:exports")


@require_GET
def export_file(request: HttpRequest, export_id: UUID) -> StreamingHttpResponse:
    return file_of(exports.get(request.user, export_id), request.user)


def file_of(export: Export, user: Any) -> StreamingHttpResponse:
    """The answer that carries an export's file."""
    kind = "text/csv; charset=utf-8" if export.format == Export.Format.CSV else "application/x-ndjson"
    answer = StreamingHttpResponse(exports.content(export, user=user), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{export_texts.file_name(export)}"'
    answer["Content-Length"] = str(export.size)
    answer["Cache-Control"] = "private, no-store"
    return answer
