"""Compare two texts for a person: rows side by side or unified, changed words marked, long equal parts folded."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from warehouse_admin.core.editscript import LINE_STEPS, Block, Steps, blocks, lines_of
from warehouse_admin.core.longlines import LONGEST_LINE, went_on
from warehouse_admin.core.unseen import visible

Kind = Literal["equal", "insert", "delete", "replace", "fold"]
Asides = Mapping[int, Sequence[Any]]  # by line
IsLayout = Callable[[Block], bool]
Segments = tuple[tuple[str, bool], ...]  # (text, whether it changed)

MOST_ROWS = 3000
_AROUND_KEPT = 2
_WORD_STEPS = 200_000
_BEFORE_A_DIFFERENCE = 200  # characters shown of what two long lines have in common
_LEAST_ALIKE = 0.25  # below this share of kept characters, marked words only confuse
_LINES = re.compile(r"([0-9]{1,7})-([0-9]{1,7})")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison. Numbers count from 1; a side without a line has None. A fold hides equal lines."""

    kind: Kind
    old_number: int | None = None
    new_number: int | None = None
    old: Segments = ()
    new: Segments = ()
    hidden: int = 0
    old_note: str = ""
    new_note: str = ""
    is_cut: bool = False  # of a long line only a part is here, and the notes say what is not
    layout: int = 0  # so many more lines, which differ in layout alone, a fold hides
    first_hidden: int = 0  # in the new text
    last_hidden: int = 0

    @property
    def hidden_lines(self) -> str:
        """What a fold hides, as an address names it: `12-40`."""
        return f"{self.first_hidden}-{self.last_hidden}"


@dataclass(frozen=True)
class Diff:
    """`rows` side by side, `unified` one under the other; `unshown` changed lines were left out of both.

    `layout` of the changed lines are hidden in folds, since they differ in layout alone.
    """

    rows: tuple[Row, ...]
    added: int
    removed: int
    truncated: bool = False
    unshown: int = 0
    layout: int = 0

    @property
    def identical(self) -> bool:
        return not self.added and not self.removed

    @property
    def cut(self) -> int:
        """How many long lines are not shown to their end."""
        return sum(row.is_cut for row in self.rows)

    @property
    def unified(self) -> tuple[Row, ...]:
        return tuple(_unified(self.rows))


def diff(
    old: str,
    new: str,
    context: int | None = 3,
    *,
    starts: tuple[int, int] = (1, 1),
    kept: tuple[Iterable[int], Iterable[int]] = ((), ()),
    is_layout: IsLayout | None = None,
) -> Diff:
    """Compare two texts; `context` equal lines stay around each change, or all of them with None.

    `starts` numbers the first line of each, for texts that are parts of longer ones. `kept` lines of the old and of
    the new text are not folded away. What `is_layout` says of a changed block to be layout alone is folded too.
    """
    comparison = _Comparison(*_ended(old, new), starts, kept, is_layout)
    made = comparison.rows(context)
    rows = tuple(islice(made, MOST_ROWS))
    truncated = next(made, None) is not None
    shown = sum((row.kind in ("insert", "delete")) + 2 * (row.kind == "replace") for row in rows)
    added, removed = comparison.added, comparison.removed
    layout = comparison.layout
    return Diff(rows, added, removed, truncated, unshown=added + removed - shown - layout, layout=layout)


def unfolded(asked: Iterable[str]) -> list[int]:
    """The lines that an address asks to see: `12-40` for each fold that was opened; what is none is left out."""
    found: list[int] = []
    for text in asked:
        if match := _LINES.fullmatch(text):
            first, last = int(match[1]), int(match[2])
            found += range(first, min(last, first + MOST_ROWS - 1) + 1)
    return found[: 2 * MOST_ROWS]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows, and what is to stand under the last of them."""

    rows: tuple[Row, ...]
    asides: tuple[Any, ...] = ()


def parts(rows: Sequence[Row], old: Asides | None = None, new: Asides | None = None) -> list[Part]:
    """The rows cut where something stands beside a line of the old or of the new text, by its number."""
    if not old and not new:
        return [Part(tuple(rows))]
    made, start = [], 0
    for at, row in enumerate(rows):
        asides = (*(old or {}).get(row.old_number or 0, ()), *(new or {}).get(row.new_number or 0, ()))
        if asides:
            made.append(Part(tuple(rows[start : at + 1]), asides))
            start = at + 1
    return [*made, Part(tuple(rows[start:]))]


def diff_to_dict(old: str, new: str, context: int = 3) -> dict[str, object]:
    """For a program: counts, and the whole difference as unified text that `patch` understands."""
    comparison = _Comparison(old, new)
    return {
        "unified": "".join(comparison.hunks(context)),
        "added": comparison.added,
        "removed": comparison.removed,
        "identical": old == new,
    }


def _ended(old: str, new: str) -> tuple[str, str]:
    """Both with a newline at the end where neither has one: a last line that got a follower has not changed itself."""
    if not old or not new or old.endswith("\n") or new.endswith("\n"):
        return old, new
    both = old + "\n" + new
    end = "\r\n" if both.count("\n") - 1 == both.count("\r\n") > 0 else "\n"
    return old + end, new + end


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is shown of one line."""

    text: str
    note: str
    is_cut: bool


