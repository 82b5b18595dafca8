"""Where two sequences differ, in a bounded number of steps whatever they are."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[int, int, int, int]  # old[a:b] against new[c:d]
LINE_STEPS = 300_000
"""What may be searched to compare the lines of two texts."""


@dataclass(frozen=True, slots=True)
class Block:
    """`old[a:b]` became `new[c:d]`; `same` says that nothing changed in it."""

    same: bool
    a: int
    b: int
    c: int
    d: int


class Steps:
    """How much searching is still allowed. When it is spent, what is left counts as replaced whole."""

    def __init__(self, allowed: int) -> None:
        self._left = allowed

    def take(self, number: int) -> bool:
        """Whether `number` more steps are allowed; they are used up."""
        self._left -= number
        return self._left >= 0


def lines_of(text: str) -> list[str]:
    """Lines with their ends; only LF ends one, so that a changed line end is a changed line."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def blocks(old: Sequence[str], new: Sequence[str], steps: Steps) -> list[Block]:
    """Alternating same and changed blocks that together cover both sequences in order."""
    pairs: list[tuple[int, int, int]] = []  # start in old, start in new, length
    waiting = [(0, len(old), 0, len(new))]
    while waiting:
        span = waiting.pop()
        a, b, c, d = _trimmed(old, new, span)
        pairs.append((span[0], span[2], a - span[0]))
        pairs.append((b, d, span[1] - b))
        if a < b and c < d:
            kept = _anchors(old, new, (a, b, c, d))
            if kept:
                waiting.extend(_between(kept, (a, b, c, d)))
            else:
                kept = _shortest(old[a:b], new[c:d], a, c, steps)
            pairs.extend((x, y, 1) for x, y in kept)
    return _joined(sorted(pairs), len(old), len(new))


def _trimmed(old: Sequence[str], new: Sequence[str], span: Span) -> Span:
    """The span without what is the same at its start and at its end."""
    a, b, c, d = span
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _anchors(old: Sequence[str], new: Sequence[str], span: Span) -> list[tuple[int, int]]:
    """Items that occur once on each side of the span, in the longest run that keeps their order."""
    a, b, c, d = span
    once_old, once_new = Counter(old[a:b]), Counter(new[c:d])
    place = {new[at]: at for at in range(c, d) if once_new[new[at]] == 1}
    pairs = [(at, place[old[at]]) for at in range(a, b) if once_old[old[at]] == 1 and old[at] in place]
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, at) in enumerate(pairs):
        slot = bisect_left(ends, at)
        before.append(last[slot - 1] if slot else -1)
        ends[slot : slot + 1] = [at]
        last[slot : slot + 1] = [index]
    run: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _between(anchors: list[tuple[int, int]], span: Span) -> list[Span]:
    a, b, c, d = span
    spans = []
    for x, y in [*anchors, (b, d)]:
        if x > a or y > c:
            spans.append((a, x, c, y))
        a, c = x + 1, y + 1
    return spans


def _shortest(old: Sequence[str], new: Sequence[str], a: int, c: int, steps: Steps) -> list[tuple[int, int]]:
    """The pairs that a shortest edit script keeps (Myers' greedy search); none when the steps run out."""
    n, m = len(old), len(new)
    reach = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(n + m + 1):
        # Each round keeps a copy of what it reached, so a round costs twice its width.
        if not steps.take(2 * edits + 1):
            return []
        history.append(reach.copy())
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            before = x
            while x < n and y < m and old[x] == new[y]:
                x, y = x + 1, y + 1
            if x > before and not steps.take(x - before):
                return []
            reach[k] = x
            if x >= n and y >= m:
                return [(a + x, c + y) for x, y in _trace(history, n, m)]
    raise AssertionError("an edit script of n + m steps always exists")


def _trace(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        reach = history[edits]
        k = x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k]
        from_y = from_x - from_k
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            kept.append((x, y))
        x, y = from_x, from_y
    return kept[::-1]


def _joined(pairs: list[tuple[int, int, int]], n: int, m: int) -> list[Block]:
    """Kept pairs, sorted, as blocks: neighbours joined, gaps made explicit."""
    result: list[Block] = []
    a = c = 0
    for x, y, length in [*pairs, (n, m, 0)]:
        if x > a or y > c:
            result.append(Block(False, a, x, c, y))
        if length:
            if result and result[-1].same:
                first = result.pop()
                result.append(Block(True, first.a, x + length, first.c, y + length))
            else:
                result.append(Block(True, x, x + length, y, y + length))
        a, c = x + length, y + length
    return result
