"""Three texts brought together line by line: what one side alone changed is taken, the rest is for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from warehouse_admin.core.editscript import LINE_STEPS, Steps, blocks, lines_of

Kind = Literal["unchanged", "remote", "mine", "same", "conflict"]
Bounds = tuple[int, int, int, int, int, int]  # base[a:b], remote[c:d], mine[e:f]


@dataclass(frozen=True, slots=True)
class Hunk:
    """A part of the three texts, byte for byte, and the line each of them starts at, counted from 1.

    `remote` or `mine` alone changed it, both did the `same` to it, or they are in `conflict`.
    """

    kind: Kind
    base: str
    remote: str
    mine: str
    base_line: int
    remote_line: int
    mine_line: int

    @property
    def result(self) -> str | None:
        """What both sides agree to; None for a conflict."""
        if self.kind == "conflict":
            return None
        return self.mine if self.kind == "mine" else self.remote


def merge(base: str, remote: str, mine: str) -> list[Hunk]:
    """The parts, in order; together they hold every line of the three texts."""
    texts = (lines_of(base), lines_of(remote), lines_of(mine))
    found: list[tuple[Kind, Bounds]] = []
    for bounds in _spans(*texts):
        for kind, part in _refined(texts, bounds):
            if found and found[-1][0] == kind:
                part = _joined(found.pop()[1], part)
            found.append((kind, part))
    return [_hunk(texts, kind, part) for kind, part in found]


def joined(pieces: Iterable[str]) -> str:
    """The pieces as one text: a piece whose last line has no end gets one where another follows."""
    made = ""
    for piece in pieces:
        if made and piece and not made.endswith("\n"):
            made += "\r\n" if made.count("\n") == made.count("\r\n") > 0 else "\n"
        made += piece
    return made


def _spans(base: Sequence[str], remote: Sequence[str], mine: Sequence[str]) -> Iterable[Bounds]:
    """Each line that all three have, and what lies between such lines."""
    in_remote, in_mine = _places(base, remote), _places(base, mine)
    shared = [(at, in_remote[at], in_mine[at]) for at in sorted(in_remote.keys() & in_mine.keys())]
    a = c = e = 0
    for at, there, here in [*shared, (len(base), len(remote), len(mine))]:
        if at > a or there > c or here > e:
            yield a, at, c, there, e, here
        if at < len(base):
            yield at, at + 1, there, there + 1, here, here + 1
        a, c, e = at + 1, there + 1, here + 1


def _places(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Where each kept line of `old` stands in `new`. A line is kept whatever ends it, so that one which got a
    follower, or another kind of line end, still lies beside itself."""
    found = blocks([_body(line) for line in old], [_body(line) for line in new], Steps(LINE_STEPS))
    return {block.a + at: block.c + at for block in found if block.same for at in range(block.b - block.a)}


def _body(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _refined(texts: Sequence[Sequence[str]], bounds: Bounds) -> Iterable[tuple[Kind, Bounds]]:
    """What happened to a part; of a conflict, the lines at its ends that both sides brought are none."""
    a, b, c, d, e, f = bounds
    base, remote, mine = texts[0][a:b], texts[1][c:d], texts[2][e:f]
    kind = _kind(base, remote, mine)
    if kind != "conflict":
        yield kind, bounds
        return
    head = _alike(remote, mine)
    tail = _alike(remote[head:][::-1], mine[head:][::-1])
    if head:
        yield "same", (a, a, c, c + head, e, e + head)
    middle = (a, b, c + head, d - tail, e + head, f - tail)
    yield _kind(base, remote[head : len(remote) - tail], mine[head : len(mine) - tail]), middle
    if tail:
        yield "same", (b, b, d - tail, d, f - tail, f)


def _kind(base: Sequence[str], remote: Sequence[str], mine: Sequence[str]) -> Kind:
    if remote == mine:
        return "unchanged" if remote == base else "same"
    if mine == base:
        return "remote"
    return "mine" if remote == base else "conflict"


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _joined(first: Bounds, then: Bounds) -> Bounds:
    return first[0], then[1], first[2], then[3], first[4], then[5]


def _hunk(texts: Sequence[Sequence[str]], kind: Kind, bounds: Bounds) -> Hunk:
    a, b, c, d, e, f = bounds
    parts = "".join(texts[0][a:b]), "".join(texts[1][c:d]), "".join(texts[2][e:f])
    return Hunk(kind, *parts, base_line=a + 1, remote_line=c + 1, mine_line=e + 1)