def _joined_folds(rows: Iterable[Row]) -> Iterator[Row]:
    """Folds that follow each other as one."""
    fold: Row | None = None
    for row in rows:
        if row.kind == "fold":
            both = fold or Row("fold", first_hidden=row.first_hidden)
            hidden, layout = both.hidden + row.hidden, both.layout + row.layout
            fold = replace(both, hidden=hidden, layout=layout, last_hidden=row.last_hidden)
            continue
        if fold:
            yield fold
            fold = None
        yield row
    if fold:
        yield fold


def _within(numbers: list[int], start: int, first: int, end: int) -> list[int]:
    """Those of the sorted line numbers, counted from `start`, that lie between two places."""
    return numbers[bisect_left(numbers, first + start) : bisect_left(numbers, end + start)]


def _length_alike(a: str, b: str) -> int:
    """How many characters two lines have in common at their beginning."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _height(block: Block) -> int:
    """How many lines a block takes side by side."""
    return max(block.b - block.a, block.d - block.c)


class _Comparison:
    """The lines of two texts and where they differ."""

    def __init__(
        self,
        old: str,
        new: str,
        starts: tuple[int, int] = (1, 1),
        kept: tuple[Iterable[int], Iterable[int]] = ((), ()),
        is_layout: IsLayout | None = None,
    ) -> None:
        self._old_start, self._new_start = starts
        self._kept_old, self._kept_new = (sorted(set(numbers)) for numbers in kept)
        self._old, self._new = lines_of(old), lines_of(new)
        self._blocks = blocks(self._old, self._new, Steps(LINE_STEPS))
        changed = [block for block in self._blocks if not block.same]
        self.removed = sum(block.b - block.a for block in changed)
        self.added = sum(block.d - block.c for block in changed)
        self._hidden = {block for block in changed if is_layout and not self._is_kept(block) and is_layout(block)}
        self.layout = sum(_height(block) for block in self._hidden)
        self._word_steps = Steps(_WORD_STEPS)
        # Where every line of both ends in CRLF, saying so on each would only be noise.
        self._all_crlf = all(line.endswith("\r\n") for line in (*self._old, *self._new) if line.endswith("\n"))
        self._ends_differ = bool(old and new) and old.endswith("\n") != new.endswith("\n")

    def rows(self, context: int | None) -> Iterator[Row]:
        """Rows side by side, in order."""
        yield from _joined_folds(self._rows(context))

    def _rows(self, context: int | None) -> Iterator[Row]:
        beside = [None, *self._blocks, None]
        for before, block, after in zip(beside, self._blocks, beside[2:], strict=False):
            if block in self._hidden:
                first, last = block.c + self._new_start, max(block.c, block.d - 1) + self._new_start
                yield Row("fold", layout=_height(block), first_hidden=first, last_hidden=last)
            elif not block.same:
                yield from self._changed(block)
            elif context is None:
                yield from self._equal(block, 0, block.b - block.a)
            else:
                shown = [context if near and near not in self._hidden else 0 for near in (before, after)]
                yield from self._folded(block, *shown)

    def _folded(self, block: Block, before: int, after: int) -> Iterator[Row]:
        length = block.b - block.a
        shown = 0
        for start, end in [(0, min(before, length)), *self._kept_in(block), (length - after, length)]:
            if start > shown + 1:  # a fold takes a row itself
                first = block.c + shown + self._new_start
                hidden = start - shown
                yield Row("fold", hidden=hidden, first_hidden=first, last_hidden=first + hidden - 1)
                shown = start
            yield from self._equal(block, shown, max(shown, end))
            shown = max(shown, end)

    def _is_kept(self, block: Block) -> bool:
        """Whether a line of a changed block is to be seen; where nothing came, the line after it stands for it."""
        new = _within(self._kept_new, self._new_start, block.c, max(block.d, block.c + 1))
        return bool(new or _within(self._kept_old, self._old_start, block.a, block.b))

    def _kept_in(self, block: Block) -> list[tuple[int, int]]:
        """The parts of an equal block that stay, with a line or two around what is to be seen."""
        places = {at - self._old_start - block.a for at in _within(self._kept_old, self._old_start, block.a, block.b)}
        places |= {at - self._new_start - block.c for at in _within(self._kept_new, self._new_start, block.c, block.d)}
        length = block.b - block.a
        return [(max(at - _AROUND_KEPT, 0), min(at + _AROUND_KEPT + 1, length)) for at in sorted(places)]

    def _equal(self, block: Block, start: int, end: int) -> Iterator[Row]:
        for at in range(start, end):
            piece = self._piece(self._old[block.a + at])
            text = ((piece.text, False),)
            numbers = block.a + at + self._old_start, block.c + at + self._new_start
            yield Row("equal", *numbers, text, text, 0, piece.note, piece.note, piece.is_cut)

    def _changed(self, block: Block) -> Iterator[Row]:
        """Lines pair up in order; the longer side's rest stands alone."""
        for at in range(max(block.b - block.a, block.d - block.c)):
            a, c = block.a + at, block.c + at
            old_number, new_number = a + self._old_start, c + self._new_start
            if a < block.b and c < block.d:
                left, right = self._pair(self._old[a], self._new[c])
                old, new = self._words(left.text, right.text)
                is_cut = left.is_cut or right.is_cut
                yield Row("replace", old_number, new_number, old, new, 0, left.note, right.note, is_cut)
            elif a < block.b:
                piece = self._piece(self._old[a])
                text = ((piece.text, True),)
                yield Row("delete", old_number, None, text, old_note=piece.note, is_cut=piece.is_cut)
            else:
                piece = self._piece(self._new[c])
                text = ((piece.text, True),)
                yield Row("insert", None, new_number, (), text, new_note=piece.note, is_cut=piece.is_cut)

    def _body(self, line: str) -> str:
        return line.removesuffix("\r\n") if self._all_crlf else line.removesuffix("\n")

    def _piece(self, line: str) -> _Piece:
        return self._cut(line, 0, "")

    def _pair(self, old: str, new: str) -> tuple[_Piece, _Piece]:
        """Of a long line that changed, the part where the change begins."""
        a, b = self._body(old), self._body(new)
        if max(len(a), len(b)) <= LONGEST_LINE:
            return self._piece(old), self._piece(new)
        alike = _length_alike(a, b)
        start = 0 if alike < LONGEST_LINE // 2 else alike - _BEFORE_A_DIFFERENCE
        end = start + LONGEST_LINE
        rest = ", the same in both" if a[end:] == b[end:] else ", not the same in both"
        return self._cut(old, start, rest), self._cut(new, start, rest)

    def _cut(self, line: str, start: int, rest: str) -> _Piece:
        body = self._body(line)
        left = len(body) - start - LONGEST_LINE
        notes = (
            f"{start:,} characters before this are the same in both" if start else "",
            went_on(left) + rest if left > 0 else "",
            "no newline at the end" if self._ends_differ and not line.endswith("\n") else "",
        )
        text = visible(body[start : start + LONGEST_LINE])
        return _Piece(text, "; ".join(note for note in notes if note), start > 0 or left > 0)

    def _words(self, old: str, new: str) -> tuple[Segments, Segments]:
        whole = ((old, True),), ((new, True),)
        left, right = _WORDS.findall(old), _WORDS.findall(new)
        # Cutting a line into words costs too, whatever the search then needs.
        if not self._word_steps.take(len(left) + len(right)):
            return whole
        found = blocks(left, right, self._word_steps)
        kept = sum(len("".join(left[block.a : block.b]).strip()) for block in found if block.same)
        if old != new and kept < _LEAST_ALIKE * max(len(old), len(new)):
            return whole
        return (
            tuple(("".join(left[block.a : block.b]), not block.same) for block in found if block.b > block.a),
            tuple(("".join(right[block.c : block.d]), not block.same) for block in found if block.d > block.c),
        )

    def hunks(self, context: int) -> Iterator[str]:
        """The lines of a unified diff, hunk headers included."""
        for hunk in _grouped(self._blocks, context):
            first, last = hunk[0], hunk[-1]
            yield f"@@ -{_range(first.a, last.b)} +{_range(first.c, last.d)} @@\n"
            for block in hunk:
                if block.same:
                    yield from (_patch_line(" ", line) for line in self._old[block.a : block.b])
                else:
                    yield from (_patch_line("-", line) for line in self._old[block.a : block.b])
                    yield from (_patch_line("+", line) for line in self._new[block.c : block.d])


