"""What the code says of every labelled query: what it reads, what it gives, and how it fares."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lineage.corpus import LETTERS, Query
from tests.lineage.corpus.precision import GRADED, QUERIES, cells, precision, report
from tests.lineage.corpus.world import BEFORE, CHANGES, columns_of, judged
from warehouse_admin.lineage.columns import Column, Columns
from warehouse_admin.lineage.grading import Grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import resolve
from warehouse_admin.lineage.sources import sources


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


def test_enough_is_labelled_and_each_query_once() -> None:
    texts = [query.sql for query in QUERIES]

    assert len(set(texts)) == len(texts) >= 300
    assert all(len(query.grades) == len(CHANGES) for query in GRADED)
    reading = [query for query in QUERIES if query.gives is not None and "V" in query.reads.split(", ")]
    assert all(query.grades for query in reading)


def test_every_break_is_called_one_and_nothing_is_wrongly_called_safe(
    record_property: Callable[[str, str], None],
) -> None:
    counted = cells()
    breaks = {answer for truth, answer in counted if truth == Grade.BREAKING}
    called_safe = {truth for truth, answer in counted if answer == Grade.SAFE}

    assert breaks == {Grade.BREAKING}
    assert called_safe == {Grade.SAFE}
    for told in report(counted):
        record_property("grades", told)
        print(told)
    assert precision(counted, Grade.BREAKING) >= 0.99
    assert precision(counted, Grade.RISKY) >= 0.95
