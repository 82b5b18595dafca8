"""What happens to every request and its answer: the context of the trail and the logs, caching, unseen characters."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django_structlog.middlewares import RequestMiddleware

from warehouse_admin.core import context
from warehouse_admin.core.unseen import visible_page

_LOGGED_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestContextMiddleware:
    """Every request gets an id of our own making, which the answer carries: nobody adds rows to another's click.

    An `X-Request-ID` that a caller or a proxy sent stands in the logs beside it, and nowhere else.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        opened = context.RequestContext(
            request_id=uuid.uuid4().hex,
            ip=request.META.get("REMOTE_ADDR", "") or "",
            user_agent=request.META.get("HTTP_USER_AGENT", "")[:300],
        )
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        if _LOGGED_ID.fullmatch(sent):
            structlog.contextvars.bind_contextvars(sent_request_id=sent)
        request.META["HTTP_X_REQUEST_ID"] = opened.request_id  # where the logs take theirs from
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
