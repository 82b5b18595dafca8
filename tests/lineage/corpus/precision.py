"""What the labels of all queries say together: how often an answer is what is true."""

from __future__ import annotations

from collections import Counter

from tests.lineage import test_grading
from tests.lineage.corpus import LETTERS, expressions, selecting, sources_, together, traps
from tests.lineage.corpus.world import BEFORE, CHANGES, judged
from warehouse_admin.lineage.grading import Grade

QUERIES = selecting.QUERIES + expressions.QUERIES + sources_.QUERIES + together.QUERIES + traps.QUERIES
GRADED = [query for query in QUERIES if query.grades]

Cells = Counter[tuple[Grade, Grade]]


def cells() -> Cells:
    """How often what is true (first) is answered by what (second), over every query and change.

    What is true comes from the label, the answer from the code. The older corpus of `test_grading` has one letter for
    what is true and what may be answered.
    """
    found: Cells = Counter()
    for sql, letters in [(query.sql, query.grades) for query in GRADED] + test_grading.CORPUS:
        for letter, after in zip(letters, CHANGES.values(), strict=True):
            found[LETTERS[letter][0], judged(BEFORE, after, sql).grade] += 1
    return found


def precision(counted: Cells, answer: Grade) -> float:
    """Of all times this was answered, how often it was true."""
    return counted[answer, answer] / sum(number for (_, told), number in counted.items() if told == answer)


def report(counted: Cells) -> list[str]:
    """Lines for a person."""
    lines = [f"{counted.total()} grades of {len(GRADED) + len(test_grading.CORPUS)} queries"]
    for answer in Grade:
        given = sum(number for (_, told), number in counted.items() if told == answer)
        lines.append(f"{answer}: answered {given} times, true in {precision(counted, answer):.1%}")
    return lines
