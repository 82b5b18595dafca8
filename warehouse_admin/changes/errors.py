"""What a person can be told about a change request."""

from __future__ import annotations

from warehouse_admin.changes.dropped import Dropped
from warehouse_admin.core.errors import UserError


class StateForbids(UserError):
    """The change is not in a state that allows this; `blockers` says what stands in the way."""

    def __init__(self, message: str, *, kind: str = "wait", who: str = "") -> None:
        super().__init__(message, blockers=[{"text": message, "kind": kind, "who": who}])


class StaleRevision(UserError):
    """Somebody saved a newer revision than the one this was written on."""


class BaseMoved(UserError):
    """PostHog holds another text than the one the person started from; `live_query` is what it holds now."""

    def __init__(self, live_query: str) -> None:
        super().__init__(
            "The view was changed in PostHog while you were writing. Your text is kept: compare it with the text that "
            "PostHog holds now, then propose again."
        )
        self.live_query = live_query


class DropsLines(UserError):
    """The text leaves out lines of others that nobody has agreed to drop yet; `dropped` holds them."""

    def __init__(self, dropped: Dropped) -> None:
        super().__init__(
            "This leaves out what others did in PostHog meanwhile. Look at the lines below and agree to it, or choose "
            "otherwise. Everything you chose and wrote is kept."
        )
        self.dropped = dropped
