"""Which changed lines differ in layout alone, as a comparison hides them; when unsure, they are shown."""

from __future__ import annotations

import pytest

from tests.lineage.corpus import layout
from warehouse_admin.core.diff import diff
from warehouse_admin.lineage.layout import Layout
from warehouse_admin.lineage.normal import same_meaning


def hidden(old: str, new: str) -> int:
    """How many lines a comparison hides, side by side, as its folds count them."""
    return diff(old, new, is_layout=Layout(old, new)).layout


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("select a,b\nfrom t", "select\n  a,\n  b\nfrom t", 3),
        ("select a\nfrom t", "SELECT a\nFROM t", 2),
        ("select a\n\n\nfrom t", "select a\nfrom t", 2),
        ("select a\r\nfrom t\r\n", "select a\nfrom t\n", 2),
        ("select 'a\n  b'\nfrom  t", "select 'a\n  b'\nfrom t", 1),
        ("select a -- why\nfrom t", "select  a  -- why\nfrom t", 1),
    ],
)
def test_lines_that_differ_in_layout_alone_are_hidden_and_counted(old, new, lines):
    assert same_meaning(old, new)
    assert hidden(old, new) == lines
    assert {row.kind for row in diff(old, new, is_layout=Layout(old, new)).rows} <= {"fold", "equal"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("select 'a\n  b'\nfrom t", "select 'a\n b'\nfrom t"),  # white space in a string is text
        ("select `a\n  b`\nfrom t", "select `a\n b`\nfrom t"),
        ("select a -- why\n, b from t", "select a -- why , b\nfrom t"),
        ("select a -- why\nfrom t", "select a -- why not\nfrom t"),  # a comment is for people
        ("/* a\n   b */\nselect 1", "/* a\n b */\nselect 1"),
        ("select final\nfrom t", "select FINAL\nfrom t"),  # a column
        ("select ab\nfrom t", "select a b\nfrom t"),
        ("select t . a\nfrom t", "select t.a\nfrom t"),
        ("select 1 .5\nfrom t", "select 1.5\nfrom t"),
        ("select <b>x  y</b>\n", "select <b>x y</b>\n"),
        ("selec a frm", "SELEC a FRM"),
        ("select a from t\n", "select a\u00a0from t\n"),  # a space that nobody typed
    ],
)
def test_what_may_be_more_than_layout_is_shown(old, new):
    assert hidden(old, new) == 0


@pytest.mark.parametrize(("old", "new"), layout.DIFFERENT + layout.SAME_BUT_NOT_SURE)
def test_of_two_that_do_not_surely_mean_the_same_something_is_always_shown(old, new):
    made = diff(old, new, is_layout=Layout(old, new))

    assert made.layout < made.added + made.removed or (old, new) in layout.SAME_BUT_NOT_SURE


def test_a_real_change_between_is_shown_with_what_is_around_it():
    old = "select a,b\nfrom t\nwhere x = 1\norder by a\nlimit  5"
    new = "select a,\n  b\nfrom t\nwhere x = 2\norder by a\nlimit 5"

    made = diff(old, new, is_layout=Layout(old, new))

    assert [(row.kind, row.new_number) for row in made.rows if row.kind != "fold"] == [
        ("equal", 3),
        ("replace", 4),
        ("equal", 5),
    ]
    assert [(row.layout, row.hidden_lines) for row in made.rows if row.kind == "fold"] == [(2, "1-2"), (1, "6-6")]
    assert (made.layout, made.added, made.removed) == (3, 4, 3)
    opened = diff(old, new, is_layout=Layout(old, new), kept=((), [6]))
    assert opened.rows[-1].kind == "replace" and opened.layout == 2
