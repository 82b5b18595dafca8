"""What the code says of every labelled query: what it reads, what it gives, and how it fares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.lineage import test_grading
from tests.lineage.corpus import LETTERS, Query, expressions, selecting, sources_, together, traps
from tests.lineage.corpus.world import BEFORE, CHANGES, columns_of, judged
from warehouse_admin.lineage.columns import Column, Columns
from warehouse_admin.lineage.grading import Grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import resolve
from warehouse_admin.lineage.sources import sources

QUERIES = selecting.QUERIES + expressions.QUERIES + sources_.QUERIES + together.QUERIES + traps.QUERIES
GRADED = [query for query in QUERIES if query.grades]


def shown(columns: Columns) -> str:
    return ", ".join(
        f"{part.name or '?'}{':' if part.type else ''}{part.type}" if isinstance(part, Column) else f"*{part.source}"
        for part in columns
    )


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.sql)
def test_what_a_query_reads_and_gives(query: Query) -> None:
    parsed = parse(query.sql)
    if query.gives is None:
        assert parsed.error is not None and not sources(query.sql, parsed).complete
        return

    assert parsed.tree is not None
    found = resolve(parsed.tree, columns_of)
    assert ", ".join(sources(query.sql, parsed).names) == query.reads
    assert ("~" if found.unclear else "") + shown(found.columns) == query.gives


@pytest.mark.parametrize("query", GRADED, ids=lambda query: query.sql)
def test_how_a_query_fares(query: Query) -> None:
    told = {name: str(judged(BEFORE, after, query.sql).grade) for name, after in CHANGES.items()}

    assert told == {name: str(LETTERS[letter][1]) for name, letter in zip(CHANGES, query.grades, strict=True)}


def cells() -> list[tuple[Grade, Grade]]:
    """What is true and what is answered, for every labelled query and change; the older corpus has only one of both."""
    letters = [query.grades for query in GRADED] + [letters for _, letters in test_grading.CORPUS]
    return [LETTERS[letter] for word in letters for letter in word]


def test_enough_is_labelled_and_each_query_once() -> None:
    texts = [query.sql for query in QUERIES]

    assert len(set(texts)) == len(texts) >= 300
    assert all(len(query.grades) == len(CHANGES) for query in GRADED)
    # What reads V has a grade, but for what only seems to.
    assert len([query for query in QUERIES if "V" in query.reads.split(", ") and not query.grades]) <= 1


def test_every_break_is_called_one_and_nothing_is_wrongly_called_safe(record_property: Callable[[str, str], None]) -> None:
    """The answers are those of the labels, as the tests above hold; here what the labels say of them all together."""
    counted = Counter(cells())
    breaks = {answer for (truth, answer), number in counted.items() if truth == Grade.BREAKING and number}
    called_safe = {truth for truth, answer in counted if answer == Grade.SAFE}

    assert breaks == {Grade.BREAKING}
    assert called_safe == {Grade.SAFE}
    for told in report(counted):
        record_property("grades", told)
        print(told)
    assert precision(counted, Grade.BREAKING) >= 0.99
    assert precision(counted, Grade.RISKY) >= 0.95


def precision(counted: Counter[tuple[Grade, Grade]], answer: Grade) -> float:
    given = sum(number for (_, told), number in counted.items() if told == answer)
    return counted[answer, answer] / given


def report(counted: Counter[tuple[Grade, Grade]]) -> list[str]:
    lines = [f"{counted.total()} grades of {len(GRADED) + len(test_grading.CORPUS)} queries"]
    for answer in Grade:
        given = sum(number for (_, told), number in counted.items() if told == answer)
        lines.append(f"{answer}: answered {given} times, true in {counted[answer, answer] / given:.1%}")
    return lines
