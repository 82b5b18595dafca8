"""What can go wrong when talking to PostHog; callers branch on the class, never on a status or a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

DETAIL_LIMIT = 2_000
CONFLICT_TEXT = "The query was modified by someone else."

_KEY = re.compile(r"\bph[xcsar]_[A-Za-z0-9_-]{8,}")
_SCOPE = re.compile(r"missing required scope '([^']{1,100})'")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Reply(Protocol):
    """The three things read of an HTTP answer; `requests.Response` has them."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class PostHogError(Exception):
    """A request to PostHog that did not succeed. `detail` is remote text: bounded and free of keys, but not markup."""

    may_have_happened = False

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        code: str = "",
        attr: str | None = None,
        method: str = "",
        path: str = "",
        sent: bool = True,
        write: bool | None = None,
    ) -> None:
        self.detail = clean(detail)
        super().__init__(self.detail)
        self.status = status
        self.code = code
        self.attr = attr
        self.method = method
        self.path = path
        self.sent = sent
        # An error made without a method is taken for a write's: the careful reading.
        self.write = method not in _SAFE_METHODS if write is None else write

    @property
    def unconfirmed(self) -> bool:
        """True when the write that raised this may nevertheless have happened."""
        return self.may_have_happened and self.write and self.sent

    def __str__(self) -> str:
        where = f"{self.method} {self.path}: ".lstrip() if self.path else ""
        status = f"{self.status} " if self.status else ""
        return f"{where}{status}{self.detail}".strip() or type(self).__name__


class InvalidKey(PostHogError):
    """401: the key is wrong, revoked, or its user is inactive. Stop all work for it."""


class PermissionDenied(PostHogError):
    """403: not allowed; never worth a retry. Its subclasses say why."""


class ActionNotForKeys(PermissionDenied):
    """This server does not offer the action to any API key; only a signed-in person may do it in PostHog."""


class MissingScope(PermissionDenied):
    """The key lacks `scope`; an administrator can add it."""

    def __init__(self, detail: str = "", *, scope: str = "", **known: Any) -> None:
        super().__init__(detail, **known)
        self.scope = scope


class ProjectRestricted(PermissionDenied):
    """The key is limited to other projects or organisations."""


class AccessDenied(PermissionDenied):
    """Membership, access control, an organisation's rule or a feature flag forbids it."""


class NotFound(PostHogError):
    """404 in PostHog's own words. Not every one means that the object is gone: see `object_missing`."""

    @property
    def object_missing(self) -> bool:
        """True when the object itself is unknown or deleted; false for an unknown project, route or page."""
        return self.detail == "Not found." or self.detail.endswith("matches the given query.")

    @property
    def endpoint_missing(self) -> bool:
        """True when this server has no such route."""
        return self.detail == "Endpoint not found."


class Conflict(PostHogError):
    """Somebody else edited the query since `edited_history_id`; nothing was saved."""


class Refused(PostHogError):
    """Another 4xx: PostHog understood the request and did not do it (validation, a paid feature, a dependent view)."""


class RateLimited(PostHogError):
    """429, or our own budget said no; nothing was done. `retry_after` is in seconds, None when nobody said."""

    def __init__(self, detail: str = "", *, retry_after: float | None = None, **known: Any) -> None:
        super().__init__(detail, **known)
        self.retry_after = retry_after


class ServerError(PostHogError):
    """5xx: PostHog or a proxy before it failed, possibly after doing the work. `retry_after` in seconds, if said."""

    may_have_happened = True

    def __init__(self, detail: str = "", *, retry_after: float | None = None, **known: Any) -> None:
        super().__init__(detail, **known)
        self.retry_after = retry_after


class Unreachable(PostHogError):
    """No trustworthy answer came: time-out or dropped connection after (part of) the request was sent."""

    may_have_happened = True


class NotSent(Unreachable):
    """It is certain that nothing reached PostHog: name, connection, TLS or a local refusal failed first."""

    may_have_happened = False

    def __init__(self, detail: str = "", **known: Any) -> None:
        super().__init__(detail, **{**known, "sent": False})


