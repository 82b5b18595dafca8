"""Geometry of the small charts, so that templates only draw."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from warehouse_admin.core.formatting import as_datetime, duration, exact, seconds_of
from warehouse_admin.core.states import look_of

BAR_WIDTH = 7
BAR_GAP = 2
HEIGHT = 32
FLOOR = 4


class Bar(NamedTuple):
    """One run, in pixels of a chart that is `HEIGHT` high."""

    x: int
    y: int
    height: int
    tone: str
    title: str


class RunChart(NamedTuple):
    """A bar for each run, oldest left, with a sentence for those who cannot see it."""

    width: int
    height: int
    bars: list[Bar]
    summary: str


class _Told(NamedTuple):
    """What a run says: when it began, and how many seconds it took."""

    status: object
    started: datetime | None
    length: float | None


def _told(run: object) -> _Told:
    """The length is what the run says itself, else from its start to its end."""
    read = run.get if isinstance(run, dict) else lambda name: getattr(run, name, None)
    started = as_datetime(read("started_at"))
    length = seconds_of(read("duration"))
    if length is None and started and (finished := as_datetime(read("finished_at"))):
        length = max((finished - started).total_seconds(), 0.0)
    return _Told(read("status"), started, length)


def run_chart(runs: Iterable[object]) -> RunChart:
    """Bars of run durations coloured by status; a run without a duration gets the lowest bar."""
    rows = [_told(run) for run in runs]
    longest = max((length for _, _, length in rows if length is not None), default=0.0)
    zone = timezone.get_current_timezone()
    bars, words = [], []
    for index, (status, started, length) in enumerate(rows):
        look = look_of("run", status)
        share = (length or 0.0) / longest if longest else 0.0
        height = FLOOR + round(share * (HEIGHT - FLOOR))
        title = look.word
        if started:
            title += f" · {exact(started, zone)}"
        if length is not None:
            title += f" · {duration(length)}"
        bars.append(Bar(index * (BAR_WIDTH + BAR_GAP), HEIGHT - height, height, look.tone, title))
        words.append(look.word)
    counts = ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(words))
    width = max(len(rows) * (BAR_WIDTH + BAR_GAP) - BAR_GAP, BAR_WIDTH)
    return RunChart(width, HEIGHT, bars, f"Last {len(rows)} runs: {counts}")
