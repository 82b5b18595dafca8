"""Generated queries, and what is left of them when they are cut, doubled and littered: nothing crashes or hangs.

Seeded, so that a failure comes again; bounded in time, so that a slow machine tries fewer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from tests.lineage.corpus import expressions, layout, selecting, sources_, together, traps
from tests.lineage.corpus.world import BEFORE, CHANGES, columns_of, given
from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage import parser
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.lineage.grading import Grade, grade
from warehouse_admin.lineage.lint.report import look
from warehouse_admin.lineage.normal import _same_tree, same_meaning
from warehouse_admin.lineage.parser import Parsed, parse
from warehouse_admin.lineage.resolve import Resolved, resolve
from warehouse_admin.lineage.sources import sources
from warehouse_admin.lineage.trees import pack, unpack

SECONDS = 2.0
LONGEST = 12.0
"""For one text, on a busy machine: the deadlines of the parser are shorter."""
FEWEST = 15
SEEDS = [query.sql for one in (selecting, expressions, sources_, together, traps) for query in one.QUERIES]
SEEDS += [text for pair in layout.DIFFERENT for text in pair]
# What no text should hold, and what opens something that nothing closes.
LITTER = [
    "'",
    '"',
    "`",
    "f'",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "/*",
    "*/",
    "--",
    "#",
    "#1",
    "\\",
    "\0",
    "\u200b",
    "\u202e",
    "\ufeff",
    "é",
    "😀",
    "\r\n",
    ",",
    ".",
    "::",
    "->",
    "?",
    "<a>",
    "</a>",
    "/>",
    "union all",
    "select",
    "from",
    "*",
    "over (",
    "with q as (",
    "case when",
    "end",
    "1e999",
    "0x",
    "$",
    "@",
    ";",
    "\ud83d",
    "\x1c",
    "\u2028",
]
# fmt: skip


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short deadlines, so that what the grammar takes for ever over costs the test little."""
    monkeypatch.setattr(parser, "DEADLINES", (0.5, 1.0))
    parser._cache.clear()
    yield
    parser._cache.clear()
    parser._helper.stop()


def expression(chance: random.Random, depth: int) -> tuple[str, bool]:
    """A value of columns of V, and whether it reads V.b."""
    if depth <= 0 or chance.random() < 0.25:
        name = chance.choice(["a", "V.a", "V.b", "c", "V.c", "m.x", "l[1]", "1", "2.5", "'b'", "null", "properties"])
        return ("'b'" if name == "properties" else name), name == "V.b"
    shape = chance.choice([
        "({} + {})", "if({}, {}, 0)", "({} = {} and {} > 1)", "concat({}, {})", "arrayMap(b -> b + {}, [{}])",
        "case when {} then {} end", "[{}, {}]", "({}, {}).1", "{} ?? {}", "f'{{{}}} b {{{}}}'", "not ({})",
        "{}::String",
        "toString({})", "({} between {} and 9)", "({} in ({}, 1))", "{} is null", "mystery({}, {})", "-({})",
        "(select max(w) from W where w > 1) + {}", "map('b', {})", "({} ? {} : 0)", "sum({}) over (order by {})",
    ])  # fmt: skip
    parts = [expression(chance, depth - 1) for _ in range(shape.replace("{{", "").replace("}}", "").count("{}"))]
    return shape.format(*(text for text, _ in parts)), any(reads for _, reads in parts)


def query(chance: random.Random) -> tuple[str, bool]:
    """A SELECT of V without a star, and whether it reads V.b."""
    values = [expression(chance, chance.randint(0, 2)) for _ in range(chance.randint(1, 3))]
    text = "select " + ", ".join(f"{value} as x{number}" for number, (value, _) in enumerate(values)) + " from V"
    clauses = [
        (" join W on V.a = W.w and {}", 0.3), (" array join l as item", 0.1), (" prewhere {}", 0.1), (" where {}", 0.4),
        (" group by {}", 0.2), (" having {}", 0.1), (" qualify {}", 0.1), (" order by {} desc", 0.3),
        (" limit 1 by {}", 0.1), (" limit 10", 0.3),
    ]  # fmt: skip
    for clause, likely in clauses:
        if chance.random() < likely:
            one = expression(chance, 1)
            text += clause.format(one[0])
            values += [one] if "{}" in clause else []
    reads = any(reads for _, reads in values)
    wrap = chance.choice(["{}", "{}", "select x0 from ({})", "with q as ({}) select x0 from q", "{} union all {}"])
    return wrap.format(*[text] * wrap.count("{}")), reads


