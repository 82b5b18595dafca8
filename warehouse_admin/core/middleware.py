"""Opens the request context that the audit trail and the logs read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from warehouse_admin.core import context

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestContextMiddleware:
    """A caller may send its own `X-Request-ID`; the answer always carries the one that was used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        opened = context.RequestContext(
            request_id=given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex,
            ip=request.META.get("REMOTE_ADDR", "") or "",
            user_agent=request.headers.get("User-Agent", "")[:300],
        )
        with context.use(opened):
            response = self.get_response(request)
        response["X-Request-ID"] = opened.request_id
        return response
