"""A text is laid out anew only where it certainly means the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse_admin import sandbox
from warehouse_admin.lineage import formatting
from warehouse_admin.lineage.child import NoAnswer, Unavailable
from warehouse_admin.lineage.formatting import formatted
from warehouse_admin.lineage.normal import same_meaning

TIGHT = "select id,count() as n from orders o left join users u on u.id=o.user_id where a is not null group by id"


def test_a_tight_line_becomes_a_tidy_text():
    assert formatted(TIGHT).text == (
        "SELECT id, count() AS n\nFROM orders o\nLEFT JOIN users u ON u.id = o.user_id\n"
        "WHERE a IS NOT null\nGROUP BY id"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select any(left(a,1)) as q, `we ird` as w, a.end as x, pair.1 as z from t",
        "select arrayMap(x -> x+1, [1,2]) as a, properties.$browser as b, toDate('2020-01-01')::String as y from e",
        "select a ?? 'x' as y from t where name ilike '%SELECT  from%'",
        "select /* kept */ a -- so is this\nfrom t # and this",
        "select a\r\n, b\r\nfrom t\r\n",
        "with 5 as k select k+1 as a from t limit 3 by a",
    ],
)
def test_it_means_the_same_and_a_second_time_changes_nothing(sql):
    found = formatted(sql)

    assert not found.refusal
    assert same_meaning(sql, found.text)
    assert formatted(found.text).text == found.text
    assert found.text.endswith("\n") == sql.endswith("\n")
    assert ("\r\n" in found.text) == ("\r\n" in sql)


def test_comments_stay():
    text = formatted("select /* kept */ a -- so is this\nfrom t -- and this").text

    assert all(words in text for words in ("/* kept */", "-- so is this", "-- and this"))


def test_the_whole_sandbox_can_be_formatted():
    for path in sorted(Path(sandbox.__file__).parent.glob("warehouse/*/*.sql"))[::4]:
        assert formatted(path.read_text()).text, path.name


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("  \n", "nothing to format"),
        ("SELECT a FROM", "syntax error on line 1"),
        ("SELECT 1 AS a -- " + "x" * 70_000, "too large"),
        ("SELECT f'{a} and {b}' AS t FROM t", "left as it is"),
        ("SELECT <b>a  b</b> AS x FROM t", "left as it is"),
    ],
)
def test_what_cannot_be_formatted_is_refused_in_words(sql, said):
    found = formatted(sql)

    assert (found.text, said in found.refusal) == ("", True), found


@pytest.mark.parametrize(
    "layout",
    [
        "select a from u",
        "select A from t",
        "select a, b from t",
        "select a from t where 1",
        "",
    ],
)
def test_a_layout_that_means_something_else_never_gets_through(layout, monkeypatch):
    monkeypatch.setattr(formatting._helper, "ask", lambda sql, deadlines: b'{"text": "%s"}' % layout.encode())

    found = formatted("select a from t where b")

    assert found.text == "" and "would not certainly mean the same" in found.refusal


def test_a_comment_that_would_be_lost_is_a_refusal(monkeypatch):
    monkeypatch.setattr(formatting._helper, "ask", lambda sql, deadlines: b'{"text": "select a from t"}')

    assert formatted("select a /* why */ from t").refusal


@pytest.mark.parametrize("failure", [NoAnswer, Unavailable])
def test_a_slow_or_missing_formatter_leaves_the_text_alone_and_is_asked_again(failure, monkeypatch):
    def fail(sql, deadlines):
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(formatting._helper, "ask", fail)
        assert "left as it is" in formatted(TIGHT).refusal

    assert formatted(TIGHT).text
