"""How often a view runs: the words PostHog takes, what it makes of them, and how its log writes them."""

from __future__ import annotations

from datetime import timedelta

from warehouse_admin.mutations.kinds.base import Live
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.cadences import NEVER, SECONDS, accepts, offered
from warehouse_admin.posthog.types import detect_generation

CADENCES = (NEVER, *SECONDS)
RAISED_TO = "15min"
_RAISED = ("1min", "5min")
"""The newest servers take these and store the shortest they know, without saying so."""


def is_newest(live: Live) -> bool:
    return live is not None and detect_generation(live) == "D"


def why_not_taken(mutation: Mutation, live: Live) -> str:
    """A sentence where the server, as it is now, does not know the cadence that was approved; else empty.

    The oldest answer such a request with an error that does not tell whether anything was done.
    """
    wanted = mutation.payload.get("sync_frequency")
    generation = (detect_generation(live) if live else None) or mutation.connection.generation
    if wanted is None or accepts(generation, wanted):
        return ""
    known = ", ".join(offered(generation))
    return f"This server does not know the cadence {wanted}: it accepts {known}. Choose another."


def read_as(cadence: str, live: Live) -> str | None:
    """How the server that showed `live` shows a view to which this cadence was given."""
    if cadence == NEVER:
        return None
    return RAISED_TO if cadence in _RAISED and is_newest(live) else cadence


def was_raised(cadence: str, live: Live) -> str:
    """A sentence where the server stored another cadence than was asked for; else empty."""
    if (
        cadence == NEVER
        or live is None
        or live.sync_frequency != read_as(cadence, live)
        or cadence == read_as(cadence, live)
    ):
        return ""
    return f"PostHog raised {cadence} to {RAISED_TO}, the shortest cadence it runs."


def stored_as(cadence: str) -> set[str]:
    """What any server may make of it."""
    return {cadence, RAISED_TO} if cadence in _RAISED else {cadence}


def logged_as(cadence: str) -> set[str | None]:
    """How PostHog's log may write it: `1 day, 0:00:00`."""
    if cadence == NEVER:
        return {None}
    return {str(timedelta(seconds=SECONDS[name])) for name in stored_as(cadence)}
