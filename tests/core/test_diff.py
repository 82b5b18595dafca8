"""What a reviewer sees of a change: every change, nothing but changes, and quickly."""

from __future__ import annotations

import random
import shutil
import subprocess
import time

import pytest

from warehouse_admin.core.diff import MOST_ROWS, diff, diff_to_dict, parts, unfolded
from warehouse_admin.core.editscript import Steps, _shortest, blocks


def side(rows, name):
    """The text of one side, as the rows tell it."""
    return "\n".join("".join(text for text, _ in getattr(row, name)) for row in rows if getattr(row, f"{name}_number"))


def marked(segments):
    return [text for text, changed in segments if changed]


def test_a_changed_word_is_marked_and_the_rest_of_the_line_is_not():
    [first, second, third] = diff(
        "select a,\n  sum(b) as total\nfrom t\n", "select a,\n  avg(b) as total\nfrom t\n"
    ).rows

    assert (first.kind, second.kind, third.kind) == ("equal", "replace", "equal")
    assert (second.old_number, second.new_number) == (2, 2)
    assert marked(second.old) == ["sum"]
    assert marked(second.new) == ["avg"]


def test_counts_and_numbers_follow_each_side():
    made = diff("a\nb\nc\n", "a\nx\ny\nz\nb\n")

    assert (made.added, made.removed, made.identical) == (3, 1, False)
    assert [(row.kind, row.old_number, row.new_number) for row in made.rows] == [
        ("equal", 1, 1),
        ("insert", None, 2),
        ("insert", None, 3),
        ("insert", None, 4),
        ("equal", 2, 5),
        ("delete", 3, None),
    ]


def test_unified_puts_what_went_before_what_came():
    made = diff("a\nold one here\nold two here\nd\n", "a\nnew one here\nnew two here\nd\n")

    assert [(row.kind, row.old_number, row.new_number) for row in made.unified] == [
        ("equal", 1, 1),
        ("delete", 2, None),
        ("delete", 3, None),
        ("insert", None, 2),
        ("insert", None, 3),
        ("equal", 4, 4),
    ]


def test_equal_lines_far_from_a_change_are_folded_and_counted():
    lines = [f"line {number}" for number in range(1, 31)]
    changed = [*lines[:14], "other", *lines[15:]]

    rows = diff("\n".join(lines), "\n".join(changed)).rows

    assert [row.hidden for row in rows if row.kind == "fold"] == [11, 12]
    assert [row.old_number for row in rows if row.kind == "equal"] == [12, 13, 14, 16, 17, 18]
    assert rows[0].kind == rows[-1].kind == "fold"


def test_a_fold_never_hides_a_single_line_and_none_means_no_fold():
    lines = [str(number) for number in range(9)]

    rows = diff("\n".join(["a", *lines[:7], "b"]), "\n".join(["x", *lines[:7], "y"])).rows
    assert "fold" not in [row.kind for row in rows]

    everything = diff("\n".join(lines * 10), "\n".join(lines * 10 + ["end"]), context=None).rows
    assert "fold" not in [row.kind for row in everything]


def test_the_same_text_is_identical():
    made = diff("a\r\nb\0\n", "a\r\nb\0\n")

    assert made.identical
    assert (made.added, made.removed) == (0, 0)


def test_line_ends_alone_are_a_visible_difference():
    made = diff("select 1\nfrom t\n", "select 1\r\nfrom t\r\n")

    assert [row.kind for row in made.rows] == ["replace", "replace"]
    assert [marked(row.new) for row in made.rows] == [["␍"], ["␍"]]
    assert [marked(row.old) for row in made.rows] == [[], []]


def test_line_ends_that_both_sides_share_are_not_shown():
    made = diff("a\r\nb\r\n", "a\r\nc\r\n")

    assert "␍" not in side(made.rows, "old") + side(made.rows, "new")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_last_line_without_a_newline_that_gets_a_follower_has_not_changed(end):
    found = diff(f"SELECT 1{end}FROM a", f"SELECT 1{end}FROM a{end}LIMIT 5")

    assert [row.kind for row in found.rows] == ["equal", "equal", "insert"]
    assert (found.added, found.removed) == (1, 0)
    assert found.rows[-1].new == (("LIMIT 5", True),) and not found.rows[-1].new_note


