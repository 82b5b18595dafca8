from __future__ import annotations

import pytest


def ask(api, kind: str, text: str):
    return api("POST", "query/", {"query": {"kind": kind, "language": "hogQL", "query": text}})


@pytest.mark.parametrize(
    ("text", "start_at", "message"),
    [
        ("SELECT (1 FROM events", 7, "never closed"),
        ("SELECT 1) FROM events", 8, "extraneous input"),
        ("SELEC 1", 0, "mismatched input 'SELEC'"),
        ("   ", 0, "Empty query"),
        ("SELECT 'open FROM events", 7, "unterminated string"),
        ("SELECT 1 FROM events WHERE", 21, "mismatched input '<EOF>'"),
        ("SELECT id, FROM events", 11, "mismatched input 'FROM'"),
        ("SELECT 1 FROM nowhere", 14, "Unknown table `nowhere`."),
        ("SELECT 1 AS a FROM events JOIN gone ON 1 = 1", 31, "Unknown table `gone`."),
        ("SELECT '\x00' AS a", 8, "token recognition"),
    ],
)
def test_validation_points_at_the_place(start, text, start_at, message):
    body = ask(start(), "HogQLMetadata", text).json()
    assert body["isValid"] is False
    error = body["errors"][0]
    assert error["start"] == start_at
    assert message in error["message"]
    assert start_at <= error["end"] <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 AS one",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT * FROM b",
        "SELECT 'FROM nowhere (' AS text -- FROM gone (\nFROM events /* JOIN lost */",
        "SELECT number FROM numbers(10)",
        "(SELECT person_id FROM events) UNION ALL (SELECT id FROM persons)",
        'SELECT e.event AS "the event" FROM `events` AS e',
    ],
)
def test_plausible_sql_is_valid(start, text):
    assert ask(start(), "HogQLMetadata", text).json()["errors"] == []


def test_rows_are_steady_and_follow_the_columns(start):
    api = start()
    text = "SELECT user_id, count() AS orders, total_usd FROM int_orders_enriched GROUP BY user_id LIMIT 7"
    body = ask(api, "HogQLQuery", text).json()
    assert body["columns"] == ["user_id", "orders", "total_usd"]
    assert [kind for _, kind in body["types"]] == ["String", "Int64", "Float64"]
    assert len(body["results"]) == 7
    assert ask(api, "HogQLQuery", text).json()["results"] == body["results"]


def test_a_star_shows_the_columns_of_the_view(start):
    api = start()
    body = ask(api, "HogQLQuery", "SELECT * FROM mart_support_sla").json()
    assert body["columns"] == [name for name, _ in api.world.view("mart_support_sla").columns]
    assert (len(body["results"]), body["hasMore"]) == (100, True)


def test_bad_sql_cannot_be_run(start):
    answer = ask(start(), "HogQLQuery", "SELECT * FROM nowhere")
    assert (answer.status_code, answer.json()["detail"]) == (400, "Unknown table `nowhere`.")


def test_the_query_endpoint_has_a_budget_of_its_own(start):
    api = start()
    api.world.rate, api.world.query_rate = (100, 1000), (1, 100)
    assert ask(api, "HogQLQuery", "SELECT 1 AS one").status_code == 200
    assert ask(api, "HogQLQuery", "SELECT 1 AS one").status_code == 429
    assert api("GET", "warehouse_tables/").status_code == 200
