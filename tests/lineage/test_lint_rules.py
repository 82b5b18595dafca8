"""What each lint rule finds, and what it leaves alone."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin import sandbox
from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage import parser, services
from warehouse_admin.lineage.lint.report import look, look_at
from warehouse_admin.lineage.lint.rules import OF_VIEWS, RULES
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

pytestmark = pytest.mark.django_db

OF_SOURCES = {"unhealthy-source", "deprecated-source", "uncertified-source"}  # samples name sources that are not here
ON_SAMPLES = [rule for rule in OF_VIEWS if rule.id not in OF_SOURCES]


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def materialized(one: Connection) -> SavedQuery:
    return make_view(one, "mart", "SELECT 1 AS one", is_materialized=True)


Place = tuple[str, int, int]


def found(connection: Connection, sql: str, view: SavedQuery | None = None, name: str = "") -> list[Place]:
    return [(one.rule.id, one.line, one.column) for one in look(connection, sql, view=view, name=name).findings]


@pytest.mark.parametrize("rule", ON_SAMPLES, ids=lambda rule: rule.id)
def test_the_examples_on_the_page_of_a_rule_are_what_it_says_they_are(rule, one, materialized):
    bad = look(one, rule.bad, view=materialized).findings
    good = look(one, rule.good, view=materialized).findings

    assert rule.id in {each.rule.id for each in bad}
    assert rule.id not in {each.rule.id for each in good}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT e.*, p.id AS id FROM events AS e JOIN people AS p ON p.id = e.id", [("select-star", 1, 8)]),
        ("WITH orders AS (SELECT * FROM orders) SELECT o.* FROM orders AS o", [("select-star", 1, 24)]),
        ("SELECT id FROM a WHERE EXISTS (SELECT * FROM b)", []),
        ("SELECT count(*) AS n FROM a", []),
        ("SELECT a.id AS id FROM a\nCROSS JOIN (SELECT max(d) AS d FROM x) AS m", []),
        ("WITH m AS (SELECT max(d) AS d FROM x) SELECT a.id AS id FROM a CROSS JOIN m", []),
        ("SELECT a.id AS id FROM a CROSS JOIN numbers(24) AS n", []),
        ("SELECT a.id AS id FROM a\nJOIN b ON 1 = 1", [("cross-join", 2, 6)]),
        ("SELECT a.id AS id FROM a JOIN b WHERE a.x = 1", [("cross-join", 1, 31)]),
        ("SELECT a.id AS id FROM a, b WHERE a.x = b.x", [("comma-join", 1, 27)]),
        ("SELECT a.id AS id FROM a CROSS JOIN b WHERE a.x = b.x", []),
        ("SELECT id FROM a ORDER BY id LIMIT 5", []),
        ("SELECT max(x) AS x FROM a LIMIT 1", []),
        ("SELECT id FROM (SELECT id FROM a LIMIT 5)", [("limit-without-order", 1, 40)]),
        ("SELECT id FROM a\nLIMIT 1 BY id", [("limit-without-order", 2, 1)]),
        ("SELECT 1 AS a UNION ALL SELECT 2 AS a\nLIMIT 1", []),
        ("SELECT a FROM x UNION ALL (SELECT a FROM y)", []),
        ("SELECT a FROM x UNION DISTINCT SELECT a FROM y", []),
        ("SELECT a FROM x\nunion\nSELECT a FROM y", [("plain-union", 2, 1)]),
        ("SELECT 'a UNION SELECT b' AS a FROM x -- UNION SELECT", []),
        ("SELECT DISTINCT a FROM x GROUP BY a, b", []),
        ("SELECT DISTINCT a FROM x GROUP BY 1", [("distinct-and-group-by", 1, 1)]),
        ("SELECT a FROM x WHERE a IS NULL OR a IS NOT NULL", []),
        ("SELECT a FROM x WHERE NULL != a", [("null-comparison", 1, 23)]),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM r) SELECT n FROM r", []),
        ("WITH r AS (SELECT 1 AS n FROM r) SELECT n FROM s", [("unused-cte", 1, 6)]),
        ("WITH 5 AS k SELECT n + k AS m FROM s", []),
        ("WITH a AS (SELECT id FROM t) SELECT id FROM t WHERE id IN a", []),
        ("SELECT a AS x, b AS x FROM t", [("duplicate-column", 1, 16)]),
        ("SELECT a FROM t UNION ALL SELECT b AS a FROM u", []),
        ("SELECT now() AS at FROM t", []),
        ("SELECT properties.$browser FROM t", [("naming", 1, 8)]),
        ("SELECT arrayMap(x -> x + 1, list) AS more FROM t", []),
    ],
)
def test_what_is_found_in_a_text(sql, expected, one):
    assert found(one, sql) == expected


def test_the_time_of_day_is_of_interest_in_the_columns_of_what_is_materialized(one, materialized):
    sql = "SELECT id, now() AS at FROM t WHERE day > today() - 30"

    assert found(one, sql, materialized) == [("clock-in-materialized-view", 1, 12)]
    assert found(one, sql, make_view(one, "plain", "SELECT 1 AS one")) == []


@pytest.mark.parametrize(("name", "wrong"), [("ok_1", False), ("finance.ok", False), ("MyView", True), ("order", True)])
def test_the_name_of_a_view_that_is_proposed_is_looked_at(name, wrong, one):
    assert bool(found(one, "SELECT 1 AS one", name=name)) is wrong


def test_sources_that_are_not_well_are_named(one):
    make_view(one, "suspended", "SELECT 1 AS a", schedule_state="suspended", cause="column x is missing.")
    make_view(one, "hidden", "SELECT 1 AS a", hidden_at=timezone.now())
    make_view(one, "gone", "SELECT 1 AS a", deleted_at=timezone.now())
    make_view(one, "again", "SELECT 1 AS a", deleted_at=timezone.now())
    make_view(one, "again", "SELECT 1 AS a")
    make_view(one, "was_view", "SELECT 1 AS a", deleted_at=timezone.now())
    WarehouseTable.objects.create(connection=one, posthog_id=uuid.uuid4(), name="was_view")
    make_view(one, "well", "SELECT 1 AS a", schedule_state="on_time")
    parts = " UNION ALL ".join(f"SELECT a FROM {name}" for name in ("suspended", "hidden", "gone", "again", "was_view"))

    told = [one.message for one in look(one, f"{parts} UNION ALL SELECT a FROM well").findings]

    assert told == [
        "suspended is suspended: column x is missing. Its rows are old; mend it first, or read something else.",
        "hidden is hidden in PostHog, which lists it no more. Read something else.",
        "The view gone was deleted in PostHog. Read something else.",
    ]


def test_the_sandbox_has_nothing_but_ages_as_of_the_last_run(one, materialized):
    texts = sorted(Path(sandbox.__file__).parent.glob("warehouse/*/*.sql"))
    reports = {path.stem: look(one, path.read_text(), view=materialized) for path in texts}
    looked = {name for name, report in reports.items() if not report.problem}  # a busy machine may give up on one
    broken = {(name, finding.rule.id) for name, report in reports.items() for finding in report.findings}

    assert len(looked) > 45
    assert broken == {
        (name, "clock-in-materialized-view")
        for name in (
            "finance.mrr_snapshot",
            "finance.open_invoices",
            "mart_churn_cohorts",
            "mart_sales_pipeline",
            "stg_stripe_subscriptions",
        )
        if name in looked
    }


@pytest.mark.parametrize("problem", ["too large", "too complex", "parser unavailable"])
def test_where_it_cannot_look_it_says_so(problem, one, monkeypatch):
    monkeypatch.setattr("warehouse_admin.lineage.lint.report.parse", lambda sql: parser.Parsed(problem=problem))

    report = look(one, "SELECT * FROM a")

    assert "could not look" in report.problem
    assert (report.findings, report.passed) == ([], [])


def test_a_text_with_an_error_is_not_looked_at(one):
    assert "does not parse" in look(one, "SELECT a FROM").problem


def test_a_deep_text_does_not_make_it_fall(one):
    sql = "SELECT " + "(" * 60 + "1" + ")" * 60 + " AS one" + " UNION ALL SELECT 1 AS one" * 200

    assert look(one, sql).findings == []


def test_the_present_text_of_a_view_is_not_parsed_again(one, monkeypatch):
    view = make_view(one, "v", "SELECT * FROM a")
    services.refresh(one)
    monkeypatch.setattr("warehouse_admin.lineage.lint.report.parse", lambda sql: pytest.fail("it is parsed already"))

    assert [(each.rule.id, each.column) for each in look_at(view).findings] == [("select-star", 8)]


def test_looking_costs_the_same_whatever_is_found(one, django_assert_max_num_queries):
    view = make_view(one, "v", "SELECT 1 AS one")
    sql = " UNION ALL ".join(f"SELECT * FROM source_{number}" for number in range(50))
    with django_assert_max_num_queries(4):
        report = look(one, sql, view=view)

    assert len(report.findings) == 50


def test_more_than_a_person_reads_is_counted_and_left_out(one):
    sql = f"SELECT {', '.join(f'rand() AS r{number}' for number in range(300))} FROM b"

    report = look(one, sql)

    assert (len(report.findings), report.more) == (200, 100)
    assert report.findings[0].level == "warning"


def test_every_rule_has_all_that_its_page_shows():
    for name, rule in RULES.items():
        assert name == rule.id and rule.title and rule.why and rule.bad and rule.good
        assert parser.parse(rule.good).tree is not None, name
