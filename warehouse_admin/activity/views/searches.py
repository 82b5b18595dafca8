"""Filters under a name, beside the folders."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from warehouse_admin.activity import services
from warehouse_admin.activity.views.pane import person


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    search = services.save_search(
        user=person(request),
        name=request.POST.get("name", ""),
        query=request.POST.get("query", ""),
        is_shared=request.POST.get("shared") == "on",
    )
    messages.success(request, f"Saved as “{search.name}”{', for everybody' if search.is_shared else ''}.")
    return redirect(f"{reverse('activity:list')}?{search.query}")


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    services.remove_search(user=person(request), pk=pk)
    messages.success(request, "The saved search is gone.")
    return redirect(reverse("activity:list"))
