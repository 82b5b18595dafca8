"""Setting owners and tags of what was ticked in a list."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from warehouse_admin.audit.targets import Target
from warehouse_admin.catalog import bulk, policies, selectors
from warehouse_admin.catalog.forms import BulkForm
from warehouse_admin.catalog.models import Entry
from warehouse_admin.catalog.services import DESCRIBED
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery

LISTED = 50
"""So many of the chosen views are shown with what is said of them now."""


@require_http_methods(["GET", "POST"])
def describe_many(request: HttpRequest) -> HttpResponse:
    """First what was ticked is shown, and what to do with it asked; with `confirmed` it is done."""
    if request.method == "GET":
        return redirect("mirror:view-list")
    policies.require_describe(request.user, DESCRIBED, Target(Entry.Kind.VIEW, "", "several views"))
    try:
        views = bulk.chosen(_ids(request))
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect(_list(request.POST))
    if request.POST.get("confirmed") != "1":
        return _page(request, views, BulkForm())
    form = BulkForm(request.POST)
    if not form.is_valid():
        return _page(request, views, form, status=422)
    try:
        changed = bulk.describe_many(
            user=request.user,  # type: ignore[arg-type]
            views=views,
            wanted=form.wanted(),
            reason=form.cleaned_data["reason"],
        )
    except InvalidInput as error:
        for name, told in error.errors.items():
            form.add_error({"tags": "added"}.get(name, name if name in form.fields else None), told)
        if not error.errors:
            form.add_error(None, error.message)
        return _page(request, views, form, status=422)
    messages.success(request, _said(changed, len(views)))
    return redirect(_list(request.POST))


def _ids(request: HttpRequest) -> Sequence[str]:
    """What the page before listed, or what was ticked in the list that sent it."""
    if scope := request.POST.get("scope", ""):
        return [key for key in scope.split(",") if key]
    listing = hooks.selections.get(request.POST.get("list", ""))
    return listing.ids(request.user, request.POST) if listing else request.POST.getlist("saved_queries")


def _list(sent: QueryDict) -> str:
    """The list that it began in, as it was filtered."""
    listing = hooks.selections.get(sent.get("list", ""))
    where = reverse(listing.url if listing else "mirror:view-list")
    shown = urlencode([(name, value) for name, values in QueryDict(sent.get("filter", "")).lists() for value in values])
    return f"{where}?{shown}" if shown else where


def _said(changed: int, total: int) -> str:
    if not changed:
        return "All of them had it already; nothing was changed."
    same = total - changed
    rest = f" {same} had it already." if same else ""
    return f"Owners and tags of {changed} view{'' if changed == 1 else 's'} are saved.{rest}"


def _page(request: HttpRequest, views: Sequence[SavedQuery], form: BulkForm, status: int = 200) -> HttpResponse:
    context = {
        "views": views,
        "scope": ",".join(str(view.posthog_id) for view in views),
        "listed": [(view, said) for view, said in selectors.with_descriptions(views[:LISTED])],
        "unlisted": max(0, len(views) - LISTED),
        "form": form,
        "list_name": request.POST.get("list", ""),
        "frozen_filter": request.POST.get("filter", ""),
        "list_url": _list(request.POST),
    }
    return render(request, "catalog/describe_many.html", context, status=status)
