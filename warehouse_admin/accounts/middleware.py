"""The edge of every page: who may come in, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from warehouse_admin.accounts.roles import roles_of
from warehouse_admin.audit import services as audit
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.core.views import typed_text

OPEN_PREFIXES = ("/accounts/", "/health/", "/api/", "/metrics", "/static/", "/favicon", "/styleguide/")
CLOSED_PREFIXES = ("/accounts/email/",)
"""Addresses are given by administrators: one that a person adds to themselves could be somebody else's."""
WITHOUT_ROLE = ("/settings/",)

GetResponse = Callable[[HttpRequest], HttpResponse]


class RoleRequiredMiddleware:
    """Every page needs a person with a role; the API, the probes and the sign-in pages look after themselves."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(CLOSED_PREFIXES):
            return HttpResponseRedirect("/settings/")
        if request.path.startswith(OPEN_PREFIXES):
            return self.get_response(request)
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if not roles_of(request.user) and not request.path.startswith(WITHOUT_ROLE):
            return _no_role(request)
        return self.get_response(request)


class UserErrorMiddleware:
    """Turns a refusal that a view let through into an answer, and records denials."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, UserError):
            return None
        if isinstance(exception, NotPermitted):
            record_denial(request.user, exception)
        return error_response(request, exception)


def record_denial(user: object, denial: NotPermitted) -> None:
    """Write the refusal into the trail; for every edge that catches NotPermitted itself."""
    actor = user if getattr(user, "is_authenticated", False) else None
    audit.record_denied(actor=actor, action=denial.action or "unnamed", target=denial.target, reason=denial.message)


def error_response(request: HttpRequest, error: UserError) -> HttpResponse:
    """An alert for htmx, a whole page for everybody else, with the status of the error."""
    context = {"message": error.message, "level": "error", "error": error, "status": error.status}
    htmx = getattr(request, "htmx", False)
    template = "partials/_alert.html" if htmx else "accounts/refused.html"
    return render(request, template, context, status=error.status)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': _page_to_return_to(request)})}"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = target
        return response
    if request.method == "POST" and (kept := typed_text(request)):
        return render(request, "accounts/signed_out.html", {"kept": kept, "sign_in": target}, status=401)
    return HttpResponseRedirect(target)


def _page_to_return_to(request: HttpRequest) -> str:
    """The page the person was looking at: a form's address answers only to POST, so its page is taken instead."""
    if request.method == "GET" and not request.headers.get("HX-Request"):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(seen, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(seen)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _no_role(request: HttpRequest) -> HttpResponse:
    message = "Your account has no role yet. Ask an administrator of this portal to give you one."
    if request.headers.get("HX-Request"):
        return render(request, "partials/_alert.html", {"message": message, "level": "error"}, status=403)
    return render(request, "accounts/no_role.html", {"message": message}, status=403)
