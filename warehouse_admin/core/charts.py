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


def _read(run: object, name: str) -> object:
    return run.get(name) if isinstance(run, dict) else getattr(run, name, None)


def _length(run: object, started: datetime | None) -> float | None:
    """Seconds a run took: what it says itself, else from its start to its end."""
    said = seconds_of(_read(run, "duration"))
    if said is not None:
        return said
    finished = as_datetime(_read(run, "finished_at"))
    return max((finished - started).total_seconds(), 0.0) if started and finished else None


def run_chart(runs: Iterable[object]) -> RunChart:
    """Bars of run durations coloured by status; a run without a duration gets the lowest bar."""
    rows = list(runs)
    starts = [as_datetime(_read(run, "started_at")) for run in rows]
    lengths = [_length(run, started) for run, started in zip(rows, starts, strict=True)]
    longest = max((length for length in lengths if length is not None), default=0.0)
    zone = timezone.get_current_timezone()
    bars, words = [], []
    for index, (run, started, length) in enumerate(zip(rows, starts, lengths, strict=True)):
        look = look_of("run", _read(run, "status"))
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
