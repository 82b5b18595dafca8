"""What the code says of every labelled query: what it reads, what it gives, and how it fares."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.lineage import test_grading
from tests.lineage.corpus import LETTERS, Query, expressions, selecting, sources_, together
from tests.lineage.corpus.world import BEFORE, CHANGES, columns_of, judged
from warehouse_admin.lineage.columns import Column, Columns
from warehouse_admin.lineage.grading import Grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import resolve
from warehouse_admin.lineage.sources import sources

QUERIES = selecting.QUERIES + expressions.QUERIES + sources_.QUERIES + together.QUERIES
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
