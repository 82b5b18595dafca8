"""Connections: for administrators only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts import coverage, policies, selectors, services
from warehouse_admin.accounts.forms import ConnectionForm
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import MANAGE_CONNECTIONS
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page

PAGE_SIZE = 50


@require_GET
def connection_list(request: HttpRequest) -> HttpResponse:
    _require(request, "connection.list")
    page = Paginator(selectors.connections(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render_page(request, "accounts/connection_list.html", "accounts/_connections.html", {"page": page})


@sensitive_post_parameters("api_key")
@require_http_methods(["GET", "POST"])
def connection_new(request: HttpRequest) -> HttpResponse:
    _require(request, "connection.created")
    form = ConnectionForm(request.POST or None, initial=ConnectionForm.start_values(Connection()))
    return _save_or_show(request, form, None)


@sensitive_post_parameters("api_key")
@require_http_methods(["GET", "POST"])
def connection_edit(request: HttpRequest, slug: str) -> HttpResponse:
    _require(request, "connection.updated", slug)
    connection = _get(slug)
    form = ConnectionForm(request.POST or None, initial=ConnectionForm.start_values(connection))
    form.fields["api_key"].help_text = "A key is set. Leave this blank to keep it; it is never shown."
    return _save_or_show(request, form, connection)


@require_GET
def connection_coverage(request: HttpRequest, slug: str) -> HttpResponse:
    """Each endpoint of PostHog: whether the key may ask it, what for, and how that last went."""
    _require(request, "connection.coverage", slug)
    connection = _get(slug)
    rows = coverage.of(connection)
    context = {
        "connection": connection,
        "groups": coverage.grouped(rows),
        "documented": sum(bool(row.endpoint.pages) for row in rows),
        "refused": sum(bool(row.endpoint.pages) and row.offered.state == "no" for row in rows),
    }
    return render(request, "accounts/coverage.html", context)


@require_POST
def connection_check(request: HttpRequest, slug: str) -> HttpResponse:
    _require(request, "connection.checked", slug)
    _tell(request, services.check_connection(_get(slug), actor=request.user))  # type: ignore[arg-type]
    return redirect("accounts:connection-edit", slug=slug)


@require_POST
def connection_pause(request: HttpRequest, slug: str) -> HttpResponse:
    """The switch of the sync page: `active` 1 or 0."""
    active = request.POST.get("active") == "1"
    connection = services.set_active(_get(slug), actor=request.user, active=active)  # type: ignore[arg-type]
    done = "is synced again" if active else "is paused; a sync under way still ends"
    messages.success(request, f"{connection.name} {done}.")
    return redirect("mirror:sync-list")


def _save_or_show(request: HttpRequest, form: ConnectionForm, connection: Connection | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_connection(
                actor=request.user,  # type: ignore[arg-type]
                connection=connection,
                **form.cleaned_data,
            )
        except NotPermitted:
            raise
        except UserError as error:
            form.add_refusal(error)
        else:
            _tell(request, services.check_connection(saved), saved=True)
            return redirect("accounts:connection-edit", slug=saved.slug)
    context: dict[str, Any] = {"form": form, "connection": connection}
    if connection:
        context |= {
            "capabilities": selectors.capabilities_of(connection),
            "budget": selectors.budget_of(connection),
        }
    status = 422 if form.errors else 200
    return render(request, "accounts/connection_form.html", context, status=status)


def _tell(request: HttpRequest, connection: Connection, *, saved: bool = False) -> None:
    start = "Saved. " if saved else ""
    if connection.check_error:
        messages.warning(request, f"{start}The check failed: {connection.check_error}")
    else:
        messages.success(request, f"{start}PostHog accepts the key.")


def _require(request: HttpRequest, action: str, slug: str = "") -> None:
    target = Target("connection", slug, slug)
    policies.require(request.user, MANAGE_CONNECTIONS, action=action, target=target)  # type: ignore[arg-type]


def _get(slug: str) -> Connection:
    connection = Connection.objects.filter(slug=slug).first()
    if connection is None:
        raise Missing("There is no such connection.")
    return connection
