"""Pages made of nothing but the frame, so that its behaviour is tested apart from any app."""

from __future__ import annotations

from types import SimpleNamespace

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import include, path

from warehouse_admin.core.styleguide import samples

FRAME = {
    "user": SimpleNamespace(is_authenticated=True, get_username="ada", get_full_name="Ada Lovelace"),
    "role_names": ["Administrator"],
    "connections": [],
    "nav": [
        {"label": "Home", "url": "/styleguide/", "icon": "home", "active": True},
        {"label": "Views", "url": "/styleguide/views/", "icon": "view", "badge": 3},
    ],
}
SAVED = "select 1\nfrom stg_payments"


def components(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", {**FRAME, "samples": samples})


def views(request: HttpRequest) -> HttpResponse:
    page = Paginator([f"view_{number}" for number in range(60)], 25).get_page(request.GET.get("page"))
    template = "frame/_table.html" if request.htmx else "frame/list.html"  # type: ignore[attr-defined]
    return render(request, template, {**FRAME, "page": page})


def edit(request: HttpRequest) -> HttpResponse:
    """A form whose fate the address decides: signed out, refused, or saved."""
    if request.method == "POST":
        fate = request.GET.get("fate", "saved")
        if fate == "signed-out":
            return redirect("account_login")
        if fate == "saved":
            return redirect("/styleguide/views/")
    return render(request, "frame/edit.html", {**FRAME, "text": SAVED})


def validate(request: HttpRequest) -> HttpResponse:
    wrong = "amout" in request.POST["query"]
    return JsonResponse(
        {"errors": [{"line": 2, "column": 1, "message": "No column amout", "level": "error"}] if wrong else []}
    )


def completions(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"tables": [{"name": "stg_payments", "kind": "view", "columns": ["amount"]}], "functions": []})


def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("broken", status=500)


urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("styleguide/", components),
    path("styleguide/views/", views),
    path("styleguide/edit/", edit),
    path("styleguide/validate/", validate),
    path("styleguide/completions/", completions),
    path("styleguide/broken/", broken),
]
