"""The page of saved filters of the log: keep one, rename, share or remove one's own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from warehouse_admin.audit import policies, saved_filters
from warehouse_admin.core.errors import InvalidInput


@require_http_methods(["GET", "HEAD", "POST"])
def filter_list(request: HttpRequest) -> HttpResponse:
    """What is kept; with filters in the address, the form to keep these too."""
    if request.method != "POST":
        return _page(request, request.META.get("QUERY_STRING", ""))
    query, name = request.POST.get("query", ""), request.POST.get("name", "")
    shared = request.POST.get("shared") == "on"
    try:
        kept = saved_filters.save(user=request.user, name=name, query=query, is_shared=shared)
    except InvalidInput as error:
        return _page(request, query, name=name, shared=shared, problem=error.message)
    messages.success(request, f"Saved as “{kept.name}”{', for all who read the trail' if kept.is_shared else ''}.")
    return redirect(f"{reverse('audit:list')}?{kept.query}")


@require_POST
def filter_change(request: HttpRequest, pk: int) -> HttpResponse:
    shared = request.POST.get("shared") == "on"
    try:
        kept = saved_filters.change(user=request.user, pk=pk, name=request.POST.get("name", ""), is_shared=shared)
    except InvalidInput as error:
        return _page(request, "", problem=error.message)
    messages.success(request, f"“{kept.name}” is kept{', for all who read the trail' if kept.is_shared else ''}.")
    return redirect("audit:filters")


@require_POST
def filter_remove(request: HttpRequest, pk: int) -> HttpResponse:
    saved_filters.remove(user=request.user, pk=pk)
    messages.success(request, "The saved filter is gone.")
    return redirect("audit:filters")


def _page(request: HttpRequest, query: str, *, name: str = "", shared: bool = False, problem: str = "") -> HttpResponse:
    sees_all = policies.sees_all(request.user)
    kept = saved_filters.filters_of(request.user, sees_all=sees_all)
    context: dict[str, Any] = {
        "query": query,
        "asked": saved_filters.told(query),
        "name": name,
        "shared": shared,
        "problem": problem,
        "sees_all": sees_all,
        "rows": [{"kept": one, "filters": saved_filters.told(one.query)} for one in kept],
    }
    return render(request, "audit/filters.html", context, status=422 if problem else 200)
