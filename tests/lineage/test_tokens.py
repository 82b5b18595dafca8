"""Tokens cover the text, whatever it is."""

from __future__ import annotations

import random
import time

import pytest

from warehouse_admin.lineage.tokens import Kind, significant, tokens, unquoted


def test_joined_together_they_are_the_text():
    chance = random.Random(7)
    for _ in range(3000):
        text = "".join(chance.choices("ab1.'\"`\\{}f-/*#\n\r $e+<>=é😀\0", k=chance.randint(0, 40)))
        found = list(tokens(text))

        assert "".join(token.text for token in found) == text
        assert all(text.startswith(token.text, token.start) for token in found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("'it''s \\' -- fine'", Kind.STRING),
        ("f'a {lower(f'x{y}')} it''s \\{ {'}'} b'", Kind.TEMPLATE),
        ('"a""b\\" c"', Kind.QUOTED),
        ("`a``b`", Kind.QUOTED),
        ("/* 'a' \n -- */", Kind.COMMENT),
        ("-- it's", Kind.COMMENT),
        ("// it's", Kind.COMMENT),
        ("# it's", Kind.COMMENT),
        ("1.5e-3", Kind.NUMBER),
        ("0x1F", Kind.NUMBER),
        ("$browser", Kind.WORD),
        ("a\u00e9_1", Kind.WORD),
        ("??", Kind.OPERATOR),
        ("'never ends", Kind.UNCLOSED),
        ("f'never {ends", Kind.UNCLOSED),
        ("`never ends", Kind.UNCLOSED),
    ],
)
def test_each_is_one_token(text, kind):
    assert [(token.kind, token.text) for token in tokens(text)] == [(kind, text)]


def test_a_line_comment_ends_with_its_line_whatever_ends_it():
    assert [token.text for token in significant("a -- b\rc -- d\r\ne -- f\ng")] == ["a", "c", "e", "g"]


def test_a_comment_without_end_is_two_operators_as_the_grammar_reads_it():
    assert [token.text for token in significant("1 /* x")] == ["1", "/", "*", "x"]


def test_quoted_names_stand_for_names():
    assert [unquoted(token) for token in significant('`a b` "c""d" e `f``g`')] == ["a b", 'c"d', "e", "f`g"]


@pytest.mark.parametrize("piece", ["'", "/*", "f'", "f'{", "\\", "'\\", "(", "1e", "`", "{", "\0", "-", "''"])
def test_no_text_takes_more_than_linear_time(piece):
    started = time.monotonic()

    assert sum(len(token.text) for token in tokens(piece * 100_000)) == len(piece) * 100_000
    assert time.monotonic() - started < 5
