"""Certifying, deprecating and taking it back, from the page of a view or table."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from warehouse_admin.catalog import cards
from warehouse_admin.catalog.trust_forms import FORMS, TrustForm
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.htmx import wants_fragment
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable


@require_POST
def trust_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _say(request, mirror.view_by_id(posthog_id), "mirror:view-detail")


@require_POST
def trust_table(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _say(request, mirror.table_by_id(posthog_id), "mirror:table-detail")


def _say(request: HttpRequest, subject: SavedQuery | WarehouseTable, page: str) -> HttpResponse:
    kind = FORMS.get(request.POST.get("do", ""))
    if kind is None:
        raise InvalidInput("Choose what to say: certify, deprecate or take it back.")
    form = kind(request.POST)
    if form.is_valid() and _is_saved(request, subject, form):
        messages.success(request, form.done.format(name=subject.name))
        if wants_fragment(request):
            return HttpResponse(headers={"HX-Refresh": "true"})  # the head of the page tells it too
        return redirect(page, subject.posthog_id)
    context = {"card": cards.trust_card(request.user, subject, form), "page_name": page}
    template = "catalog/_trust.html" if wants_fragment(request) else "catalog/trust.html"
    return render(request, template, context, status=422)


def _is_saved(request: HttpRequest, subject: SavedQuery | WarehouseTable, form: TrustForm) -> bool:
    try:
        form.save(request.user, subject)
    except InvalidInput as error:
        for name, told in error.errors.items():
            form.add_error(name if name in form.fields else None, told)
        return False
    return True