def mutated(chance: random.Random, text: str) -> str:
    """The text with something done to it."""
    start, end = sorted(chance.randint(0, len(text)) for _ in range(2))
    piece = text[start:end]
    return chance.choice([
        lambda: text[:start] + text[end:],
        lambda: text[:end] + piece + text[end:],
        lambda: text[:start] + chance.choice(LITTER) + text[start:],
        lambda: text[:start] + chance.choice(LITTER) + piece + chance.choice(LITTER) + text[end:],
        lambda: text[:start] + "(" * 4 + piece + ")" * 4 + text[end:],
        lambda: f"select * from ({text}) q{chance.randint(0, 9)} join ({text}) q on 1",
        lambda: text[:start] + piece.swapcase() + text[end:],
        lambda: text[:start] + piece[::-1] + text[end:],
        lambda: text.replace(" ", chance.choice(["  ", "\n", "\u00a0", "/**/", "\x1c", "\t--\n"])),
        lambda: text + " -- " + chance.choice(LITTER) * 50,
        lambda: text[:start] + chance.choice("ab1(['-") * chance.choice([30, 3000, 70_000]) + text[end:],
    ])()  # fmt: skip


def tried(chance: random.Random) -> Iterator[None]:
    """Turns, until the time is over; each took no longer than it may."""
    began = time.monotonic()
    turns = 0
    while turns < FEWEST or time.monotonic() - began < SECONDS:
        started = time.monotonic()
        yield
        assert time.monotonic() - started < LONGEST
        turns += 1
        if time.monotonic() - began > 4 * SECONDS:
            break


def honest(text: str, parsed: Parsed) -> Resolved | None:
    """Whether every answer is one that it may be; the query resolved, if it parses."""
    assert [parsed.tree is not None, parsed.error is not None, parsed.problem != ""].count(True) == 1
    read = sources(text, parsed)
    assert read.complete or read.why
    assert all(0 <= at <= len(text) for at in read.offsets)
    if parsed.error is not None:
        assert 0 <= parsed.error.start <= len(text) + 1 and parsed.error.line >= 1 and parsed.error.column >= 1
    sides = [lambda name, side=side: given(side) if name == "V" else columns_of(name) for side in CHANGES.values()]
    for side in sides[:3]:
        verdict = grade(parsed.tree, lambda name: given(BEFORE) if name == "V" else columns_of(name), side, {"V"})
        assert verdict.grade == Grade.SAFE or verdict.why
        assert parsed.tree is not None or verdict.grade == Grade.CANNOT_TELL
    if parsed.tree is None:
        return None
    assert unpack(pack(parsed.tree)) is not None
    return resolve(parsed.tree, columns_of)


@pytest.mark.django_db
def test_whatever_the_text_every_answer_is_an_honest_one() -> None:
    chance = random.Random(20_26)
    connection = Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")
    for _ in tried(chance):
        text = chance.choice(SEEDS) if chance.random() < 0.7 else query(chance)[0]
        for _ in range(chance.randint(1, 3)):
            text = mutated(chance, text)[:80_000]
        parsed = parse(text)
        found = honest(text, parsed)
        assert found is None or all(0 <= use.at <= 2 * len(text) + 1 for use in found.uses)
        assert all(0 <= problem.offset <= len(text) for problem in check_view_sql(text))
        report = look(connection, text)
        assert (parsed.tree is None) == bool(report.problem)
        assert all(0 <= one.offset <= len(text) for one in report.findings)


def test_what_is_called_layout_is_one_and_the_same_tree() -> None:
    chance = random.Random(11)
    for _ in tried(chance):
        text = chance.choice(SEEDS)
        other = mutated(chance, text)[:2_000]
        if same_meaning(text, other):
            one, two = parse(text), parse(other)
            if one.problem or two.problem:
                continue
            assert (one.tree is None) == (two.tree is None), (text, other)
            assert _same_tree(one.tree, two.tree), (text, other)


def test_what_reads_a_column_that_goes_away_breaks_and_nothing_else_does() -> None:
    chance = random.Random(7)
    breaking = 0
    for _ in tried(chance):
        text, reads = query(chance)
        parsed = parse(text)
        if parsed.tree is None:
            assert parsed.problem, (text, parsed.error)
            continue
        verdict = grade(
            parsed.tree,
            lambda name: given(BEFORE) if name == "V" else columns_of(name),
            lambda name: given(CHANGES["removed"]) if name == "V" else columns_of(name),
            {"V"},
        )
        assert (verdict.grade == Grade.BREAKING) == reads, (text, verdict.why)
        assert reads or verdict.grade == Grade.SAFE, (text, verdict.why)
        breaking += reads
    assert breaking
