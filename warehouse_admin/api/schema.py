"""The OpenAPI description: how to sign in, the problems every call may answer, the key that makes a retry safe."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from warehouse_admin.accounts.idempotency import HEADER, LONGEST_KEY
from warehouse_admin.posthog.endpoints import ENDPOINTS

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do about it."},
        "errors": {
            "type": "object",
            "description": "Sentences for each field at fault.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "blockers": {"type": "array", "items": {"$ref": "#/components/schemas/Blocker"}},
        "id": {"type": "string", "description": "What is under way already."},
        "drops": {"$ref": "#/components/schemas/Drops"},
    },
}
_LINES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "text": {"type": "string"}, "by": {"type": "string"}},
    },
}
DROPS: dict[str, Any] = {
    "type": "object",
    "description": "Lines of others that a rebase would leave out (`added`) or bring back (`removed`).",
    "properties": {
        "digest": {"type": "string", "description": "Send it as `agreed` to agree to exactly these."},
        "added": _LINES,
        "removed": _LINES,
    },
}
ANSWERS = {
    "400": "The request cannot be used; `errors` says why for each field.",
    "401": "No token, no session, or one that is not valid.",
    "403": "This person or token may not do this.",
    "404": "There is no such object, or its id is malformed.",
}
WRITE_ANSWERS = {
    "409": "The state forbids it, or PostHog does; `blockers` says what stands in the way.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The Idempotency-Key belongs to another call.",
    "503": "PostHog could not be asked; `Retry-After` says when to try again, if that is known.",
}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key from the same person gives the first answer again and does nothing new.",
    "schema": {"type": "string", "maxLength": LONGEST_KEY},
}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "warehouse_admin.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        told = "An API token, made on the settings page or with `manage.py create_token`. It never votes."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "wa_…", "description": told}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "warehouse_admin.api.authentication.BrowserSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        from django.conf import settings

        told = "The signed-in browser; calls that change something also send the CSRF token as X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME, "description": told}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook: what holds for every operation."""
    result["components"]["schemas"] |= {"Problem": PROBLEM, "Drops": DROPS}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            writes = method == "post"
            answers = {**ANSWERS, **WRITE_ANSWERS} if writes else ANSWERS
            for status, told in answers.items():
                operation["responses"].setdefault(status, _answer(told))
            if writes:
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    return result


def describe_coverage(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook: what of PostHog's own API lies behind all this, for the readable docs."""
    lines = [
        "",
        "## What of PostHog's API is used",
        "",
        "Paths are below the project. What a connection's key may do there, and how that last went, answers",
        "`GET /api/v1/connections/{slug}/coverage/` to administrators.",
        "",
        "| PostHog | documented | what for |",
        "|---|---|---|",
    ]
    lines += [f"| `{one.key}` | {', '.join(one.pages) or 'beyond the two pages'} | {one.use} |" for one in ENDPOINTS]
    result["info"]["description"] = result["info"].get("description", "") + "\n".join(["", *lines, ""])
    return result


def _answer(told: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": told, "content": content}
