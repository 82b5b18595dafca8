"""Which of several texts, each written over the one before, last touched each line of the newest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warehouse_admin.core.editscript import Steps, blocks

STEPS = 1_500_000
"""What may be searched in all; seconds, at the worst."""
LINES = 400_000
"""How many lines may be looked at, of all texts together."""


@dataclass(frozen=True, slots=True)
class Blame:
    """For each line of the newest text how many texts back it was last touched: 0 is the newest itself.

    None: not looked that far. `looked_at` is how many texts were; fewer than there are only where the bounds ended it.
    """

    ages: list[int | None]
    looked_at: int
    is_whole: bool


def lines_of(text: str) -> list[str]:
    """Lines as an editor counts them, without their ends: LF, CRLF and lone CR end one; form feeds do not.

    So a line that got a follower, or another kind of end, is not a touched one.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def without_layout(line: str) -> str:
    """The line without its indentation and, where it quotes nothing, with single spaces."""
    return line.strip() if any(quote in line for quote in "'\"`") else " ".join(line.split())


def blame(newest_first: Iterable[str], *, ignore_layout: bool = False, steps: int = STEPS, lines: int = LINES) -> Blame:
    """Follow each line back until a text that lacks it. Stops as soon as every line is accounted for."""
    texts = iter(newest_first)
    newer = _keys(next(texts, ""), ignore_layout)
    ages: list[int | None] = [None] * len(newer)
    place = list(range(len(newer)))  # where each line of `newer` stands in the newest text; -1: no line of that one
    age, budget, left = 0, Steps(steps), lines - len(newer)
    while any(at >= 0 for at in place):
        text = next(texts, None)
        if text is None:
            _settle(ages, place, age)
            break
        older = _keys(text, ignore_layout)
        left -= len(older)
        kept = blocks(older, newer, budget) if left >= 0 else []
        if left < 0 or not budget.take(0):  # what it found is no shortest way, and would blame the wrong text
            return Blame(ages, age + 1, is_whole=False)
        before = [-1] * len(older)
        for block in kept:
            if block.same:
                before[block.a : block.b] = place[block.c : block.d]
            else:
                _settle(ages, place[block.c : block.d], age)
        newer, place, age = older, before, age + 1
    return Blame(ages, age + 1, is_whole=True)


def _keys(text: str, ignore_layout: bool) -> Sequence[str]:
    lines = lines_of(text)
    return [without_layout(line) for line in lines] if ignore_layout else lines


def _settle(ages: list[int | None], places: Iterable[int], age: int) -> None:
    for at in places:
        if at >= 0:
            ages[at] = age
