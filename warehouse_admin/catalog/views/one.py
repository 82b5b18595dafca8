"""Setting owners and tags from the page of a view or table."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from warehouse_admin.catalog import cards, selectors, services, tags
from warehouse_admin.catalog.forms import DescribeForm
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.htmx import wants_fragment
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable


@require_POST
def describe_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _describe(request, mirror.view_by_id(posthog_id), "mirror:view-detail")


@require_POST
def describe_table(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _describe(request, mirror.table_by_id(posthog_id), "mirror:table-detail")


def _describe(request: HttpRequest, subject: SavedQuery | WarehouseTable, page: str) -> HttpResponse:
    form = DescribeForm(request.POST, owner=selectors.description_of(subject).owner)
    if form.is_valid() and _is_saved(request, subject, form):
        if wants_fragment(request):
            saved = {"card": cards.card(request.user, subject), "is_saved": True}
            return render(request, "catalog/_card.html", saved)
        messages.success(request, f"Owner and tags of {subject.name} are saved.")
        return redirect(page, subject.posthog_id)
    context = {"card": cards.card(request.user, subject, form), "page_name": page}
    template = "catalog/_card.html" if wants_fragment(request) else "catalog/describe.html"
    return render(request, template, context, status=422)


def _is_saved(request: HttpRequest, subject: SavedQuery | WarehouseTable, form: DescribeForm) -> bool:
    given = form.cleaned_data
    try:
        services.describe(
            user=request.user,  # type: ignore[arg-type]
            subject=subject,
            owner=given["owner"],
            tag_names=tags.split(given["tags"]),
            reason=given["reason"],
        )
    except InvalidInput as error:
        for name, told in error.errors.items():
            form.add_error(name, told)
        return False
    return True
