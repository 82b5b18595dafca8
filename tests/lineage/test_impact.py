"""What a change of one view does to everything downstream."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage import impact, parser, services
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

pytestmark = pytest.mark.django_db

BEFORE = "SELECT id, email, total FROM raw"
RENAMED = "SELECT id, email AS mail, total FROM raw"


@pytest.fixture
def one(db: None) -> Connection:
    found = Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")
    columns = [{"name": name, "type": "string"} for name in ("id", "email", "total")]
    WarehouseTable.objects.create(connection=found, posthog_id=uuid.uuid4(), name="raw", columns=columns)
    return found


@pytest.fixture
def staging(one: Connection) -> SavedQuery:
    """A view that six others read: one each for every way to fare, the rest through others."""
    view = make_view(one, "stg", BEFORE)
    make_view(one, "uses_it", "SELECT email FROM stg")
    make_view(one, "reads_all", "SELECT * FROM stg")
    make_view(one, "does_not", "SELECT id FROM stg")
    make_view(one, "through_all", "SELECT email FROM reads_all")
    make_view(one, "through_broken", "SELECT count() AS n FROM uses_it")
    make_view(one, "through_safe", "SELECT id FROM does_not")
    services.refresh(one)
    return view


def grades(found: Impact) -> dict[str, str]:
    return {one.view.name: str(one.grade) for one in found.affected}


def reasons(found: Impact, name: str) -> list[str]:
    return next(one.why for one in found.affected if one.view.name == name)


def test_a_renamed_column_breaks_exactly_those_that_use_it(staging: SavedQuery) -> None:
    found = impact.of_edit(staging, BEFORE, RENAMED)

    assert grades(found) == {
        "uses_it": "breaking",
        "through_all": "breaking",
        "through_broken": "breaking",
        "reads_all": "risky",
        "does_not": "safe",
        "through_safe": "safe",
    }
    assert list(grades(found).values()) == sorted(grades(found).values(), key=list(found.as_dict()["counts"]).index)
    assert reasons(found, "uses_it") == ["“email” is not there any more."]
    assert reasons(found, "through_broken") == ["It reads uses_it, which breaks."]
    assert [(one.name, str(one.change), one.after) for one in found.columns] == [("email", "renamed", "mail")]


def test_what_breaks_nothing_says_so(staging: SavedQuery) -> None:
    found = impact.of_edit(staging, BEFORE, "SELECT id, email, total FROM raw WHERE total > '0'")

    assert set(grades(found).values()) == {"safe"}
    assert (found.grade, found.columns) == ("safe", [])
    assert found.as_dict()["counts"] == {"breaking": 0, "cannot_tell": 0, "risky": 0, "safe": 6}


def test_a_table_that_stays_is_a_risk_and_no_break(one: Connection, staging: SavedQuery) -> None:
    SavedQuery.objects.filter(name="uses_it").update(is_materialized=True)
    make_view(one, "beyond", "SELECT n FROM through_broken")
    services.refresh(one)

    found = impact.of_edit(staging, BEFORE, RENAMED)

    assert (grades(found)["uses_it"], grades(found)["through_broken"]) == ("breaking", "risky")
    assert reasons(found, "through_broken") == ["uses_it breaks; its table stays, and would not be renewed."]
    assert grades(found)["beyond"] == "risky"
    assert reasons(found, "beyond") == ["It reads through_broken, whose rows would be old ones."]


def test_a_view_that_goes_away_breaks_all_that_read_it(staging: SavedQuery) -> None:
    found = impact.of_removal(staging, "it is deleted")

    assert set(grades(found).values()) == {"breaking"}
    assert reasons(found, "does_not") == ["It reads stg: it is deleted."]


def test_what_becomes_of_a_table_reaches_those_that_read_its_readers(one: Connection, staging: SavedQuery) -> None:
    table = WarehouseTable.objects.get(name="raw")

    gone = impact.of_removal(table, "it is deleted")
    assert set(grades(gone).values()) == {"breaking"} and len(gone.affected) == 7
    assert reasons(gone, "stg") == ["It reads raw: it is deleted."]
    assert reasons(gone, "does_not") == ["It reads stg, which breaks."]

    assert set(grades(impact.of_doubt(table, "Nobody knows.")).values()) == {"cannot_tell"}
    assert set(grades(impact.unchanged(table)).values()) == {"safe"}


def test_other_types_of_a_table_are_a_risk_for_those_that_use_them(one: Connection, staging: SavedQuery) -> None:
    table = WarehouseTable.objects.get(name="raw")

    found = impact.of_types(table, {"email": "integer"})

    assert [(one.name, one.before, one.after) for one in found.columns] == [("email", "string", "integer")]
    risky = {name for name, grade in grades(found).items() if grade == "risky"}
    assert risky == {"stg", "uses_it", "reads_all", "through_all"}
    assert {name for name, grade in grades(found).items() if grade == "safe"} == set(grades(found)) - risky


def test_nobody_can_tell_of_a_text_that_cannot_be_parsed(one: Connection, staging: SavedQuery) -> None:
    assert set(grades(impact.of_edit(staging, BEFORE, "SELECT id FROM raw WHERE (")).values()) == {"cannot_tell"}

    make_view(one, "odd", "SELECT id FROM stg WHERE (")
    services.refresh(one)

    assert grades(impact.of_edit(staging, BEFORE, RENAMED))["odd"] == "cannot_tell"


def test_a_view_that_was_not_read_since_it_changed_is_not_called_safe(staging: SavedQuery) -> None:
    SavedQuery.objects.filter(name="does_not").update(query_hash="another")

    assert grades(impact.of_edit(staging, BEFORE, RENAMED))["does_not"] == "cannot_tell"


def test_types_come_from_what_posthog_lists(one: Connection) -> None:
    view = make_view(one, "stg", "SELECT mystery(id) AS n FROM raw", columns=[{"name": "n", "type": "integer"}])
    make_view(one, "mart", "SELECT n FROM stg")
    services.refresh(one)

    assert grades(impact.of_edit(view, view.query or "", "SELECT toInt(id) AS n FROM raw")) == {"mart": "safe"}
    assert grades(impact.of_edit(view, view.query or "", "SELECT toString(id) AS n FROM raw")) == {"mart": "risky"}
    assert grades(impact.of_edit(view, view.query or "", "SELECT other(id) AS n FROM raw")) == {"mart": "cannot_tell"}


def test_a_star_over_a_table_of_posthog_has_the_columns_that_posthog_lists(one: Connection) -> None:
    listed = [{"name": name, "type": "string"} for name in ("event", "uuid", "url")]
    view = make_view(one, "stg", "SELECT *, 1 AS url FROM events", columns=listed)
    make_view(one, "mart", "SELECT event FROM stg")
    make_view(one, "other", "SELECT uuid FROM stg")
    services.refresh(one)

    found = impact.of_edit(view, view.query or "", "SELECT event, 1 AS url FROM events")

    assert grades(found)["other"] == "breaking"
    assert grades(impact.of_edit(view, view.query or "", "SELECT *, 2 AS url FROM events"))["other"] == "safe"


def test_views_that_read_each_other_in_a_circle_come_to_an_end(one: Connection) -> None:
    view = make_view(one, "a", "SELECT x FROM c")
    make_view(one, "b", "SELECT x FROM a")
    make_view(one, "c", "SELECT x FROM b")
    services.refresh(one)

    found = impact.of_edit(view, "SELECT x FROM c", "SELECT x AS y FROM c")

    assert grades(found) == {"b": "breaking", "c": "breaking"}


def test_it_costs_the_same_queries_for_one_reader_and_for_forty(one: Connection) -> None:
    view = make_view(one, "stg", BEFORE)
    make_view(one, "first", "SELECT * FROM stg")
    services.refresh(one)
    few = _queries(view)
    for number in range(40):
        make_view(one, f"mart_{number}", "SELECT id, email FROM stg JOIN raw ON raw.id = stg.id")
    services.refresh(one)

    assert _queries(view) == few <= 8


def _queries(view: SavedQuery) -> int:
    with CaptureQueriesContext(database) as captured:
        impact.of_edit(view, BEFORE, RENAMED)
    return len(captured)


def test_it_parses_the_new_text_alone(staging: SavedQuery, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def parse(sql: str) -> Any:
        asked.append(sql)
        return parser.parse(sql)

    monkeypatch.setattr(impact, "parse", parse)
    impact.of_edit(staging, BEFORE, RENAMED)

    assert asked == [RENAMED]
