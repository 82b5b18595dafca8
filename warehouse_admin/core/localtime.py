"""Times as people say them in their zone, turned into moments; refused where a clock change makes them unclear."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


class UnclearTime(ValueError):
    """A local time that a clock change makes happen twice or never; `readings` are the two moments it can mean."""

    def __init__(self, message: str, readings: tuple[datetime, datetime]) -> None:
        super().__init__(message)
        self.readings = readings


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The names of places people live in, UTC first."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return ("UTC", *sorted(places))


def moment(local: datetime, zone: str) -> datetime:
    """The moment of a naive local time in a zone of `zones`; UnclearTime around a clock change."""
    place = ZoneInfo(zone)
    early, late = (local.replace(tzinfo=place, fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early
    # Through UTC and back: in a gap, this is where each reading really falls on the clock.
    real = sorted((reading.astimezone(UTC).astimezone(place) for reading in (early, late)), key=_instant)
    readings = (real[0], real[1])
    either = f"Did you mean {with_offset(readings[0])} or {with_offset(readings[1])}?"
    said = f"{local:%Y-%m-%d %H:%M}"
    if readings[0].replace(tzinfo=None, fold=0) == local:
        raise UnclearTime(f"The clocks go back then: {said} happens twice in {zone}. {either}", readings)
    raise UnclearTime(f"The clocks go forward then: {said} does not happen in {zone}. {either}", readings)


def with_offset(at: datetime) -> str:
    """`2026-10-25 02:30 +02:00 (00:30 UTC)`; the date of UTC too where it is another."""
    utc = at.astimezone(UTC)
    if not at.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M} UTC"
    same_day = at.date() == utc.date()
    return f"{at:%Y-%m-%d %H:%M} {at.isoformat()[-6:]} ({utc:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}} UTC)"


def _instant(at: datetime) -> float:
    return at.timestamp()
