"""Views, tables and what hangs on them."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import Run, SavedQuery, WarehouseTable
from warehouse_admin.sandbox.faults import Fault

pytestmark = pytest.mark.django_db

FIELDS = {
    "id",
    "connection",
    "name",
    "columns",
    "status",
    "schedule_state",
    "sync_frequency",
    "is_materialized",
    "last_run_at",
    "latest_error",
    "latest_history_id",
    "managed_viewset_kind",
    "owner",
    "tags",
    "synced_at",
    "deleted_at",
}


@pytest.fixture
def script(synced, viewer, script_of):
    return script_of(viewer)


def test_a_view_has_every_field_of_the_contract(script, view_named):
    view = view_named("stg_fx_rates")
    body = script.get(f"saved-queries/{view.posthog_id}/").json()

    assert set(body) >= {*FIELDS, "query"}
    assert body["id"] == str(view.posthog_id)
    assert body["connection"] == "demo"
    assert body["query"] == view.query
    assert body["columns"] and set(body["columns"][0]) >= {"name", "type"}
    assert (body["owner"], body["tags"], body["deleted_at"]) == (None, [], None)


def test_a_list_of_views_leaves_the_sql_out(script):
    row = script.get("saved-queries/", {"limit": 1}).json()["results"][0]

    assert set(row) >= FIELDS
    assert "query" not in row


def test_what_posthog_does_not_say_is_null(script, view_named):
    view = view_named("stg_fx_rates")
    SavedQuery.objects.filter(pk=view.pk).update(
        status="", sync_frequency="", managed_viewset_kind="", latest_history_id="", is_materialized=None
    )
    body = script.get(f"saved-queries/{view.posthog_id}/").json()

    for name in ("status", "sync_frequency", "managed_viewset_kind", "latest_history_id", "is_materialized"):
        assert body[name] is None


def test_versions_say_where_each_text_came_from(script, view_named, sandbox, editor_script):
    view = view_named("stg_fx_rates")
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 1 AS rate")
    assert editor_script.post(f"saved-queries/{view.posthog_id}/refresh/").status_code == 200

    newest, first = script.get(f"saved-queries/{view.posthog_id}/versions/").json()["results"]
    assert set(newest) == {"number", "query", "origin", "seen_at", "author", "change"}
    assert (newest["number"], newest["origin"], newest["query"]) == (2, "outside", "SELECT 1 AS rate")
    assert (first["number"], first["origin"], first["change"]) == (1, "first_seen", None)


@pytest.fixture
def editor_script(author, script_of):
    return script_of(author)


def test_a_refresh_reads_posthog_now_and_is_audited(sandbox, view_named, editor_script):
    view = view_named("stg_fx_rates")
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 2 AS rate")

    body = editor_script.post(f"saved-queries/{view.posthog_id}/refresh/").json()

    assert body["query"] == "SELECT 2 AS rate"
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.result, entry.object_id) == ("saved_query.refresh", "ok", str(view.posthog_id))


def test_a_refresh_that_fails_says_so_and_changes_nothing(sandbox, view_named, editor_script):
    view = view_named("stg_fx_rates")
    sandbox.world.faults.add(Fault("status_500", path_regex="warehouse_saved_queries", times=None))

    is_problem(editor_script.post(f"saved-queries/{view.posthog_id}/refresh/"), 503)
    assert AuditEntry.objects.latest("sequence").result == "failed"
    assert view_named("stg_fx_rates").query == view.query


def test_a_refresh_that_has_to_wait_says_how_long(sandbox, view_named, editor_script):
    view = view_named("stg_fx_rates")
    sandbox.world.faults.add(Fault("status_429", path_regex="warehouse_saved_queries", times=None, retry_after=40))

    response = editor_script.post(f"saved-queries/{view.posthog_id}/refresh/")

    is_problem(response, 503)
    assert 0 < int(response["Retry-After"]) <= 40


def test_runs_have_their_times_rows_and_errors(script, view_named):
    view = view_named("stg_fx_rates")
    Run.objects.filter(saved_query=view).delete()
    at = timezone.now()
    Run.objects.create(saved_query=view, job_id="j1", status="Failed", started_at=at, finished_at=at, error="boom")

    (run,) = script.get(f"saved-queries/{view.posthog_id}/runs/").json()["results"]
    assert (run["id"], run["status"], run["rows"], run["error"]) == ("j1", "Failed", None, "boom")
    assert run["started_at"] and run["finished_at"]


def test_lineage_names_sources_built_ins_included(script, view_named, synced):
    lineage.refresh(synced)
    view = view_named("int_sessions")
    body = script.get(f"saved-queries/{view.posthog_id}/lineage/", {"depth": 2}).json()

    nodes = {node["name"]: node for node in body["nodes"]}
    assert set(nodes["int_sessions"]) == {"id", "name", "kind"}
    assert nodes["int_sessions"]["id"] == str(view.posthog_id)
    assert nodes["events"]["kind"] == "builtin"
    assert {"source", "target"} == set(body["edges"][0])
    assert {edge["source"] for edge in body["edges"]} <= {node["id"] for node in body["nodes"]}


def test_lineage_of_a_selector_has_the_same_shape(script, view_named, synced):
    lineage.refresh(synced)
    view = view_named("int_sessions")
    path = f"saved-queries/{view.posthog_id}/lineage/"
    body = script.get(path, {"select": "1+int_sessions"}).json()

    names = {node["id"]: node["name"] for node in body["nodes"]}
    assert "int_sessions" in names.values() and all(set(node) == {"id", "name", "kind"} for node in body["nodes"])
    assert {names[edge["target"]] for edge in body["edges"]} == {"int_sessions"}
    assert "select" in is_problem(script.get(path, {"select": "int_sesions+"}), 400)["errors"]


def test_a_depth_that_is_no_small_positive_number_is_400(script, view_named):
    path = f"saved-queries/{view_named('int_sessions').posthog_id}/lineage/"

    for depth in ("0", "-1", "x", "1.5", "11", "99999999999", "²", " 1"):
        assert "depth" in is_problem(script.get(path, {"depth": depth}), 400)["errors"], depth


def test_tables_never_show_a_secret(script, synced):
    assert WarehouseTable.objects.filter(has_credential=True).exists()
    body = script.get("tables/", {"limit": 1000}).json()

    assert body["count"] == WarehouseTable.objects.count()
    text = json.dumps(body)
    assert "access_" not in text and synced.api_key not in text
    one = script.get(f"tables/{body['results'][0]['id']}/").json()
    assert one == body["results"][0]
    assert {"id", "connection", "name", "columns", "deleted_at", "synced_at"} <= set(one)


def test_a_table_that_is_gone_keeps_its_name(script):
    table = WarehouseTable.objects.first()
    WarehouseTable.objects.filter(pk=table.pk).update(deleted_at=timezone.now())

    assert table.name not in [row["name"] for row in script.get("tables/", {"limit": 1000}).json()["results"]]
    assert script.get(f"tables/{table.posthog_id}/").json()["name"] == table.name
