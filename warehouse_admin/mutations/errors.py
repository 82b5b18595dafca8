"""What the gate tells its callers; nothing here is for the eyes of people."""

from __future__ import annotations


class NotYet(Exception):
    """Nothing was sent, and the mutation is asked again; try after `retry_after` seconds."""

    def __init__(self, retry_after: float, why: str = "") -> None:
        super().__init__(why or f"Try again in {retry_after:.0f} s.")
        self.retry_after = retry_after


class Busy(NotYet):
    """Another mutation of the same object is under way; others may go on meanwhile."""
