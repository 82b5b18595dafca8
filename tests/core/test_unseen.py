"""Signs for what a reader would not see: in code all of it, in prose what overrides or hides, on every page."""

from __future__ import annotations

import pytest

from warehouse_admin.core.unseen import is_blank, visible, visible_page, visible_prose

GOOD = [
    pytest.param("\N{WOMAN}\u200d\N{PERSONAL COMPUTER} \N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}", id="joined emoji"),
    pytest.param("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="Persian"),
    pytest.param("\u0915\u094d\u200d\u0937", id="Hindi"),
    pytest.param("\u05e9\u05dc\u05d5\u05dd\u200f!", id="Hebrew with its mark"),
    pytest.param("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", id="flag of Scotland"),
    pytest.param("12\xa0km, d\u2019accord\u202f!", id="spaces of typography"),
    pytest.param("two\nlines\tand a tab\r\n", id="lines"),
]
BAD = [
    "\u202a",
    "\u202b",
    "\u202c",
    "\u202d",
    "\u202e",
    "\u2066",
    "\u2067",
    "\u2068",
    "\u2069",
    "\u200b",
    "\u2060",
    "\ufeff",
]
BAD += ["\xad", "\u2028", "\u3164", "\U000e0041", "\x1b", "\0", "\x85", "\u200d", "\u200c"]


@pytest.mark.parametrize("text", GOOD)
def test_prose_keeps_what_its_language_needs(text):
    assert visible_prose(text) == text


@pytest.mark.parametrize("hidden", BAD)
def test_prose_shows_what_turns_it_around_or_hides(hidden):
    shown = visible_prose(f"reve{hidden}nue")

    assert hidden not in shown and shown != "revenue"
    assert visible(f"reve{hidden}nue") == shown, "the same sign as in code"


@pytest.mark.parametrize("text", ["a\u200db", "\N{WOMAN}\u200d", "\u200d\N{WOMAN}", "e\u0301\u200dx"])
def test_a_joiner_that_joins_nothing_is_shown(text):
    assert "\u200d" not in visible_prose(text) and "\u200d" not in visible(text)


def test_a_page_is_signed_where_it_is_read_and_not_where_it_is_data():
    page = (
        '<title>a\u202e</title><p title="b\u202e" data-copy="c\u202e">d\u202e</p><input value="e\u202e">'
        '<textarea name="q" aria-label="f\u202e">g\u202e</textarea><script>h\u202e</script><!-- i\u202e -->'
    )

    shown = visible_page(page)

    sign = "\u27e8U+202E\u27e9"
    assert [letter for letter in "abcdefghi" if f"{letter}{sign}" in shown] == ["a", "b", "d", "f"]
    assert [letter for letter in "abcdefghi" if f"{letter}\u202e" in shown] == ["c", "e", "g", "h", "i"]
    assert shown.replace(sign, "\u202e") == page, "nothing else is touched"


def test_a_page_without_any_is_the_very_same():
    page = "<p>nothing \u05d0\u05d1</p>"

    assert visible_page(page) is page


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "\u200d\ufe0f", "\u115f\u1160", "\u2800", "\u202e", "\xa0"])
def test_what_nobody_can_see_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["x", "\u200b.", "\U0001f3f4", "\u0627\u200d"])
def test_what_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)
