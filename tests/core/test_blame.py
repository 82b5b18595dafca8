"""Which text last touched each line, held against a model that knows because it made the edits."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from warehouse_admin.core.blame import blame, lines_of

EDITS = st.lists(st.tuples(st.sampled_from(["insert", "delete", "replace"]), st.integers(0, 10_000)), max_size=6)


def history(edits: list[list[tuple[str, int]]]) -> tuple[list[str], list[int]]:
    """Texts oldest first, made by editing, and which of them touched each line of the newest last.

    Every line differs from every other that ever was, so nobody can say that another line was kept.
    """
    made = 0
    lines: list[tuple[str, int]] = []  # with the number of the text that wrote it
    texts = []
    for number, steps in enumerate(edits):
        for kind, where in steps:
            made += 1
            fresh = (f"column_{made},", number)
            at = where % (len(lines) + 1)
            if kind == "insert" or not lines:
                lines.insert(at, fresh)
            elif kind == "delete":
                lines.pop(at % len(lines))
            else:
                lines[at % len(lines)] = fresh
        texts.append("\n".join(["SELECT", *(text for text, _ in lines), "FROM orders"]))
    return texts, [0, *(number for _, number in lines), 0]


@given(st.lists(EDITS, min_size=1, max_size=12))
def test_each_line_is_blamed_on_the_edit_that_last_touched_it(edits: list[list[tuple[str, int]]]) -> None:
    texts, touched = history(edits)

    found = blame(reversed(texts))

    assert found.is_whole
    assert [len(texts) - 1 - age for age in found.ages if age is not None] == touched


@given(st.lists(st.text("ab\n", max_size=30), min_size=1, max_size=8))
def test_a_line_stands_in_every_text_since_the_one_it_is_blamed_on(texts: list[str]) -> None:
    found = blame(reversed(texts))

    for line, age in zip(lines_of(texts[-1]), found.ages, strict=True):
        assert age is not None
        assert all(line in lines_of(text) for text in texts[len(texts) - 1 - age :])


def test_how_a_line_ends_and_that_another_follows_is_no_touch() -> None:
    assert blame(["a\r\nb\r\nc", "a\nb"]).ages == [1, 1, 0]


def test_layout_can_be_left_out_but_not_what_stands_in_quotes() -> None:
    old, new = "SELECT a,  b\nWHERE c = 'x  y'", "  SELECT  a, b\nWHERE c = 'x y'"
    assert blame([new, old]).ages == [0, 0]
    assert blame([new, old], ignore_layout=True).ages == [1, 0]


def test_it_looks_no_further_back_than_it_has_to() -> None:
    def texts():
        yield "a\nb"
        yield "c"
        raise AssertionError("every line was accounted for")

    assert blame(texts()).ages == [0, 0]


def test_huge_texts_end_it_in_time_with_what_is_certain() -> None:
    one, other = ("\n".join(str((at * step) % 7) for at in range(60_000)) for step in (3, 5))
    began = time.monotonic()

    found = blame([f"{one}\nnew", one, other])

    assert time.monotonic() - began < 10
    assert not found.is_whole and found.looked_at == 2
    assert found.ages[-1] == 0 and set(found.ages[:-1]) == {None}
    assert not blame(["a\nb", "a", "c"], lines=3).is_whole
