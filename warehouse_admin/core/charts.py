"""Geometry of the small charts, so that templates only draw. Every status has a shape besides its colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from warehouse_admin.core.formatting import as_datetime, duration, exact, seconds_of, thousands
from warehouse_admin.core.states import look_of

BAR_WIDTH = 7
BAR_GAP = 2
HEIGHT = 32
FLOOR = 4
MARK = 7
"""Kept free above the bars for the cross over a run that failed."""
CELL = 16
CELL_GAP = 2
SHAPES = {"failed": "cross", "running": "hollow", "cancelled": "low", "skipped": "low"}
WORST_FIRST = ("failed", "running", "skipped", "cancelled")


class Bar(NamedTuple):
    """One run, in pixels of a chart that is `HEIGHT` high; `shape` is read without colour."""

    x: int
    y: int
    height: int
    tone: str
    title: str
    shape: str = ""
    width: int = BAR_WIDTH


class RunChart(NamedTuple):
    """A bar for each run, oldest left, with a sentence for those who cannot see it."""

    width: int
    height: int
    bars: list[Bar]
    summary: str


class CellRuns(NamedTuple):
    """The runs of one status in one hour or day."""

    many: int
    longest: timedelta | None


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


def _shape(status: object) -> str:
    return SHAPES.get(str(status or "").lower(), "")


def _height(length: float | None, longest: float) -> int:
    share = (length or 0.0) / longest if longest else 0.0
    return FLOOR + round(share * (HEIGHT - MARK - FLOOR))


def run_chart(runs: Iterable[object]) -> RunChart:
    """Bars of run durations coloured by status; a run without a duration gets the lowest bar."""
    rows = [_told(run) for run in runs]
    longest = max((length for _, _, length in rows if length is not None), default=0.0)
    zone = timezone.get_current_timezone()
    bars, words = [], []
    for index, (status, started, length) in enumerate(rows):
        look = look_of("run", status)
        height = _height(length, longest)
        title = look.word
        if started:
            title += f" · {exact(started, zone)}"
        if length is not None:
            title += f" · {duration(length)}"
        bars.append(Bar(index * (BAR_WIDTH + BAR_GAP), HEIGHT - height, height, look.tone, title, _shape(status)))
        words.append(look.word)
    width = max(len(rows) * (BAR_WIDTH + BAR_GAP) - BAR_GAP, BAR_WIDTH)
    return RunChart(width, HEIGHT, bars, f"Last {len(rows)} runs: {_counted(words)}")


def row_chart(runs: Iterable[object]) -> RunChart:
    """Bars of how many rows each run wrote, placed as in `run_chart`; empty where none tells."""
    told = [(_told(run).status, _rows(run)) for run in runs]
    highest = max((count for _, count in told if count is not None), default=0)
    bars = []
    for index, (status, count) in enumerate(told):
        if count is None:
            continue
        height = _height(float(count), float(highest))
        title = f"{look_of('run', status).word} · {thousands(count)} rows"
        bars.append(Bar(index * (BAR_WIDTH + BAR_GAP), HEIGHT - height, height, "accent", title, _shape(status)))
    width = max(len(told) * (BAR_WIDTH + BAR_GAP) - BAR_GAP, BAR_WIDTH)
    return RunChart(width, HEIGHT, bars, f"Rows of the last {len(told)} runs, at most {thousands(highest)}")


def _rows(run: object) -> int | None:
    said = run.get("rows") if isinstance(run, dict) else getattr(run, "rows", None)
    return said if isinstance(said, int) else None


def _counted(words: Sequence[str]) -> str:
    return ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(words))


CellChart = RunChart


def cell_chart(
    starts: Sequence[datetime], cells: Mapping[datetime, Mapping[str, CellRuns]], *, is_day: bool
) -> CellChart:
    """A cell for each start, its worst status as colour and shape, its longest run as height; none where none ran."""
    lengths = [seconds_of(runs.longest) or 0.0 for cell in cells.values() for runs in cell.values()]
    longest = max(lengths, default=0.0)
    bars, words = [], []
    for place, start in enumerate(starts):
        cell = cells.get(start)
        if not cell:
            continue
        status = min(cell, key=_badness)
        look = look_of("run", status)
        height = _height(max(seconds_of(runs.longest) or 0.0 for runs in cell.values()), longest)
        bars.append(
            Bar(
                place * (CELL + CELL_GAP),
                HEIGHT - height,
                height,
                look.tone,
                _cell_title(start, cell, is_day=is_day),
                _shape(status),
                CELL,
            )
        )
        words += [look_of("run", name).word for name, runs in cell.items() for _ in range(runs.many)]
    said = _counted(words) if words else "no runs"
    unit = "days" if is_day else "hours"
    return CellChart(len(starts) * (CELL + CELL_GAP) - CELL_GAP, HEIGHT, bars, f"Last {len(starts)} {unit}: {said}")


def _badness(status: str) -> int:
    known = status.lower()
    return WORST_FIRST.index(known) if known in WORST_FIRST else len(WORST_FIRST)


def _cell_title(start: datetime, cell: Mapping[str, CellRuns], *, is_day: bool) -> str:
    at = f"{start:%d %b}" if is_day else f"{start:%d %b %H:%M}"
    runs = [
        f"{known.many} {look_of('run', status).word.lower()}" for status, known in sorted(cell.items(), key=_by_status)
    ]
    most = max((known.longest for known in cell.values() if known.longest is not None), default=None)
    longest = f" · longest {duration(most)}" if most is not None else ""
    return f"{at} · {', '.join(runs)}{longest}"


def _by_status(item: tuple[str, CellRuns]) -> int:
    return _badness(item[0])
