"""What the API refuses with; every framework error has one shape."""

from __future__ import annotations

from typing import Any

CONFLICT = "The query was modified by someone else."


class ApiError(Exception):
    """An answer that is a refusal; `body` None means an empty body."""

    def __init__(self, status: int, body: dict[str, Any] | None, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def framework(status: int, kind: str, code: str, detail: str, attr: str | None = None) -> ApiError:
    return ApiError(status, {"type": kind, "code": code, "detail": detail, "attr": attr})


def invalid(detail: str, attr: str | None = None, code: str = "invalid_input") -> ApiError:
    return framework(400, "validation_error", code, detail, attr)


def required(attr: str) -> ApiError:
    return invalid("This field is required.", attr, "required")


def conflict() -> ApiError:
    return invalid(CONFLICT)


def parse_error(reason: str) -> ApiError:
    return framework(400, "invalid_request", "parse_error", f"JSON parse error - {reason}")


def not_found(detail: str = "Not found.") -> ApiError:
    return framework(404, "invalid_request", "not_found", detail)


def unauthenticated(code: str, detail: str) -> ApiError:
    error = framework(401, "authentication_error", code, detail)
    error.headers["WWW-Authenticate"] = "Bearer"
    return error


def forbidden(detail: str) -> ApiError:
    return framework(403, "authentication_error", "permission_denied", detail)


def not_for_keys() -> ApiError:
    return forbidden("This action does not support personal API key access")


def throttled(seconds: int | None) -> ApiError:
    """A 429; without seconds it is the "too many concurrent queries" kind that has no `Retry-After`."""
    if seconds is None:
        return framework(429, "throttled_error", "throttled", "Too many concurrent queries. Please try again later.")
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    error = framework(429, "throttled_error", "throttled", detail)
    error.headers["Retry-After"] = str(seconds)
    return error


def unhandled() -> ApiError:
    """What an exception nobody caught on the real server looks like."""
    return framework(500, "server_error", "error", "A server error occurred.")


def not_a_dictionary(value: object) -> ApiError:
    return invalid(f"Invalid data. Expected a dictionary, but got {type(value).__name__}.")
