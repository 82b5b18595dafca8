"""Compare two texts for a person: rows side by side or unified, changed words marked, long equal parts folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from warehouse_admin.core.editscript import LINE_STEPS, Block, Steps, blocks, lines_of

Kind = Literal["equal", "insert", "delete", "replace", "fold"]
Segments = tuple[tuple[str, bool], ...]  # (text, whether it changed)

MOST_ROWS = 3000
_WORD_STEPS = 200_000
_LONGEST_LINE_FOR_WORDS = 2000
_LEAST_ALIKE = 0.25  # below this share of kept characters, marked words only confuse
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

# What a reader would not see, or would take for a plain space or the end of a line.
_UNSEEN = (
    *range(0x80, 0xA1),
    0xAD,
    0x61C,
    0x115F,
    0x1160,
    0x180E,
    0x200B,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    0x3000,
    0x3164,
    0xFEFF,
    0xFFA0,
    *range(0xE0000, 0xE0080),
)
_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if code not in (9, 10, 13)}
_VISIBLE |= {13: "␍", 0x7F: "␡"} | {code: f"⟨U+{code:04X}⟩" for code in _UNSEEN}


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


@dataclass(frozen=True)
class Diff:
    """`rows` side by side, `unified` one under the other; `unshown` changed lines were left out of both."""

    rows: tuple[Row, ...]
    added: int
    removed: int
    truncated: bool = False
    unshown: int = 0

    @property
    def identical(self) -> bool:
        return not self.added and not self.removed

    @property
    def unified(self) -> tuple[Row, ...]:
        return tuple(_unified(self.rows))


def visible(text: str) -> str:
    """With a sign for everything that a reader would not see, or a change made of it could be approved unseen."""
    return text.translate(_VISIBLE)


def diff(old: str, new: str, context: int | None = 3, *, starts: tuple[int, int] = (1, 1)) -> Diff:
    """Compare two texts; `context` equal lines stay around each change, or all of them with None.

    `starts` numbers the first line of each, for texts that are parts of longer ones.
    """
    comparison = _Comparison(*_ended(old, new), starts)
    made = comparison.rows(context)
    rows = tuple(islice(made, MOST_ROWS))
    truncated = next(made, None) is not None
    shown = sum((row.kind in ("insert", "delete")) + 2 * (row.kind == "replace") for row in rows)
    added, removed = comparison.added, comparison.removed
    return Diff(rows, added, removed, truncated, unshown=added + removed - shown)


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


class _Comparison:
    """The lines of two texts and where they differ."""

    def __init__(self, old: str, new: str, starts: tuple[int, int] = (1, 1)) -> None:
        self._old_start, self._new_start = starts
        self._old, self._new = lines_of(old), lines_of(new)
        self._blocks = blocks(self._old, self._new, Steps(LINE_STEPS))
        changed = [block for block in self._blocks if not block.same]
        self.removed = sum(block.b - block.a for block in changed)
        self.added = sum(block.d - block.c for block in changed)
        self._word_steps = Steps(_WORD_STEPS)
        # Where every line of both ends in CRLF, saying so on each would only be noise.
        self._all_crlf = all(line.endswith("\r\n") for line in (*self._old, *self._new) if line.endswith("\n"))
        self._ends_differ = bool(old and new) and old.endswith("\n") != new.endswith("\n")

    def rows(self, context: int | None) -> Iterator[Row]:
        """Rows side by side, in order."""
        for at, block in enumerate(self._blocks):
            if not block.same:
                yield from self._changed(block)
            elif context is None:
                yield from self._equal(block, 0, block.b - block.a)
            else:
                before = 0 if at == 0 else context
                after = 0 if at == len(self._blocks) - 1 else context
                yield from self._folded(block, before, after)

    def _folded(self, block: Block, before: int, after: int) -> Iterator[Row]:
        length = block.b - block.a
        hidden = length - before - after
        if hidden <= 1:  # a fold takes a row itself
            yield from self._equal(block, 0, length)
            return
        yield from self._equal(block, 0, before)
        yield Row("fold", hidden=hidden)
        yield from self._equal(block, length - after, length)

    def _equal(self, block: Block, start: int, end: int) -> Iterator[Row]:
        for at in range(start, end):
            text = ((self._shown(self._old[block.a + at]), False),)
            yield Row("equal", block.a + at + self._old_start, block.c + at + self._new_start, text, text)

    def _changed(self, block: Block) -> Iterator[Row]:
        """Lines pair up in order; the longer side's rest stands alone."""
        for at in range(max(block.b - block.a, block.d - block.c)):
            a, c = block.a + at, block.c + at
            old_number, new_number = a + self._old_start, c + self._new_start
            if a < block.b and c < block.d:
                old, new = self._words(self._shown(self._old[a]), self._shown(self._new[c]))
                notes = self._note(self._old[a]), self._note(self._new[c])
                yield Row("replace", old_number, new_number, old, new, old_note=notes[0], new_note=notes[1])
            elif a < block.b:
                text = self._shown(self._old[a])
                yield Row("delete", old_number, None, ((text, True),), old_note=self._note(self._old[a]))
            else:
                text = self._shown(self._new[c])
                yield Row("insert", None, new_number, (), ((text, True),), new_note=self._note(self._new[c]))

    def _note(self, line: str) -> str:
        return "no newline at the end" if self._ends_differ and not line.endswith("\n") else ""

    def _shown(self, line: str) -> str:
        body = line.removesuffix("\r\n") if self._all_crlf else line.removesuffix("\n")
        return visible(body)

    def _words(self, old: str, new: str) -> tuple[Segments, Segments]:
        whole = ((old, True),), ((new, True),)
        if max(len(old), len(new)) > _LONGEST_LINE_FOR_WORDS:
            return whole
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
            yield Row("delete", row.old_number, None, row.old, old_note=row.old_note)
        if row.new_number is not None:
            came.append(Row("insert", None, row.new_number, (), row.new, new_note=row.new_note))
    yield from came
