"""Bringing two edits of one text together: nothing of either side is lost, and only a person settles a conflict."""

from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from warehouse_admin.core.editscript import lines_of
from warehouse_admin.core.merge import Hunk, joined, merge

LINES = st.lists(st.sampled_from(["SELECT a", "  , b", "FROM t", "", "WHERE x", "é", "a\r"]), max_size=8)
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of either kind of line ends, with and without one at its end."""
    return draw(ENDS).join(draw(LINES)) + draw(st.sampled_from(["", "\n"]))


def clean(hunks: list[Hunk]) -> str:
    """The merged text, where no conflict is left."""
    pieces = [hunk.result for hunk in hunks]
    assert None not in pieces
    return joined(piece for piece in pieces if piece is not None)


def kinds(hunks: list[Hunk]) -> list[str]:
    return [hunk.kind for hunk in hunks]


@given(texts(), texts())
def test_equal_sides_merge_to_themselves(base, side):
    hunks = merge(base, side, side)

    assert clean(hunks) == side
    assert set(kinds(hunks)) <= {"unchanged", "same"}


@given(texts(), texts())
def test_what_one_side_alone_changed_is_that_side(base, side):
    assert clean(merge(base, side, base)) == side
    assert clean(merge(base, base, side)) == side


@given(texts(), texts(), texts())
def test_every_line_of_every_text_is_in_some_hunk_where_it_says(base, remote, mine):
    hunks = merge(base, remote, mine)

    for name, text in (("base", base), ("remote", remote), ("mine", mine)):
        parts = [getattr(hunk, name) for hunk in hunks]
        assert "".join(parts) == text
        for at, hunk in enumerate(hunks):
            assert getattr(hunk, f"{name}_line") == len(lines_of("".join(parts[:at]))) + 1


@given(texts(), texts(), texts())
def test_choosing_one_side_everywhere_gives_exactly_that_side(base, remote, mine):
    hunks = merge(base, remote, mine)

    assert joined(hunk.remote for hunk in hunks) == remote
    assert joined(hunk.mine for hunk in hunks) == mine


@given(texts(), texts(), texts())
def test_a_conflict_is_only_where_both_sides_differ_from_the_base_and_from_each_other(base, remote, mine):
    for hunk in merge(base, remote, mine):
        conflict = len({hunk.base, hunk.remote, hunk.mine}) == 3
        assert (hunk.kind == "conflict") is conflict
        assert (hunk.kind == "unchanged") is (hunk.base == hunk.remote == hunk.mine)


def test_edits_of_different_places_do_not_meet():
    hunks = merge("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n")

    assert kinds(hunks) == ["remote", "unchanged", "mine"]
    assert clean(hunks) == "A\nb\nc\nD\n"
    assert [hunk.base_line for hunk in hunks] == [1, 2, 4]


def test_edits_of_one_line_are_a_conflict_with_the_exact_texts():
    [_, hunk, _] = merge("a\r\nb\r\nc", "a\r\nX\r\nc", "a\r\nY\r\nZ\r\nc")

    assert (hunk.kind, hunk.base, hunk.remote, hunk.mine) == ("conflict", "b\r\n", "X\r\n", "Y\r\nZ\r\n")
    assert (hunk.base_line, hunk.remote_line, hunk.mine_line) == (2, 2, 2)
    assert hunk.result is None


def test_lines_added_to_a_text_without_an_end_do_not_touch_what_stood_before():
    appended = merge("SELECT a\nFROM t", "SELECT a\nFROM t\nWHERE x", "SELECT a, b\nFROM t")
    assert clean(appended) == "SELECT a, b\nFROM t\nWHERE x"

    both = merge("SELECT a\nFROM t", "SELECT a\nFROM t\nWHERE x", "SELECT a\nFROM t\nLIMIT 1")
    assert kinds(both) == ["unchanged", "same", "conflict"]
    assert (both[-1].base, both[-1].remote, both[-1].mine) == ("", "WHERE x", "LIMIT 1")


def test_new_line_ends_everywhere_conflict_only_where_the_other_side_changed_something():
    hunks = merge("a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nB\nc\n")

    assert kinds(hunks) == ["remote", "conflict", "remote"]


def test_what_both_sides_added_alike_is_no_conflict():
    hunks = merge("a\nz\n", "a\nx\n1\ny\nz\n", "a\nx\n2\ny\nz\n")

    assert kinds(hunks) == ["unchanged", "same", "conflict", "same", "unchanged"]


def test_a_piece_without_an_end_gets_one_before_the_next():
    assert joined(["a", "b"]) == "a\nb"
    assert joined(["x\r\na", "b"]) == "x\r\na\r\nb"
    assert joined(["a", ""]) == "a"
    assert joined([]) == ""


def test_two_thousand_lines_merge_at_once():
    picked = random.Random(4)
    base = [f"line {number} {picked.random()}\n" for number in range(2_000)]
    remote, mine = list(base), list(base)
    for at in range(0, 2_000, 9):
        remote[at] = f"theirs {at}\n"
    for at in range(4, 2_000, 7):
        mine[at] = f"mine {at}\n"
    best = 9.0
    for _ in range(3):
        began = time.process_time()
        hunks = merge("".join(base), "".join(remote), "".join(mine))
        best = min(best, time.process_time() - began)

    assert "conflict" in kinds(hunks)
    assert best < 0.3


def test_texts_with_nothing_in_common_end_in_bounded_time():
    sides = ["".join(f"{side}{number % 5}\n" for number in range(2_000)) for side in "abc"]
    began = time.process_time()
    hunks = merge(*sides)

    assert kinds(hunks) == ["conflict"]
    assert time.process_time() - began < 2
