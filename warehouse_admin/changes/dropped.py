"""What a text leaves out of the work of others: lines they added that it lacks, and lines they removed that it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.editscript import LINE_STEPS, Block, Steps, blocks, lines_of
from warehouse_admin.lineage.tokens import Kind, tokens


@dataclass(frozen=True)
class Line:
    """A line without its end, and its number: of an added line in PostHog's text, of a removed one in the base."""

    number: int
    text: str
    by: str = ""


@dataclass(frozen=True)
class Dropped:
    """`added` lines of others that are lacking, `removed` ones that are there again."""

    added: tuple[Line, ...] = ()
    removed: tuple[Line, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    @property
    def count(self) -> int:
        return len(self.added) + len(self.removed)

    @property
    def people(self) -> str:
        """Whose lines these are, each named once."""
        return " and ".join(dict.fromkeys(line.by for line in (*self.added, *self.removed)))

    @property
    def digest(self) -> str:
        """Of exactly these lines, so that a person agrees to what they were shown and to nothing else."""
        return json_digest([[(line.number, line.text) for line in lines] for lines in (self.added, self.removed)])


def dropped(base: str, remote: str, result: str) -> Dropped:
    """What of base → remote the result does not follow. A line that moved, or has become part of another, is kept."""
    if result == remote:
        return Dropped()
    old, theirs, ours = _bodies(base), _bodies(remote), _bodies(result)
    came, went = _sides(_changes(old, theirs))
    changes = _changes(theirs, ours)
    brought = Counter(ours[at].strip() for at in _sides(changes)[0])
    lacking = [at for block in changes for at in _lacking(block, theirs, ours) if at in came]
    added = []
    for at in lacking:
        if brought[theirs[at].strip()]:
            brought[theirs[at].strip()] -= 1
        else:
            added.append(Line(at + 1, theirs[at]))
    here, there = Counter(ours), Counter(theirs)
    back = went - _sides(_changes(old, ours))[1]
    removed = [Line(at + 1, old[at]) for at in sorted(back) if old[at].strip() and here[old[at]] > there[old[at]]]
    return Dropped(tuple(added), tuple(removed))


def _bodies(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in lines_of(text)]


def _changes(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    return [block for block in blocks(old, new, Steps(LINE_STEPS)) if not block.same]


def _sides(changes: Sequence[Block]) -> tuple[set[int], set[int]]:
    """Which lines of the new text came, and which of the old one went."""
    came = {at for block in changes for at in range(block.c, block.d)}
    return came, {at for block in changes for at in range(block.a, block.b)}


def _lacking(block: Block, theirs: Sequence[str], ours: Sequence[str]) -> list[int]:
    """Lines of `theirs` in a block whose words the lines that stand there instead do not hold."""
    lines = _words("\n".join(ours[block.c : block.d]))
    run = [word for line in lines for word in line]
    return [at for at in range(block.a, block.b) if not _is_held(theirs[at], lines, run)]


def _is_held(line: str, lines: Sequence[Sequence[str]], run: Sequence[str]) -> bool:
    """Whether one line has all its words in their order, or they follow one another over several."""
    words = [word for part in _words(line) for word in part]
    if any(_in_order(words, other) for other in lines):
        return True
    starts = range(len(run) - len(words) + 1)
    return not words or any(run[at : at + len(words)] == words for at in starts if run[at] == words[0])


def _in_order(words: Sequence[str], other: Sequence[str]) -> bool:
    left = iter(other)
    return all(word in left for word in words)


def _words(text: str) -> list[list[str]]:
    """The words of each line. A comment is one word, so that what was commented out is none of its words any more."""
    lines: list[list[str]] = [[]]
    for token in tokens(text):
        if token.kind is not Kind.SPACE:
            lines[-1].append(token.text)
        lines.extend([] for _ in range(token.text.count("\n")))
    return lines
