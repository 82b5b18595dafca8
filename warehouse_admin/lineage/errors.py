"""What a person can be told about lineage."""

from __future__ import annotations

from warehouse_admin.core.errors import InvalidInput


class BadSelector(InvalidInput):
    """A selector that nothing can be found by; the message says how to write it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, errors={"select": [message]})
