"""Rows of every generation are read, and odd ones do no harm."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.posthog import rows
from warehouse_admin.posthog.errors import BadAnswer
from warehouse_admin.posthog.types import (
    ActivityEntry,
    Column,
    Job,
    KeyInfo,
    Page,
    QueryValidation,
    SavedQuery,
    UserInterview,
    WarehouseTable,
    detect_generation,
)

TABLE: dict[str, Any] = {
    "id": rows.VIEW,
    "deleted": False,
    "name": "stripe_charges",
    "format": "Parquet",
    "created_by": None,
    "created_at": "2026-01-05T10:00:00Z",
    "url_pattern": "https://bucket/x/*.parquet",
    "credential": {"id": "c1", "created_by": None, "created_at": None, "access_secret": "s3cret"},
    "columns": [rows.COLUMN],
    "external_data_source": {"id": "s1", "created_by": 4, "status": "Completed", "source_type": "NewVendor"},
    "external_schema": {"id": "e1", "name": "charges", "should_sync": True, "last_synced_at": "2026-01-05T10:00:00Z"},
}


@pytest.mark.parametrize(
    ("listed", "detail", "generation"),
    [
        (rows.LIST_A, None, "A"),
        (rows.LIST_B, None, "B"),
        (rows.LIST_B, rows.DETAIL_B, "B"),
        (rows.LIST_C, None, "C"),
        (rows.LIST_B, rows.DETAIL_C, "C"),
        (rows.LIST_D, None, "D"),
        (rows.LIST_C, rows.DETAIL_D, "D"),
        ({"id": rows.VIEW, "name": "x"}, None, None),
    ],
)
def test_the_generation_shows_in_the_fields(listed: dict, detail: dict | None, generation: str | None):
    assert detect_generation(listed, detail) == generation
    parsed = detail and SavedQuery.parse(detail)
    assert detect_generation(SavedQuery.parse(listed), parsed) == generation


def test_a_detail_is_read_whole():
    view = SavedQuery.parse(rows.DETAIL_D)

    assert (view.id, view.name, view.hogql, view.latest_history_id) == (
        rows.VIEW,
        "stg.orders",
        "SELECT 1 AS one",
        rows.TOKEN,
    )
    assert view.columns == [Column("one", "integer", True)]
    assert view.created_by and (view.created_by.email, view.created_by.id) == ("ann@x.io", 4)
    assert view.created_at == datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
    assert view.last_run_at == datetime(2026, 1, 6, 10, tzinfo=UTC)
    assert (view.status, view.sync_frequency, view.is_materialized, view.deleted) == (
        "Completed",
        "24hour",
        True,
        False,
    )
    assert (view.description, view.user_access_level, view.is_test) == ("Orders", "editor", False)
    assert (view.is_suspended, view.is_managed) == (True, False)
    assert view.updated_at == datetime(2026, 10, 5, 10, tzinfo=UTC)


def test_missing_is_told_from_null():
    listed, detail = SavedQuery.parse(rows.LIST_B), SavedQuery.parse({**rows.DETAIL_B, "query": None})

    assert (listed.hogql, detail.hogql) == (None, None)
    assert (listed.has("query"), detail.has("query")) == (False, True)
    assert (SavedQuery.parse(rows.LIST_B).is_suspended, SavedQuery.parse(rows.LIST_D).is_suspended) == (None, False)


@pytest.mark.parametrize("name", sorted(set(rows.DETAIL_D) - {"id"}))
@pytest.mark.parametrize("odd", [None, 7, "brand-new", [], {}, [None, 3], True], ids=repr)
def test_no_odd_value_breaks_a_view(name: str, odd: Any):
    assert SavedQuery.parse({**rows.DETAIL_D, name: odd}).id == rows.VIEW


def test_unknown_words_stay_as_they_are():
    view = SavedQuery.parse(
        {**rows.LIST_B, "status": "Napping", "sync_frequency": "fortnight", "origin": "moon", "new": 1}
    )

    assert (view.status, view.sync_frequency, view.origin) == ("Napping", "fortnight", "moon")
    assert view.raw["new"] == 1


@pytest.mark.parametrize("row", [None, [], "x", {}, {"id": None}, {"id": ""}, {"id": {}}])
def test_a_view_without_identity_is_a_bad_answer(row: Any):
    with pytest.raises(BadAnswer):
        SavedQuery.parse(row)


def test_values_are_frozen():
    with pytest.raises(FrozenInstanceError):
        SavedQuery.parse(rows.LIST_B).name = "x"  # type: ignore[misc]


def test_managed_views_are_known_by_either_field():
    assert SavedQuery.parse({**rows.LIST_B, "managed_viewset_kind": "revenue_analytics"}).is_managed
    assert SavedQuery.parse({**rows.LIST_B, "origin": "managed_viewset"}).is_managed


def test_a_table_is_read_and_its_secret_dropped():
    table = WarehouseTable.parse(TABLE)

    assert (table.name, table.format, table.credential_id) == ("stripe_charges", "Parquet", "c1")
    assert table.external_data_source and table.external_data_source.source_type == "NewVendor"
    assert table.external_schema and table.external_schema.name == "charges"
    assert "s3cret" not in repr(vars(table))


@pytest.mark.parametrize("schema", [None, {"name": "", "should_sync": False, "last_synced_at": None}])
def test_a_schema_without_id_is_none(schema: Any):
    table = WarehouseTable.parse({**TABLE, "external_schema": schema, "external_data_source": None, "credential": None})

    assert (table.external_schema, table.external_data_source, table.credential_id) == (None, None, None)


def entry(**changed: Any) -> ActivityEntry:
    detail = {"changes": [{"field": "query", "before": None, "after": rows.QUERY}], "name": "stg.orders"}
    row = {
        "user": {"first_name": "Ann", "email": "ann@x.io"},
        "activity": "updated",
        "scope": "DataWarehouseSavedQuery",
        "item_id": rows.VIEW,
        "detail": detail,
        "created_at": "2026-01-05T10:00:00.123456Z",
    }
    return ActivityEntry.parse({**row, **changed})


def test_entries_without_id_are_told_apart_by_fingerprint():
    same = entry(id="9", detail={**entry().raw["detail"], "context": {"more": 1}}, unread=True)

    assert (entry().id, same.id) == (None, "9")
    assert entry().fingerprint() == same.fingerprint()
    assert entry().fingerprint() != entry(activity="deleted").fingerprint()
    assert entry().fingerprint() != entry(created_at="2026-01-05T10:00:01Z").fingerprint()


@pytest.mark.parametrize("detail", [None, {}, {"changes": None}, {"changes": []}, []])
def test_an_entry_may_have_no_changes(detail: Any):
    assert entry(detail=detail).changes == []


def test_system_entries_are_known_in_both_logs():
    assert entry(user={"first_name": "System", "email": None, "is_system": True}).is_system
    assert entry(user=None, is_system=True).is_system
    assert not entry().is_system


def test_a_run_and_an_interview_are_read():
    job = Job.parse(
        {"id": "j1", "saved_query_id": rows.VIEW, "status": "Skipped", "rows_materialized": 12, "error": "x"}
    )
    interview = UserInterview.parse({"id": "i1", "interviewee_emails": ["a@x.io", 3], "summary": None, "topic": "T"})

    assert (job.id, job.status, job.rows_materialized, job.created_at) == ("j1", "Skipped", 12, None)
    assert (interview.interviewee_emails, interview.summary, interview.topic) == (["a@x.io"], None, "T")


def test_a_key_is_described_without_its_value():
    row = {"id": "k", "label": "portal", "value": "phx_secret12345", "mask_value": "phx_...345", "user_id": 4}
    key = KeyInfo.parse({**row, "scopes": ["warehouse_view:write"], "scoped_teams": [7], "scoped_organizations": None})

    assert "phx_" not in repr(vars(key))
    assert (key.label, key.user_id, key.scoped_teams) == ("portal", 4, [7])
    assert key.grants("warehouse_view:read") and key.grants("warehouse_view:write")
    assert not key.grants("warehouse_table:read")
    assert KeyInfo.parse({**row, "scopes": ["*"]}).grants("anything:write")


@pytest.mark.parametrize("value", [None, [], {}, {"results": None}, {"results": {}}, {"results": [{"name": "no id"}]}])
def test_a_page_of_another_shape_is_never_an_empty_list(value: Any):
    with pytest.raises(BadAnswer):
        Page.parse(value, SavedQuery.parse, "saved queries")


def test_a_page_counts_by_either_name_and_may_not_count():
    pages = [Page.parse({"results": [], **extra}, str, "x") for extra in ({"count": 0}, {"total_count": 4}, {})]

    assert [page.count for page in pages] == [0, 4, None]


def test_an_unreadable_next_link_still_says_that_there_is_more():
    page = Page.parse({"results": [], "next": "http://[broken"}, str, "x")

    assert (page.has_next, page.next_params) == (True, {})


@pytest.mark.parametrize("name", ["isValid", "isValidView"])
def test_a_query_check_of_either_age_is_read(name: str):
    remark = {"message": "Unknown table", "start": 14, "end": 18}
    check = QueryValidation.parse({name: False, "errors": [remark], "warnings": [], "table_names": ["orders"]})

    assert (check.is_valid, check.table_names) == (False, ["orders"])
    assert (check.errors[0].message, check.errors[0].start, check.errors[0].end) == ("Unknown table", 14, 18)


def test_a_query_check_without_a_verdict_is_not_a_pass():
    with pytest.raises(BadAnswer):
        QueryValidation.parse({"errors": []})
