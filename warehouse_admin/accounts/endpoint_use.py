"""Keeps when each endpoint of PostHog was last asked and how it went: a few rows, never a query for each call."""

from __future__ import annotations

import logging
import threading
import time

from django.db import Error, transaction
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, EndpointUse
from warehouse_admin.posthog import endpoints, errors

Result = EndpointUse.Result
WRITE_EVERY = 60.0
"""Seconds for which this process does not write the same result of the same endpoint again."""
logger = logging.getLogger(__name__)

_written: dict[tuple[int, str], tuple[tuple[str, str, str], float]] = {}
"""By connection and endpoint: what this process wrote last, and when."""


class UseRecord:
    """What one client was answered, written in one statement when it is closed. Safe to share between threads."""

    def __init__(self, connection: Connection, own_key_of: str = "") -> None:
        self._connection, self._own_key_of = connection, own_key_of
        self._lock = threading.Lock()
        self._seen: dict[str, EndpointUse] = {}

    def note(self, method: str, path: str, error: errors.PostHogError | None) -> None:
        """Remember the latest outcome of an endpoint; what never left is no use of it."""
        endpoint = endpoints.matching(method, path)
        if endpoint is None or (error is not None and not error.sent):
            return
        result, told = outcome_of(error)
        use = EndpointUse(
            connection=self._connection,
            endpoint=endpoint.key,
            at=timezone.now(),
            result=result,
            told=told,
            own_key_of=self._own_key_of,
        )
        with self._lock:
            self._seen[endpoint.key] = use

    def settle(self) -> None:
        """Write what is news. A record that cannot be written must not undo the work that it is about."""
        with self._lock:
            seen, self._seen = self._seen, {}
        due = [use for use in seen.values() if _is_due(use)]
        if not due or self._connection.pk is None:
            return
        try:
            with transaction.atomic():
                EndpointUse.objects.bulk_create(
                    due,
                    update_conflicts=True,
                    unique_fields=["connection", "endpoint"],
                    update_fields=["at", "result", "told", "own_key_of"],
                )
        except Error as failure:
            logger.warning("the use of endpoints was not recorded: %s", type(failure).__name__)
            return
        _written.update({_key(use): (_said(use), time.monotonic()) for use in due})


def forget_written() -> None:
    """Write everything again, as a new process would."""
    _written.clear()


def _is_due(use: EndpointUse) -> bool:
    said, at = _written.get(_key(use), (None, 0.0))
    return said != _said(use) or time.monotonic() - at >= WRITE_EVERY


def _key(use: EndpointUse) -> tuple[int, str]:
    return use.connection_id, use.endpoint


def _said(use: EndpointUse) -> tuple[str, str, str]:
    return use.result, use.told, use.own_key_of


def outcome_of(error: errors.PostHogError | None) -> tuple[str, str]:
    """A result, and why in words of ours: PostHog's own may quote what was sent."""
    match error:
        case None:
            return Result.OK, ""
        case errors.ActionNotForKeys():
            return Result.REFUSED, "This server offers it to no API key (403)."
        case errors.MissingScope():
            return Result.REFUSED, f"The key lacks the scope {error.scope} (403)."[:200]
        case errors.InvalidKey():
            return Result.REFUSED, "PostHog does not accept the key (401)."
        case errors.PermissionDenied():
            return Result.REFUSED, "PostHog's access control refused it (403)."
        case errors.NotFound() if error.endpoint_missing:
            return Result.REFUSED, "This server has no such endpoint (404)."
        case errors.NotFound():
            return Result.OK, "The object was not there (404)."
        case errors.Conflict():
            return Result.OK, "Somebody else had edited the view meanwhile (400)."
        case errors.RateLimited():
            return Result.REFUSED, "The rate limit was used up (429)."
        case errors.Refused():
            return Result.REFUSED, f"PostHog understood it and said no ({error.status})."
        case errors.ServerError():
            return Result.FAILED, f"PostHog failed ({error.status})."
    return Result.FAILED, "No answer came that could be believed."
