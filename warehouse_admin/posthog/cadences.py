"""How often PostHog runs a view: the words it takes, by server generation."""

from __future__ import annotations

from typing import Final

NEVER: Final = "never"
"""Pauses the schedule; it reads back as null."""
SECONDS: Final = {
    "1min": 60,
    "5min": 300,
    "15min": 900,
    "30min": 1800,
    "1hour": 3600,
    "2hour": 7200,
    "6hour": 21600,
    "12hour": 43200,
    "24hour": 86400,
    "7day": 604800,
    "30day": 2592000,
}
EVERY_DAY: Final = "24hour"
"""What a materialization begins with; servers before D let nobody choose."""
_ALWAYS = ("30min", "1hour", "6hour", "12hour", EVERY_DAY, "7day", "30day")


def offered(generation: str) -> tuple[str, ...]:
    """What a server of this generation accepts and keeps as it is, from often to seldom, `never` last."""
    return ("15min" if generation == "D" else "5min", *_ALWAYS, NEVER)


def accepts(generation: str | None, cadence: str) -> bool:
    """Whether a server of this generation takes it, if only to raise it; an unknown one has to tell itself."""
    if generation == "D":
        return cadence == NEVER or cadence in SECONDS
    return not generation or cadence in offered(generation)
