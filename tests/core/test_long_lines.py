"""A line of a megabyte: cut on the page, never silently, and what changed in it is what is shown."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from warehouse_admin.core.diff import diff
from warehouse_admin.core.sql import MOST_LINES, highlight
from warehouse_admin.core.sqltext import highlighted_lines

MEGABYTE = "x" * 1_000_000


def render(tag, **context):
    return Template("{% load sql %}" + tag).render(Context(context))


@pytest.mark.parametrize("length", [30_000, 1_000_000], ids=["coloured", "plain"])
def test_a_block_says_how_a_long_line_goes_on(length):
    html = render("{% sql_block text whole='/whole.sql' %}", text=f"select '{'x' * length}'\nfrom t")

    assert f"the line goes on, {length + 9 - 2_000:,} more characters" in html
    assert "1 long line is cut." in html
    assert 'href="/whole.sql"' in html and 'href="/whole.sql?download=1" download' in html
    assert len(html) < 10_000
    assert 'id="L2"' in html


def test_a_line_that_just_fits_is_whole():
    [line] = highlighted_lines("y" * 2_000)

    assert "goes on" not in line and "y" * 2_000 in line
    assert "the line goes on, 1 more character<" in highlighted_lines("y" * 2_001)[0]


def test_a_block_of_very_many_lines_says_how_many_are_left_out():
    html = highlight("select 1\n" * 12_000, whole="/whole.sql")

    assert f'id="L{MOST_LINES}"' in html and f'id="L{MOST_LINES + 1}"' not in html
    assert "7,001 more lines." in html and "/whole.sql" in html


@pytest.mark.parametrize("tag", ["diff_side_by_side", "diff_unified"])
def test_a_difference_shows_where_two_long_lines_part(tag):
    old, new = f"{MEGABYTE} old {MEGABYTE}\n", f"{MEGABYTE} new {MEGABYTE}\n"

    html = render(f"{{% {tag} old new old_whole='/old.sql' new_whole='/new.sql' %}}", old=old, new=new)

    assert '<del class="diff-word">old</del>' in html and '<ins class="diff-word">new</ins>' in html
    assert "999,801 characters before this are the same in both" in html
    assert "more characters, the same in both" in html
    assert 'href="/old.sql"' in html and 'href="/new.sql"' in html
    assert len(html) < 20_000


def test_a_change_that_is_not_in_the_part_shown_is_said():
    [row] = diff(f"a{MEGABYTE}b", f"c{MEGABYTE}d").rows

    assert row.is_cut
    assert "not the same in both" in row.old_note and "not the same in both" in row.new_note


def test_a_long_line_that_only_came_or_stayed_says_how_it_goes_on():
    rows = diff(f"{MEGABYTE}\na\n", f"{MEGABYTE}\na\n{MEGABYTE}!\n").rows

    assert [(row.kind, row.new_note) for row in rows] == [
        ("equal", "the line goes on, 998,000 more characters"),
        ("equal", ""),
        ("insert", "the line goes on, 998,001 more characters"),
    ]
    assert diff(f"{MEGABYTE}\na\n", f"{MEGABYTE}\na\n{MEGABYTE}!\n").cut == 2


def test_both_notes_of_a_line_are_told():
    [row] = diff(MEGABYTE, f"{MEGABYTE}\n").rows

    assert row.old_note == "999,800 characters before this are the same in both; no newline at the end"
