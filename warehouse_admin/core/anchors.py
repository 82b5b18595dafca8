"""Lines of a text that somebody points at: quoted, found again in a later text, and replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warehouse_admin.core.blame import without_layout
from warehouse_admin.core.editscript import LINE_STEPS, Block, Steps, blocks, lines_of

_COMMON = 50
"""A line that occurs more often tells nothing about where something went."""
Span = tuple[int, int]
"""The first and the last line, counted from 1."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Lines as they were: where they stood in the older text, or None where they were gone already, and their words."""

    span: Span | None
    quoted: str


def count_of(text: str) -> int:
    """How many lines a text has, as comparisons number them."""
    return len(lines_of(text))


def quote(text: str, span: Span) -> str:
    """These lines as they stand there, without the end of the last."""
    lines = lines_of(text)[span[0] - 1 : span[1]]
    return "".join(lines).removesuffix("\n").removesuffix("\r") if lines else ""


def follow(older: str, newer: str, anchors: Sequence[Anchor]) -> list[Span | None]:
    """Where the lines of each stand in the newer text, moved and indented as they may be; None where they are gone.

    Lines that came to stand elsewhere are found by their words, where those occur only once.
    """
    if older == newer and all(anchor.span for anchor in anchors):
        return [anchor.span for anchor in anchors]
    before, after = _Keyed(older), _Keyed(newer)
    found = blocks(before.keys, after.keys, Steps(LINE_STEPS))
    return [_moved(anchor.span, found) or _elsewhere(anchor, before, after) for anchor in anchors]


def replaced(text: str, parts: Iterable[tuple[Span, str]]) -> str:
    """The text with some lines, which do not overlap, replaced; the ends of lines stay of the kind that it has."""
    lines = lines_of(text)
    newline = "\r\n" if text.count("\n") == text.count("\r\n") > 0 else "\n"
    for (first, last), new in sorted(parts, reverse=True):
        body = lines[last - 1]
        end = "\r\n" if body.endswith("\r\n") else "\n" if body.endswith("\n") else ""
        lines[first - 1 : last] = [newline.join(new.split("\n")) + end] if new else []
    return "".join(lines)


class _Keyed:
    """The lines of a text by their words, whatever their layout."""

    def __init__(self, text: str) -> None:
        self.keys = _keys(text)
        self._places: dict[str, list[int]] = defaultdict(list)
        for at, key in enumerate(self.keys):
            self._places[key].append(at)

    def occurrences(self, wanted: list[str]) -> list[int]:
        """Where lines of these words begin; of those whose every line is common, as if they were twice there."""
        size = len(wanted)
        rarest = min(range(size), key=lambda at: len(self._places.get(wanted[at], ())))
        starts = [at - rarest for at in self._places.get(wanted[rarest], ()) if at >= rarest]
        if len(starts) > _COMMON:
            return starts[:2]
        return [at for at in starts if self.keys[at : at + size] == wanted]


def _keys(text: str) -> list[str]:
    return [without_layout(line.rstrip("\r\n")) for line in lines_of(text)]


def _moved(span: Span | None, found: Iterable[Block]) -> Span | None:
    if span is None:
        return None
    for block in found:
        if block.same and block.a < span[0] and span[1] <= block.b:
            return span[0] + block.c - block.a, span[1] + block.c - block.a
    return None


def _elsewhere(anchor: Anchor, before: _Keyed, after: _Keyed) -> Span | None:
    """By their words; where the older text had them more than once, one of the others would pose as these."""
    wanted = _keys(anchor.quoted)
    if not any(wanted) or len(before.occurrences(wanted)) > 1:
        return None
    places = after.occurrences(wanted)
    return (places[0] + 1, places[0] + len(wanted)) if len(places) == 1 else None
