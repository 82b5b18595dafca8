"""What is wrong with the SQL of a view, in sentences with a place."""

from __future__ import annotations

import pytest

from warehouse_admin.lineage.checks import LARGEST_VIEW_BYTES, check_view_sql


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "select 1;",
        "SELECT 'é😀' -- {x}\r\nFROM t",
        "with a as (select 1) select * from a union all select 2",
        "select '{variables.x}', f'{a}' from t",
        "(select 1)",
    ],
)
def test_a_good_view_has_no_problem(sql):
    assert check_view_sql(sql) == []


@pytest.mark.parametrize(
    ("sql", "place", "said"),
    [
        ("", (1, 1, 0), "empty"),
        (" \n\t", (1, 1, 0), "empty"),
        ("-- nothing\n", (1, 1, 0), "nothing but comments"),
        ("select 1,\r\n a\0b", (2, 3, 13), "NUL byte on line 2, column 3"),
        ("select \ud83d", (1, 8, 7), "half of a character pair"),
        ("drop table t", (1, 1, 0), "begins with DROP"),
        ("-- hi\n  insert into t values (1)", (2, 3, 8), "begins with INSERT"),
        ("select 1;\nselect 2", (2, 1, 10), "what follows the semicolon"),
        ("select a,, b\nfrom t", (1, 10, 9), "Unexpected “,”"),
        ("selec 1", (1, 1, 0), "Expected SELECT"),
        ("select a from b left jion c on 1", (1, 22, 21), "“jion”"),
        ("select * from t where", (1, 22, 21), "ends too early"),
        ("select (1", (1, 10, 9), "ends too early"),
        ("select a,\n 'never ends", (2, 2, 11), "string is never closed"),
        ("select `never ends", (1, 8, 7), "quoted name is never closed"),
        ("select é from t", (1, 8, 7), "“é” is not allowed"),
        ("select a\nfrom t settings max_threads = 1", (1, 1, 0), "does not support a SETTINGS clause"),
        ("select 1 as true", (1, 8, 7), "HogQL refuses this"),
        ("<a/>", (1, 1, 0), "must be a SELECT"),
    ],
)
def test_one_error_with_its_place(sql, place, said):
    [problem] = check_view_sql(sql)

    assert (problem.line, problem.column, problem.offset) == place
    assert said in problem.message
    assert problem.level == "error"


def test_every_placeholder_is_named_in_order():
    problems = check_view_sql("select {variables.day}\nfrom events\nwhere {filters} and x = {1 + 1}")

    assert [(problem.line, problem.column) for problem in problems] == [(1, 8), (3, 7), (3, 25)]
    assert "Variables such as “{variables.day}”" in problems[0].message
    assert "“{filters}”" in problems[1].message
    assert "“{1 + 1}”" in problems[2].message
    assert all("not allowed in views" in problem.message for problem in problems)


def test_too_large_to_analyse_is_a_warning_and_too_large_to_keep_is_an_error():
    [warning] = check_view_sql("select '" + "a" * 70_000 + "'")
    [error] = check_view_sql("select '" + "é" * (LARGEST_VIEW_BYTES // 2) + "'")

    assert warning.level == "warning"
    assert "64 kB" in warning.message
    assert error.level == "error"
    assert "at most 2048 kB" in error.message


def test_too_complex_to_analyse_is_a_warning():
    [problem] = check_view_sql("select " + "(" * 300 + "1" + ")" * 300)

    assert problem.level == "warning"
    assert "too complex" in problem.message


def test_a_message_quotes_no_more_than_a_line_of_the_query():
    [problem] = check_view_sql("select a '" + "b\n" * 5000 + "'")

    assert len(problem.message) < 200
    assert "\n" not in problem.message
