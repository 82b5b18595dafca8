"""The tags that show SQL and differences: escaped, numbered, and not by colour alone."""

from __future__ import annotations

import re
import time

import pytest
from django.template import Context, Template

from warehouse_admin.core.sql import highlight
from warehouse_admin.core.unseen import visible

NASTY = "select '<script>alert(1)</script>' as \"a&b\", 'é😀\0' -- </td>\r\nfrom t"


def render(tag, **context):
    return Template("{% load sql %}" + tag).render(Context(context))


def text_of(html):
    return re.sub(r"<[^>]*>", "", html)


def test_sql_is_highlighted_numbered_and_escaped():
    html = render("{% sql_block text %}", text=NASTY)

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert 'id="L1"' in html and 'href="#L2"' in html and 'id="L3"' not in html
    assert '<span class="k">select</span>' in html
    assert "style=" not in html


@pytest.mark.parametrize("length", ["short", "too long to be coloured"])
@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u2066", "\ufeff", "\xa0", "\0", "\x1b"])
def test_what_a_reader_would_not_see_has_the_sign_it_has_in_a_difference(hidden, length):
    text = f"select 'a{hidden}b' -- {hidden}\n" + ("from t\n" * 20_000 if length != "short" else "")

    html = render("{% sql_block text %}", text=text)

    assert hidden not in html
    assert text_of(html).count(visible(hidden)) == 2
    assert visible(hidden) in text_of(render("{% diff_unified old text %}", old="select 1\n", text=text))


def test_names_that_only_hogql_knows_are_not_shown_as_mistakes():
    assert 'class="err"' not in highlight("select properties.$browser, {filters} from `a b`")


def test_two_blocks_on_a_page_can_have_their_own_anchors():
    assert 'id="old-1"' in highlight("select 1", anchor="old-")


def test_nothing_to_show_is_shown_as_an_empty_block():
    assert 'class="code"' in render("{% sql_block text %}", text=None)


def test_two_megabytes_are_shown_plain_and_quickly():
    started = time.monotonic()

    html = highlight("select a, '<b>' from t\n" * 90_000)

    assert time.monotonic() - started < 15
    assert '<span class="k">' not in html
    assert "&lt;b&gt;" in html and "<b>" not in html


def test_side_by_side_marks_words_and_carries_signs():
    html = render("{% diff_side_by_side old new %}", old="select sum(a) from t\n", new="select avg(a) from t\n")

    assert '<del class="diff-word">sum</del>' in html
    assert '<ins class="diff-word">avg</ins>' in html
    assert html.count('<span class="diff-sign">−</span>') == html.count('<span class="diff-sign">+</span>') == 1
    assert "<caption" in html and "1 line removed (−), 1 added (+)" in html


def test_side_by_side_leaves_a_gap_where_a_side_has_no_line():
    html = render("{% diff_side_by_side old new %}", old="a\n", new="a\nb\n")

    assert html.count("diff-none") == 1
    assert "<ins>b</ins>" in html


def test_unified_shows_each_line_once():
    html = render("{% diff_unified old new %}", old="a\nold line\nc\n", new="a\nnew line\nc\n")

    assert html.count('class="diff-row diff-delete"') == html.count('class="diff-row diff-insert"') == 1
    assert html.index("diff-delete") < html.index("diff-insert")


def test_both_escape_whatever_the_texts_hold():
    for tag in ("{% diff_side_by_side old new %}", "{% diff_unified old new %}"):
        html = render(tag, old=NASTY, new=NASTY.replace("alert", "prompt"))

        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "␀" in html and "\0" not in html


def test_both_say_when_nothing_differs_and_when_lines_are_folded():
    for tag in ("{% diff_side_by_side old new %}", "{% diff_unified old new %}"):
        assert "Nothing differs." in render(tag, old="a\n", new="a\n")
        assert "7 unchanged lines" in render(tag, old="x\n" * 10 + "a\n", new="x\n" * 10 + "b\n")


def test_both_say_that_a_newline_at_the_end_is_missing():
    for tag in ("{% diff_side_by_side old new %}", "{% diff_unified old new %}"):
        assert "no newline at the end" in render(tag, old="a\n", new="a")


def test_a_difference_too_long_for_a_page_says_what_it_leaves_out():
    old = "".join(f"old {number}\n" for number in range(4000))
    new = "".join(f"new {number}\n" for number in range(4000))

    for tag in ("{% diff_side_by_side old new %}", "{% diff_unified old new %}"):
        assert "The rest is not shown: 2000 more changed lines." in render(tag, old=old, new=new)


def test_the_cells_hold_the_lines_without_added_white_space():
    html = render("{% diff_unified old new %}", old="  a\n\tb \n", new="  a\n\tc \n")

    cells = [text_of(cell) for cell in re.findall(r'<td class="diff-text">(.*?)</td>', html, re.DOTALL)]
    assert cells == ["  a", "−\tb ", "+\tc "]
