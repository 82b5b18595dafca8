"""What a reviewer can be told."""

from __future__ import annotations

from warehouse_admin.core.errors import InvalidInput, Missing


class UnknownEntry(Missing):
    """There is no such activity entry."""


class BadReview(InvalidInput):
    """The verdict or its note cannot be used."""
