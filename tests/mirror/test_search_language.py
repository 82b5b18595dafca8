"""What a search box's text is taken apart into."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse_admin.mirror.search.language import LONGEST, MOST_TERMS, Term, last_piece, parse, quoted

KNOWN = ("name", "sql", "tag")


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("orders margin", [Term("orders"), Term("margin")]),
        ('"gross  margin" x', [Term("gross  margin"), Term("x")]),
        ("-draft", [Term("draft", excluded=True)]),
        ('-"two words"', [Term("two words", excluded=True)]),
        ("TAG:Finance", [Term("Finance", "tag")]),
        ('sql:"left join" -name:old', [Term("left join", "sql"), Term("old", "name", excluded=True)]),
        ("x::int", [Term("x::int")]),
        ("-- comment", [Term("--"), Term("comment")]),
        ("-", [Term("-")]),
        ('"tag:finance"', [Term("tag:finance")]),
        ("sql:a:b", [Term("a:b", "sql")]),
        (":x", [Term(":x")]),
        ("a\x00b", [Term("a"), Term("b")]),
        ("", []),
    ],
)
def test_a_text_becomes_terms(typed: str, terms: list[Term]):
    search = parse(typed, KNOWN)

    assert list(search.terms) == terms
    assert search.problems == ()


@pytest.mark.parametrize(
    ("typed", "told", "kept"),
    [
        ("colour:red orders", "There is no colour: to search by. Use name:, sql:, tag:, or put “colour:red”", "orders"),
        ('orders "gross mar', "The quote before “gross mar” is not closed", "orders"),
        ("orders tag:", "Write something behind tag:", "orders"),
        ('orders ""', "There is nothing between the quotes", "orders"),
        ('orders tag:"  "', "Write something behind tag:", "orders"),
        ("orders " + "x" * LONGEST, f"at most {LONGEST} characters", "orders"),
        ("orders " + "y " * MOST_TERMS, f"at most {MOST_TERMS} parts", "orders"),
    ],
)
def test_what_is_not_understood_is_told_and_the_rest_still_counts(typed: str, told: str, kept: str):
    search = parse(typed, KNOWN)

    assert told in " ".join(search.problems)
    assert search.terms[0] == Term(kept)


@given(st.text(max_size=600))
def test_no_text_is_beyond_it(typed: str):
    search = parse(typed, KNOWN)

    assert len(search.terms) <= MOST_TERMS
    assert all(term.value.strip() for term in search.terms)
    assert not typed.replace("\x00", " ").strip() or search.terms or search.problems
    assert typed.endswith(last_piece(typed)) or "\x00" in typed


@pytest.mark.parametrize("value", ["plain", "two words", "with:colon", "-minus", "a.b_c*"])
def test_a_value_is_offered_so_that_it_is_read_as_itself(value: str):
    assert parse(f"tag:{quoted(value)}", KNOWN).terms == (Term(value, "tag"),)