def _grouped(found: list[Block], context: int) -> Iterator[list[Block]]:
    """The blocks of each hunk: changes with at most `context` equal lines around them."""
    hunk: list[Block] = []
    for at, block in enumerate(found):
        if not block.same:
            hunk.append(block)
            continue
        length = block.b - block.a
        if hunk and at < len(found) - 1 and length <= 2 * context:
            hunk.append(block)
            continue
        if hunk:
            kept = min(context, length)
            yield [*hunk, Block(True, block.a, block.a + kept, block.c, block.c + kept)]
        kept = min(context, length)
        hunk = [Block(True, block.b - kept, block.b, block.d - kept, block.d)] if at < len(found) - 1 else []
    if hunk:
        yield hunk


def _range(start: int, end: int) -> str:
    """A hunk's range as `patch` writes it: from 1, but an empty one names the line before it."""
    length = end - start
    return f"{start + 1 if length else start},{length}"


def _patch_line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _unified(rows: tuple[Row, ...]) -> Iterator[Row]:
    """The same rows one under the other: in each change, what went before what came."""
    came: list[Row] = []
    for row in rows:
        if row.kind in ("equal", "fold"):
            yield from came
            came = []
            yield row
            continue
        if row.old_number is not None:
            yield Row("delete", row.old_number, None, row.old, old_note=row.old_note, is_cut=row.is_cut)
        if row.new_number is not None:
            came.append(Row("insert", None, row.new_number, (), row.new, new_note=row.new_note, is_cut=row.is_cut))
    yield from came
