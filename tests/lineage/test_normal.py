"""Layout apart from meaning; when unsure, different."""

from __future__ import annotations

import time

import pytest

from tests.lineage.corpus import layout
from warehouse_admin.lineage.normal import normalised, same_meaning


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 1", "select 1"),
        ("select a from t", "SELECT a\r\n  FROM t -- why\n"),
        ("select a--b\n, c from t", "select a, c from t"),
        ("select a/* b */from t", "select a from t"),
        ("select a from t order by b desc", "Select a From t Order By b DESC"),
        ("select 'é😀' from t", "select\n'é😀'\nfrom t"),
        ("select a is not null from t", "select a IS NOT NULL from t"),
    ],
)
def test_layout_is_not_meaning(one, other):
    assert same_meaning(one, other)
    assert same_meaning(other, one)
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select a from t", "select b from t"),
        ("select 'a  b'", "select 'a b'"),
        ("select 'a -- b'", "select 'a"),
        ("select 'SELECT'", "select 'select'"),
        ("select '--' , 1", "select '-', 1"),
        ("select f'a  {b}'", "select f'a {b}'"),
        ("select `Left` from t", "select `left` from t"),
        ("select Left from t", "select left from t"),
        ("select t.End from t", "select t.end from t"),
        ("select 1 as All from t", "select 1 as all from t"),
        ("select a from T", "select a from t"),
        ("select COUNT() from t", "select count() from t"),
        ("select 1 .5", "select 1.5"),
        ("select a - -1", "select a --1"),
        ("select <b>x  y</b>", "select <b>x y</b>"),
        ("select 1 /* a", "select 1"),
        ("selec a from", "SELEC a FROM"),
        ("select 1", "select 1 from t"),
        ("", "select 1"),
    ],
)
def test_what_may_differ_is_different(one, other):
    assert not same_meaning(one, other)
    assert not same_meaning(other, one)
    assert normalised(one) != normalised(other)


def test_case_of_keywords_without_the_grammar_to_ask_is_different():
    large = ", ".join(f"column_{number}" for number in range(8000))

    assert not same_meaning(f"select {large} from t", f"SELECT {large} from t")
    assert same_meaning(f"select {large} from t", f"select {large}\nfrom t")


def test_two_megabytes_are_compared_in_seconds():
    text = "select a, b, 'xx' from t join u.v on t.a = u.b -- c\n" * 40_000
    started = time.monotonic()

    assert same_meaning(text, text.replace("\n", "\r\n"))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(("one", "other"), layout.SAME)
def test_pairs_of_one_meaning(one, other):
    assert same_meaning(one, other) and same_meaning(other, one)
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), layout.DIFFERENT + layout.SAME_BUT_NOT_SURE)
def test_pairs_that_are_no_mere_layout_or_not_surely(one, other):
    assert not same_meaning(one, other)
    assert not same_meaning(other, one)
    assert normalised(one) != normalised(other)


def test_enough_pairs_are_labelled_and_each_once():
    pairs = {frozenset(pair) for pair in layout.SAME + layout.SAME_BUT_NOT_SURE + layout.DIFFERENT}

    assert len(pairs) == len(layout.SAME) + len(layout.SAME_BUT_NOT_SURE) + len(layout.DIFFERENT) >= 200
