"""What a person can be told. Views turn these into a message, the API into problem details."""

from __future__ import annotations

from typing import Any


class UserError(Exception):
    """A rule said no; the message says what to do. `status` is the HTTP answer, `errors` the fields at fault."""

    status = 409

    def __init__(self, message: str, *, errors: dict[str, list[str]] | None = None, blockers: list[dict] | None = None):
        super().__init__(message)
        self.message = message
        self.errors = errors or {}
        self.blockers = blockers or []

    @property
    def members(self) -> dict[str, Any]:
        """What else a program is told."""
        return {}

    @property
    def links(self) -> list[tuple[str, str]]:
        """Where a person finds what is in the way: words and address."""
        return []


class InvalidInput(UserError):
    """What was sent cannot be used; `errors` names each field and what to do about it."""

    status = 400


class NotPermitted(UserError):
    """This person may not do this. Services raise it; the edge that answers records the denial."""

    status = 403

    def __init__(self, message: str, *, action: str = "", target: Any = None) -> None:
        super().__init__(message)
        self.action = action
        self.target = target


class Unavailable(UserError):
    """PostHog could not be asked; the same call may go through later, after `retry_after` seconds if that is known."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Missing(UserError):
    """No such object for this person."""

    status = 404
