"""Which tables a query reads, and which columns it gives."""

from __future__ import annotations

import time

import pytest

from warehouse_admin.lineage import fallback, parser
from warehouse_admin.lineage.columns import unknown
from warehouse_admin.lineage.resolve import resolve
from warehouse_admin.lineage.sources import sources
from warehouse_admin.lineage.tokens import significant

READS = [
    ("select 1", ()),
    ("select * from events", ("events",)),
    ("select * from stripe.charges as c join `my view` v on c.a = v.a", ("stripe.charges", "my view")),
    ('select * from a."b c".d', ("a.b c.d",)),
    ("select * from a, b, a", ("a", "b")),
    ("select * from (select * from (select * from deep))", ("deep",)),
    ("select 1 from a union all select 2 from b union distinct select 3 from c", ("a", "b", "c")),
    ("select 1 from a where x in (select y from b where z in (select z from c))", ("a", "b", "c")),
    ("select (select max(x) from b) as m from a", ("b", "a")),
    ("select 1 from a where exists (select 1 from b)", ("a", "b")),
    ("select 1 from a having count() > (select 1 from b) order by (select 1 from c)", ("a", "b", "c")),
    ("select * from numbers(10) n join a on 1", ("a",)),
    ("select * from a array join items as item", ("a",)),
    ("select * from a pivot (count() for y in (1, 2))", ("a",)),
    ("select properties.$browser from events", ("events",)),
    ("select 'from x', \"from\" -- from y\n from a /* from z */", ("a",)),
    ("select 1 from A join a on 1", ("A", "a")),
    # WITH
    ("with a as (select 1 from b) select * from a", ("b",)),
    ("with a as (select 1 from x), b as (select * from a) select * from b join a on 1", ("x",)),
    ("with a as (select * from b), b as (select * from x) select * from a join b on 1", ("b", "x")),
    ("with t as (select * from t) select * from t", ("t",)),
    ("with recursive t as (select 1 union all select n + 1 from t join s on 1) select * from t", ("s",)),
    ("select * from (with e as (select 1 from z) select * from e) q join e on 1", ("z", "e")),
    ("with a as (select 1 from x) select * from a union all select * from a", ("x",)),
    ("with a as (select 1 from x) select * from s.a", ("x", "s.a")),
    ("with a as (select 1 from x) select * from (with a as (select 2 from y) select * from a) q", ("x", "y")),
    ("with 5 as a select * from a", ("a",)),
    ("with a as (select 1 from x) select 1 from b where c in (select c from a)", ("x", "b")),
]


@pytest.mark.parametrize(("sql", "names"), READS)
def test_it_finds_the_tables_that_are_read(sql, names):
    found = sources(sql)

    assert (found.names, found.complete, found.why) == (names, True, "")


@pytest.mark.parametrize(
    ("sql", "names"), [case for case in READS if "pivot" not in case[0] and "with 5" not in case[0]]
)
def test_the_fallback_finds_the_same_tables(sql, names):
    assert set(fallback.names(sql)) == set(names)


def test_a_placeholder_for_a_table_makes_the_answer_incomplete():
    found = sources("select * from {table} join a on 1")

    assert found.names == ("a",)
    assert not found.complete
    assert "placeholder" in found.why
    assert fallback.names("select * from {table} join a on 1") == ("a",)


def test_a_syntax_error_still_gives_names_and_says_where_the_error_is():
    found = sources("select *\nfrom events join orders on 1\nlimit by by")

    assert set(found.names) == {"events", "orders"}
    assert not found.complete
    assert "syntax error on line 3" in found.why


def test_a_clause_that_only_the_fallback_knows_hides_no_table():
    assert sources("select * from events settings max_threads = 1").names == ("events",)


def test_a_query_too_complex_for_the_grammar_still_gives_names():
    deep = "select " + "(" * 200 + "1" + ")" * 200 + " as x from a join $b on f'{c}' = 'd'"
    assert parser.parse(deep).problem == "too complex"

    found = sources(deep)

    assert set(found.names) == {"a", "$b"}
    assert not found.complete
    assert "too complex" in found.why


def test_two_megabytes_are_read_in_seconds():
    sql = (
        "with c as (select 1 from deep)\nselect 1\n"
        + "union all select a, 'é😀' from t join u.v on 1 -- x\r\n" * 42_000
    )
    assert len(sql) > 2_000_000
    started = time.monotonic()

    found = sources(sql)

    assert found.names == ("deep", "t", "u.v")
    assert "too large" in found.why
    assert time.monotonic() - started < 20


def test_reading_by_tokens_alone_skips_names_of_with_functions_and_comparisons():
    sql = "with c as (select 1 from t) select a is distinct from b from c join numbers(3) join `x y`.z on 1 -- from w"

    assert fallback._by_tokens(significant(sql)) == ("t", "x y.z")


@pytest.mark.parametrize("sql", ["", "  ", "selec", "\0", "from from", "select * from", "'", "{", "select 1 from a."])
def test_text_that_is_no_query_gives_an_answer_too(sql):
    assert not sources(sql).complete


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select a, b.c, sum(d) as e from t", ["a", "c", "e"]),
        ("select a as `my col` from t union all select b from u", ["my col"]),
        ("select * from (select a, 1 as b from t)", ["a", "b"]),
        ("with x as (select a from t), y as (select *, 2 as b from x) select * from y", ["a", "b"]),
        ("with x(p, q) as (select a, b from t) select * from x", ["p", "q"]),
        ("select * from t", None),
        ("select t.* from t", None),
        ("select * from (select a from t) x join (select b from u) y on 1", ["a", "b"]),
        ("select count() from t", None),
        ("select a from", None),
    ],
)
def test_it_names_the_columns_or_says_that_it_cannot(sql, columns):
    tree = parser.parse(sql).tree
    found = resolve(tree, unknown).columns if tree else unknown("what cannot be parsed")

    assert (None if found.is_open or found.unnamed else list(found.named)) == columns
