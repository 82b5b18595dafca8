"""Geometry of a chart of stacked bars over time, with its legend, its numbers and its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.utils import timezone

from warehouse_admin.core.formatting import thousands

WIDTH, HEIGHT, GAP = 600, 120, 8
LEAST_HEIGHT = 2
SERIES = 12
"""How many colours there are in the style sheet, `series-1` and so on; those beyond share the last."""


class Segment(NamedTuple):
    """One part of a bar; `series` is the number of its colour."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


class Entry(NamedTuple):
    """One line of the legend."""

    name: str
    series: int
    total: int


class StackedBars(NamedTuple):
    """`rows` are the numbers in the order of the legend, for those who read rather than look."""

    segments: list[Segment]
    legend: list[Entry]
    rows: list[tuple[datetime, list[tuple[str, int]], int]]
    highest: int
    total: int
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def stacked_bars(
    buckets: Mapping[int, Mapping[str, int]], order: Sequence[str], *, noun: str, stamp: str = "%H:%M"
) -> StackedBars:
    """Bars of counts by name, by the start of each bucket in seconds, oldest left; `order` fixes the colours.

    `stamp` is how a bucket is dated.
    """
    totals: dict[str, int] = {}
    for counts in buckets.values():
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
    names = sorted(totals, key=lambda name: (_series(name, order), name))
    legend = [Entry(name, _series(name, order), totals[name]) for name in names]
    highest = max((sum(counts.values()) for counts in buckets.values()), default=0)
    step = (WIDTH + GAP) / max(len(buckets), 1)
    segments: list[Segment] = []
    rows = []
    for index, (start, counts) in enumerate(buckets.items()):
        began = datetime.fromtimestamp(start, tz=UTC)
        segments += _bar(round(index * step, 1), round(step - GAP, 1), _at(began, stamp), counts, legend, highest)
        rows.append((began, [(name, counts.get(name, 0)) for name in names], sum(counts.values())))
    total = sum(totals.values())
    told = ", ".join(f"{entry.name} {thousands(entry.total)}" for entry in legend)
    summary = f"{thousands(total)} {noun}" + (f": {told}" if told else "")
    return StackedBars(segments, legend, rows, highest, total, summary)


def _at(began: datetime, stamp: str) -> str:
    return timezone.localtime(began).strftime(stamp)


def _series(name: str, order: Sequence[str]) -> int:
    place = order.index(name) + 1 if name in order else SERIES
    return min(place, SERIES)


def _bar(
    x: float, width: float, at: str, counts: Mapping[str, int], legend: list[Entry], highest: int
) -> list[Segment]:
    foot: float = HEIGHT
    parts = []
    for entry in legend:
        count = counts.get(entry.name, 0)
        if not count:
            continue
        height = max(round(count / highest * HEIGHT, 1), LEAST_HEIGHT)
        foot = max(round(foot - height, 1), 0.0)
        parts.append(Segment(x, foot, width, height, entry.series, f"{at} · {entry.name} {thousands(count)}"))
    return parts
