"""Every refusal as RFC 9457 problem details, and every denial in the audit trail."""

from __future__ import annotations

import logging
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from warehouse_admin.accounts.middleware import record_denial
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import NotPermitted, Unavailable, UserError

CONTENT_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """The exception handler of the API: no exception leaves it, and an unexpected one tells nothing of the inside."""
    set_rollback()
    request: Request = context["request"]
    if isinstance(error, NotPermitted):
        _record_denial(request, error)
    if isinstance(error, Unavailable):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message, headers=_wait(error.retry_after))
    if isinstance(error, UserError):
        return problem(error.status, error.message, **_members(error))
    error = _as_api_exception(error)
    if not isinstance(error, exceptions.APIException):
        return _unexpected(error, request)
    if isinstance(error, exceptions.PermissionDenied):
        told = str(error.detail)
        _record_denial(request, NotPermitted(told, action="api.call", target=_target(request)))
    return _of_api_exception(error)


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """One problem; `members` are added to the four that every problem has."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _members(error: UserError) -> dict[str, Any]:
    members = dict(error.members)
    if error.errors:
        members["errors"] = error.errors
    if error.blockers:
        members["blockers"] = error.blockers
    return members


def _as_api_exception(error: Exception) -> Exception:
    """What Django raises, in the words of the API."""
    if isinstance(error, Http404):
        return exceptions.NotFound("There is nothing here.")
    if isinstance(error, DjangoDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        too_large = exceptions.APIException("The body is too large.")
        too_large.status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return too_large
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError()
    return error


def _of_api_exception(error: exceptions.APIException) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    headers |= _wait(getattr(error, "wait", None))
    if isinstance(error, exceptions.ValidationError):
        found = _by_field(error.detail)
        name, told = next(iter(found.items()))
        return problem(error.status_code, f"{name}: {told[0]}", headers=headers, errors=found)
    return problem(error.status_code, str(error.detail), headers=headers)


def _wait(seconds: float | None) -> dict[str, str]:
    return {"Retry-After": str(ceil(seconds))} if seconds else {}


def _by_field(detail: Any, name: str = "") -> dict[str, list[str]]:
    """DRF's nested details as one list of sentences for each dotted field."""
    if isinstance(detail, dict):
        pairs = [(_dotted(name, str(key)), one) for key, one in detail.items()]
    elif isinstance(detail, list) and any(isinstance(one, (dict, list)) for one in detail):
        pairs = [(f"{name}.{place}", one) for place, one in enumerate(detail) if one]
    else:
        sentences = detail if isinstance(detail, list) else [detail]
        return {name or "body": [str(one) for one in sentences]}
    found: dict[str, list[str]] = {}
    for key, one in pairs:
        found |= _by_field(one, "body" if key == "non_field_errors" else key)
    return found


def _dotted(name: str, key: str) -> str:
    """What is wrong with a field as a whole is told under its own name."""
    if not name:
        return key
    return name if key == "non_field_errors" else f"{name}.{key}"


def _record_denial(request: Request, denial: NotPermitted) -> None:
    if not getattr(request.user, "is_authenticated", False):
        return
    record_denial(request.user, denial)


def _target(request: Request) -> Target:
    return Target("api", "", f"{request.method} {request.path}"[:200])


def _unexpected(error: Exception, request: Request) -> Response:
    # Told as Django would tell it: to the log, and to whoever listens for failed requests (tests, an error tracker).
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=problem_response, request=request)
    return problem(500, "Something went wrong here; it was logged under the X-Request-ID of this answer.")
