"""What happens to every request and its answer: the context of the trail and the logs, caching, unseen characters."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware

from warehouse_admin.core import context
from warehouse_admin.core.unseen import visible_page

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestContextMiddleware:
    """A caller may send its own `X-Request-ID`; the answer always carries the one that was used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        opened = context.RequestContext(
            request_id=given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex,
            ip=request.META.get("REMOTE_ADDR", "") or "",
            user_agent=request.META.get("HTTP_USER_AGENT", "")[:300],
        )
        request.META["HTTP_X_REQUEST_ID"] = opened.request_id  # the logs carry this one, never an unchecked one
        with context.use(opened):
            response = self.get_response(request)
        response["X-Request-ID"] = opened.request_id
        return response


class PageOrFragmentMiddleware:
    """One address answers the page and its fragment: no cache may give the one for the other, on going back, say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response


class UnseenCharactersMiddleware:
    """No page shows a reason, a name or a comment as anything but what it is; here, because no template may forget it.

    Data is left as it is: what a form sends back, what is downloaded, and all that is not HTML.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            page = response.content.decode(response.charset)
            shown = visible_page(page)
            if shown is not page:
                response.content = shown
        return response


class RequestLogMiddleware(RequestMiddleware):
    """One log line for each answer, without the query string: codes of a sign-in and search texts stay out of logs."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"