class BadAnswer(PostHogError):
    """The answer is not what the API gives: a web page, a redirect, broken JSON, an unexpected shape."""

    may_have_happened = True


class Truncated(BadAnswer):
    """The answer ended before its announced end."""


def from_response(
    response: Reply, method: str, path: str, *, hide: Iterable[str] = (), write: bool | None = None
) -> PostHogError:
    """The error that a non-2xx answer stands for; every string in `hide` is taken out of its text."""
    status = response.status_code
    body = _json_object(response)
    problem = body if body is not None and _message(body) else None
    detail = clean(_message(problem) if problem else _unexplained(response), hide=hide)
    known: dict[str, Any] = {
        "status": status,
        "code": clean(str(problem.get("code") or ""))[:100] if problem else "",
        "attr": clean(str(problem["attr"]))[:200] if problem and problem.get("attr") is not None else None,
        "method": method,
        "path": path,
        "write": write,
    }
    if status == 429:
        return RateLimited(detail, retry_after=retry_after_seconds(response.headers), **known)
    if status >= 500:
        return ServerError(detail, retry_after=retry_after_seconds(response.headers), **known)
    if status < 400:
        where = "It is a redirect, which is not followed: check the host." if status >= 300 else "This is not expected."
        return BadAnswer(f"PostHog answered {status}. {where}", **known)
    if status == 404 and not response.content and path.rstrip("/").endswith("/activity"):
        # The one route whose 404 is empty.
        return NotFound("Not found.", **known)
    if problem is None and status in {401, 403, 404}:
        # A firewall's or a proxy's page must never be read as "the key is dead" or "the view is gone".
        return BadAnswer(f"Something other than PostHog answered {status}: {detail}", **known)
    return _client_error(status, detail, known)


def _client_error(status: int, detail: str, known: dict[str, Any]) -> PostHogError:
    if status == 401:
        return InvalidKey(detail, **known)
    if status == 403:
        return _denied(detail, known)
    if status == 404:
        return NotFound(detail, **known)
    if status == 400 and detail == CONFLICT_TEXT:
        return Conflict(detail, **known)
    return Refused(detail, **known)


def _denied(detail: str, known: dict[str, Any]) -> PermissionDenied:
    """The four meanings of 403 differ only in their text."""
    lowered = detail.lower()
    if "does not support personal api key access" in lowered:
        return ActionNotForKeys(detail, **known)
    if match := _SCOPE.search(detail):
        return MissingScope(detail, scope=match[1], **known)
    if "does not have access to the requested" in lowered or "api keys with scoped" in lowered:
        return ProjectRestricted(detail, **known)
    return AccessDenied(detail, **known)


def clean(text: str, *, hide: Iterable[str] = ()) -> str:
    """Remote text made safe to store: no secret, no NUL, no lone surrogate, at most 2,000 characters."""
    for secret in hide:
        if secret:
            text = text.replace(secret, "[hidden]")
    text = _KEY.sub("[hidden]", text)
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")[:DETAIL_LIMIT]


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as `Retry-After` says (a number or a date); None when it is absent or unreadable."""
    value = (headers.get("Retry-After") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether the answer says it is JSON."""
    kind = (headers.get("Content-Type") or "").split(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _json_object(response: Reply) -> dict[str, Any] | None:
    if not is_json(response.headers):
        return None
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _message(body: dict[str, Any]) -> str:
    """Most errors say `detail`; saved-query actions say `error`, table actions `message`."""
    for name in ("detail", "error", "message"):
        if value := body.get(name):
            return value if isinstance(value, str) else json.dumps(value)
    return ""


def _unexplained(response: Reply) -> str:
    try:
        phrase = HTTPStatus(response.status_code).phrase
    except ValueError:
        phrase = f"Status {response.status_code}"
    if not response.content:
        return f"{phrase} (empty answer)"
    if is_json(response.headers):
        return f"{phrase} (no explanation)"
    return f"{phrase} (not a JSON answer)"