def test_a_newline_at_the_end_is_a_visible_difference():
    [row] = diff("select 1", "select 1\n").rows

    assert (row.kind, row.old_note, row.new_note) == ("replace", "no newline at the end", "")
    assert not diff("select 1", "select 1\n").identical


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\0", "␀"),
        ("\u202e", "⟨U+202E⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\x1b", "␛"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\xa0", "⟨U+00A0⟩"),
        ("\x85", "⟨U+0085⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\u061c", "⟨U+061C⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_what_a_reader_would_not_see_is_shown(hidden, shown):
    [row] = diff("select a from t", f"select a{hidden} from t").rows

    assert marked(row.new) == [shown]


@pytest.mark.parametrize(("old", "new"), [("", "a\nb"), ("a\nb", ""), ("", "")])
def test_one_side_may_be_empty(old, new):
    made = diff(old, new)

    assert side(made.rows, "old") == old
    assert side(made.rows, "new") == new


def test_the_rows_tell_both_texts_whole():
    chance = random.Random(3)
    for _ in range(200):
        old = "\n".join(chance.choices(["a b", "b c", "é😀", "", "d"], k=chance.randint(0, 12)))
        new = "\n".join(chance.choices(["a b", "b c", "é😀", "", "e"], k=chance.randint(0, 12)))
        made = diff(old, new, context=None)

        assert side(made.rows, "old").rstrip("\n") == old.rstrip("\n")
        assert side(made.rows, "new").rstrip("\n") == new.rstrip("\n")
        assert side(made.unified, "old").rstrip("\n") == old.rstrip("\n")
        assert side(made.unified, "new").rstrip("\n") == new.rstrip("\n")


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs the patch program")
def test_the_unified_text_is_what_patch_understands(tmp_path):
    chance = random.Random(4)
    for _ in range(60):
        old = "".join(chance.choices("abc\n\n", k=chance.randint(0, 60)))
        new = "".join(chance.choice((letter, letter, letter, "z\n", "")) for letter in old)
        made = diff_to_dict(old, new, context=chance.choice((0, 1, 3)))
        assert made["identical"] == (old == new)
        if old == new:
            assert made["unified"] == ""
            continue
        (tmp_path / "text").write_text(old)
        (tmp_path / "change").write_text(f"--- text\n+++ text\n{made['unified']}")

        subprocess.run(["patch", "-s", "--posix", "text", "change"], cwd=tmp_path, check=True, capture_output=True)

        path = tmp_path / "text"
        assert (path.read_text() if path.exists() else "") == new


def test_the_search_finds_the_shortest_script():
    chance = random.Random(5)
    for _ in range(300):
        old = chance.choices("abc", k=chance.randint(0, 9))
        new = chance.choices("abc", k=chance.randint(0, 9))

        assert len(_shortest(old, new, 0, 0, Steps(10_000))) == longest_common(old, new)


def longest_common(old, new):
    row = [0] * (len(new) + 1)
    for item in old:
        next_row = [0]
        for at, other in enumerate(new):
            next_row.append(row[at] + 1 if item == other else max(row[at + 1], next_row[at]))
        row = next_row
    return row[-1]


def test_blocks_cover_both_sides_even_without_steps_left():
    chance = random.Random(6)
    for _ in range(500):
        old = chance.choices("abcdef", k=chance.randint(0, 12))
        new = chance.choices("abcdef", k=chance.randint(0, 12))
        at = (0, 0)
        for block in blocks(old, new, Steps(chance.choice((0, 5, 10_000)))):
            assert (block.a, block.c) == at
            assert not block.same or old[block.a : block.b] == new[block.c : block.d]
            at = (block.b, block.d)
        assert at == (len(old), len(new))


LINES = [f"select col_{number}, sum(x{number % 97}) as y from t{number % 13}" for number in range(42_000)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("\n".join(LINES), "\n".join(LINES[::-1]), id="reversed"),
        pytest.param("\n".join(LINES), "\r\n".join(LINES), id="line ends"),
        pytest.param("\n".join(LINES), "\n".join(f"{line} " if "7" in line else line for line in LINES), id="many"),
        pytest.param("x\n" * 1_000_000, "y\nx\n" * 500_000, id="all alike"),
        pytest.param("x " * 1_000_000, "y " * 1_000_000, id="one long line"),
        pytest.param("a b c d e f g\n" * 2000, "g f e d c b a\n" * 2000, id="words"),
    ],
)
def test_two_megabytes_take_about_a_second(old, new):
    started = time.monotonic()

    made = diff(old, new)

    assert time.monotonic() - started < 4  # one second when the machine is ours alone
    assert made.added and made.removed


def test_what_is_left_out_is_counted():
    old = "\n".join(f"old {number}" for number in range(5000))
    new = "\n".join(f"new {number}" for number in range(5000))

    made = diff(old, new)

    assert len(made.rows) == MOST_ROWS
    assert made.truncated
    assert made.unshown == 2 * (5000 - MOST_ROWS)
    assert not diff("a", "b").truncated


def test_a_line_that_is_to_be_seen_is_not_folded_away():
    old = "".join(f"{number}\n" for number in range(1, 41))
    new = old.replace("20\n", "twenty\n")

    rows = diff(old, new, kept=((3, 9), (40,))).rows

    shown = [row.old_number for row in rows if row.kind != "fold"]
    assert {3, 9, 40, 20} <= set(shown) and 13 not in shown
    assert shown == sorted(set(shown))
    assert len(shown) + sum(row.hidden for row in rows) == 40


def test_a_fold_names_the_lines_that_it_hides_and_opens_for_them():
    old = "".join(f"{number}\n" for number in range(1, 41))
    new = "added\n" + old.replace("20\n", "twenty\n")

    folds = [row for row in diff(old, new).rows if row.kind == "fold"]
    assert [(row.hidden, row.hidden_lines) for row in folds] == [(13, "5-17"), (17, "25-41")]

    opened = diff(old, new, kept=((), unfolded(["5-17"]))).rows
    assert [row.hidden_lines for row in opened if row.kind == "fold"] == ["25-41"]
    assert {row.new_number for row in opened} >= set(range(1, 25))


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (["3-5", "9-9"], [3, 4, 5, 9]),
        (["5-3", "x", "1-2-3", "-4", "", "9999999999-1"], []),
        (["1-9999999"], list(range(1, MOST_ROWS + 1))),
    ],
)
def test_an_address_may_ask_for_lines_within_reason(asked, lines):
    assert unfolded(asked) == lines
    assert len(unfolded(["1-9999999"] * 50)) == 2 * MOST_ROWS


def test_rows_are_cut_where_something_stands_beside_a_line():
    rows = diff("a\nb\nc\n", "a\nB\nc\n").rows

    found = parts(rows, {2: ["old"]}, {2: ["new"], 3: ["last"]})

    assert [(len(part.rows), part.asides) for part in found] == [(2, ("old", "new")), (1, ("last",)), (0, ())]
    assert [(len(part.rows), part.asides) for part in parts(rows)] == [(3, ())]
