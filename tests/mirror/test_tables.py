"""What the mirror knows of a table: its columns and what became of them, its kind, and its page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.pages import words
from tests.syncing import sync
from warehouse_admin.mirror import own_tables, selectors
from warehouse_admin.mirror.columns import difference
from warehouse_admin.mirror.models import ColumnsChange, WarehouseTable

OWN, STORAGE = "finance_fx_rates", "mart_executive_kpis"


def test_a_sync_keeps_what_the_columns_were(synced, sandbox, client_of, viewer):
    remote = sandbox.world.table_by_name(OWN)
    remote.columns = [["rate_date", "datetime"], ["currency", "string"], ["region", "string"]]
    remote.invalid_columns = ["currency"]
    sync(synced, "full")
    sync(synced, "full")

    kept = ColumnsChange.objects.get()
    found = difference(kept.before, kept.after)
    assert [column["name"] for column in found.added] == ["region"]
    assert [column["name"] for column in found.removed] == ["usd_rate"]
    assert [(one.name, one.before, one.after) for one in found.retyped] == [
        ("rate_date", "date", "datetime"),
        ("currency", "string", "string, values do not fit"),
    ]
    page = client_of(viewer).get(reverse("mirror:table-detail", args=[kept.table.posthog_id]))
    told = words(page)
    assert "region came, string" in told and "usd_rate went, was float" in told and "tells neither who nor when" in told


def test_a_first_look_and_another_order_are_no_change_of_columns(synced, sandbox):
    assert not ColumnsChange.objects.exists()
    sandbox.world.table_by_name(OWN).columns.reverse()
    sync(synced, "full")
    assert not ColumnsChange.objects.exists()


def test_storage_is_told_apart_from_files_that_were_linked(synced, client_of, viewer, django_assert_max_num_queries):
    storage, own = (WarehouseTable.objects.get(name=name) for name in (STORAGE, OWN))
    assert (own_tables.kind_of(storage), own_tables.kind_of(own)) == ("storage", "bucket")
    assert {table.name for table in selectors.table_list({"source": "bucket"})} == {
        OWN,
        "marketing_spend",
        "warehouse_stock_levels",
    }
    assert all(table.is_storage for table in selectors.table_list({"source": "storage"}))
    client = client_of(viewer)
    client.get(reverse("mirror:table-list"))
    with django_assert_max_num_queries(12):
        page = words(client.get(reverse("mirror:table-list"), {"q": STORAGE}))
    assert "storage of the view" in page
    told = words(client.get(reverse("mirror:table-detail", args=[storage.posthog_id])))
    assert f"storage of the materialized view {STORAGE}" in told and "Locked." in told


@pytest.mark.parametrize("name", ["A", "D"])
def test_a_table_without_a_schema_shows_none(name, generation, client_of, viewer):
    generation(name)
    own = WarehouseTable.objects.get(name=OWN)
    assert (own.schema_name, own.source_id) == ("", "")
    assert "Schema" not in words(client_of(viewer).get(reverse("mirror:table-detail", args=[own.posthog_id])))
