"""What a reviewer can be told."""

from __future__ import annotations

from warehouse_admin.core.errors import InvalidInput, Missing, UserError


class UnknownEntry(Missing):
    """There is no such activity entry."""


class BadReview(InvalidInput):
    """What was sent about an entry cannot be used."""


class NotPossible(UserError):
    """The entry is not of a kind, or not in a state, that allows it; the message says why."""


class MovedOn(UserError):
    """Somebody else has dealt with it since; nothing was done."""


def bad(field: str, message: str) -> BadReview:
    """One field that cannot be used, and what to do about it."""
    return BadReview(message, errors={field: [message]})
