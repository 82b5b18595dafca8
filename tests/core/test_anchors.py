"""Lines that somebody points at, in the text after: followed, lost, found elsewhere, replaced."""

from __future__ import annotations

import time

import pytest

from warehouse_admin.core.anchors import Anchor, count_of, follow, quote, replaced

OLD = "SELECT\n    a,\n    b,\n    c\nFROM t\n"


@pytest.mark.parametrize(
    ("new", "span", "found"),
    [
        (OLD, (2, 3), (2, 3)),
        ("-- a note\n" + OLD, (2, 3), (3, 4)),
        (OLD.replace("    b,\n", "  b,\n"), (3, 3), (3, 3)),  # only indented anew
        (OLD.replace("\n", "\r\n"), (5, 5), (5, 5)),
        (OLD.replace("    b,\n", "    bb,\n"), (3, 3), None),
        (OLD.replace("    b,\n", "    b,\n    x,\n"), (2, 3), (2, 3)),
        (OLD.replace("    a,\n", "    a,\n    x,\n"), (2, 3), None),  # what it is about is torn apart
        ("SELECT\n    b,\n    a,\n    c\nFROM t\n", (2, 2), (3, 3)),  # went elsewhere
        ("", (1, 1), None),
    ],
)
def test_lines_are_followed_as_long_as_they_stand_together(new, span, found):
    assert follow(OLD, new, [Anchor(span, quote(OLD, span))]) == [found]


def test_lines_that_come_back_are_found_by_their_words():
    without = OLD.replace("    b,\n", "")

    assert follow(OLD, without, [Anchor((3, 3), "    b,")]) == [None]
    assert follow(without, OLD, [Anchor(None, "    b,")]) == [(3, 3)]


def test_another_line_of_the_same_words_does_not_pose_as_one_that_went():
    old = "f(\n)\ng(\n)\n"

    assert follow(old, "f(\n)\n", [Anchor((4, 4), ")")]) == [None]


def test_empty_lines_tell_nothing_about_where_something_went():
    assert follow("a\n\nb\n", "x\n\ny\n", [Anchor((1, 1), ""), Anchor(None, "")]) == [None, None]


def test_many_equal_lines_are_not_searched_for_long():
    old, new = ";\n" * 50_000, ";\n" * 49_000
    started = time.process_time()

    follow(old, new, [Anchor(None, ";\n" * 49 + ";")] * 200)

    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        ("a\nb\nc", [((2, 2), "x\ny")], "a\nx\ny\nc"),
        ("a\nb\nc", [((3, 3), "x")], "a\nb\nx"),
        ("a\nb\nc\n", [((1, 2), "")], "c\n"),
        ("a\r\nb\r\nc\r\n", [((2, 2), "x\ny")], "a\r\nx\r\ny\r\nc\r\n"),
        ("a\nb\nc\nd", [((1, 1), "x\ny"), ((4, 4), ""), ((2, 3), "z")], "x\ny\nz\n"),
    ],
)
def test_lines_are_replaced_with_the_ends_that_the_text_has(text, parts, expected):
    assert replaced(text, parts) == expected


def test_lines_are_counted_and_quoted_as_comparisons_number_them():
    assert [count_of(text) for text in ("", "a", "a\n", "a\n\nb")] == [0, 1, 1, 3]
    assert quote("a\r\nb\r\n", (1, 2)) == "a\r\nb"
