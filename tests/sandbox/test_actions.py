from __future__ import annotations

import dataclasses

import pytest

from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.people import PEOPLE

from .conftest import hogql

RESUME = "warehouse_saved_queries/resume_schedules/"


def let_keys_run(api) -> None:
    """Let keys call what only sessions may, to see what the action itself does."""
    allowed = {**api.world.generation.key_actions, "run": "warehouse_view:write"}
    api.world.generation = dataclasses.replace(api.world.generation, key_actions=allowed)


@pytest.mark.parametrize("generation", "CD")
def test_materialize_answers_nothing_and_sets_a_day(start, generation):
    api = start(generation)
    answer = api.act("stg_app_orders", "materialize")
    assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == (200, b"", None)
    assert api.detail("stg_app_orders")["sync_frequency"] == "24hour"
    assert api.act("mart_refunds_disputes", "materialize").status_code == 200
    assert api.detail("mart_refunds_disputes")["status"] == "Running"
    assert api.world.storage_of(api.id("mart_refunds_disputes")).name == "mart_refunds_disputes"


def test_d_materializes_at_the_cadence_asked_for(start):
    api = start()
    api.act("mart_refunds_disputes", "materialize", {"sync_frequency": "6hour"})
    assert api.detail("mart_refunds_disputes")["sync_frequency"] == "6hour"
    assert api.act("mart_refunds_disputes", "materialize", {"sync_frequency": "never"}).status_code == 400


def test_materialize_without_a_scheduler_fails_after_changing_state(start):
    api = start("C")
    api.world.faults.add(Fault("scheduler_down"))
    answer = api.act("stg_app_orders", "materialize")
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert api.detail("stg_app_orders")["is_materialized"] is False


@pytest.mark.parametrize("generation", "CD")
def test_revert_keeps_the_runs_and_nothing_else(start, generation):
    api = start(generation)
    view = api.id("stg_app_orders")
    last = api.detail("stg_app_orders")["last_run_at"]
    for _ in range(2):
        assert api.act("stg_app_orders", "revert_materialization").content == b""
    row = api.detail("stg_app_orders")
    assert (row["is_materialized"], row["sync_frequency"], row["status"]) == (False, None, None)
    assert row["last_run_at"] == last
    assert api.world.storage_of(view) is None
    if generation == "C":
        assert api.act("stg_app_orders", "ancestors").json() == {"ancestors": []}


@pytest.mark.parametrize("action", ["materialize", "revert_materialization"])
def test_managed_views_refuse_materialization(start, action):
    answer = start("C").act("stripe.charge_revenue_view", action)
    assert "from a managed viewset." in answer.json()["detail"]


def test_a_run_goes_through_running_to_completed(start):
    api = start("C")
    assert (answer := api.act("stg_app_orders", "run")).status_code == 200
    assert answer.content == b""
    assert api.detail("stg_app_orders")["status"] == "Running"
    runs = len(api.world.jobs[api.id("stg_app_orders")])
    api.act("stg_app_orders", "run")
    assert len(api.world.jobs[api.id("stg_app_orders")]) == runs, "a second run is skipped silently"
    api.world.advance(10)
    assert api.detail("stg_app_orders")["status"] == "Completed"
    history = api("GET", f"warehouse_saved_queries/{api.id('stg_app_orders')}/run_history/").json()["run_history"]
    assert (len(history), history[0]["status"]) == (5, "Completed")


@pytest.mark.parametrize(("generation", "status"), [("B", 500), ("C", 200), ("D", 400)])
def test_a_run_without_a_schedule(start, generation, status):
    api = start(generation)
    let_keys_run(api)
    assert api.act("mart_refunds_disputes", "run").status_code == status


def test_cancel_wants_a_running_view(start):
    api = start("C")
    answer = api.act("stg_app_orders", "cancel")
    assert (answer.status_code, answer.json()) == (400, {"error": "Cannot cancel a query that is not running"})
    api.act("stg_app_orders", "run")
    assert api.act("stg_app_orders", "cancel").status_code == 200
    assert api.detail("stg_app_orders")["status"] == "Cancelled"
    assert api.world.newest_job(api.id("stg_app_orders")).status == "Cancelled"


def test_lineage_is_a_closure_without_a_level_and_cumulative_with_one(start):
    api = start("C")
    name = {view.id: view.name for view in api.world.views.values()} | {t.id: t.name for t in api.world.tables.values()}

    def asked(action: str, view: str, **body) -> set[str]:
        return {name.get(node, node) for node in api.act(view, action, body).json()[action]}

    assert asked("ancestors", "int_sessions", level=1) == {"stg_events_pageviews"}
    assert asked("ancestors", "int_sessions") == {"stg_events_pageviews", "events"}
    assert asked("ancestors", "int_sessions", level=99) == {"stg_events_pageviews", "events"}
    assert asked("descendants", "int_sessions", level=1) == {"int_checkout_funnel", "int_marketing_touches"}
    assert "mart_executive_kpis" in asked("descendants", "int_sessions")
    counts = api("GET", f"warehouse_saved_queries/{api.id('int_sessions')}/dependencies/").json()
    assert counts == {"upstream_count": 1, "downstream_count": 2}
    assert api.act("int_sessions", "descendants", {"level": "1"}).status_code == 500
    assert api.act("int_sessions", "ancestors", {"level": "x"}).status_code == 500


@pytest.mark.parametrize("generation", "CD")
def test_resume_says_nothing_whatever_happened(start, generation):
    api = start(generation)
    ids = [api.id("mart_funnel_weekly"), api.id("mart_refunds_disputes"), "00000000-0000-4000-8000-000000000000"]
    answer = api("POST", RESUME, {"view_ids": ids})
    assert (answer.status_code, answer.content) == (202, b"")
    view, row = api.world.view("mart_funnel_weekly"), api.detail("mart_funnel_weekly")
    assert not view.schedule.paused
    assert (row["status"], view.suspended) == ("Failed", {})
    assert row["sync_frequency"] == ("24hour" if generation == "D" else None)
    assert api.world.writes(view.id) == 1
    assert api.world.writes(ids[1]) == 0


@pytest.mark.parametrize(
    ("generation", "body", "status", "essence"),
    [
        ("C", {}, 400, "view_ids is required"),
        ("C", {"view_ids": []}, 400, "view_ids is required"),
        ("C", {"view_ids": ["nope"]}, 500, "A server error occurred."),
        ("D", {}, 400, "required"),
        ("D", {"view_ids": "x"}, 400, "not_a_list"),
        ("D", {"view_ids": []}, 400, "empty"),
        ("D", {"view_ids": ["nope"]}, 400, "view_ids__0"),
    ],
)
def test_bad_lists_of_views(start, generation, body, status, essence):
    answer = start(generation)("POST", RESUME, body)
    assert answer.status_code == status
    assert essence in answer.text


def test_one_bad_id_resumes_nobody(start):
    api = start("C")
    api("POST", RESUME, {"view_ids": [api.id("mart_funnel_weekly"), "nope"]})
    assert api.world.view("mart_funnel_weekly").schedule.paused


def test_d_resumes_suspensions_not_pauses_and_skips_what_the_caller_may_not_edit(start):
    api = start()
    assert api.act("mart_support_sla", "resume").json() == {"resumed": False}
    api("POST", RESUME, {"view_ids": [api.id("mart_support_sla")]})
    assert api.world.view("mart_support_sla").schedule.paused, "paused by a person, not suspended"
    assert api.act("mart_funnel_weekly", "resume").json() == {"resumed": True}
    assert api.detail("mart_funnel_weekly")["suspended"] == {}


def test_old_resume_resets_the_cadence_of_revenue_analytics_alone(start):
    api = start("C")
    for name in ("stripe.charge_revenue_view", "stg_app_orders"):
        api.world.suspend(name)
        api("POST", RESUME, {"view_ids": [api.id(name)]})
    assert api.detail("stripe.charge_revenue_view")["sync_frequency"] == "12hour"
    assert api.detail("stg_app_orders")["sync_frequency"] is None


@pytest.mark.parametrize("generation", "BD")
def test_five_failures_pause_the_schedule(start, generation):
    api = start(generation)
    view = api.world.view("stg_app_users")
    view.failing = "Code: 159. DB::Exception: Timeout exceeded"
    api.world.advance(7 * 3600)
    row = api.detail("stg_app_users")
    jobs = api("GET", f"data_modeling_jobs/?saved_query_id={view.id}&limit=6").json()["results"]
    assert [job["status"] for job in jobs[:5]] == ["Failed"] * 5
    assert view.schedule.paused
    if generation == "D":
        assert row["suspended"]["clickhouse"]["job_id"] == jobs[0]["id"]
        assert row["sync_frequency"] == "1hour"
    else:
        assert row["sync_frequency"] is None
        assert jobs[0]["error"].startswith("This materialized view sync schedule has been paused until you modify")


def test_an_unknown_table_reverts_the_materialization_on_old_servers(start):
    api = start("B")
    api.world.delete_outside("stg_app_shipments")
    api.world.run_outside("int_order_margins", finish=True)
    row = api.detail("int_order_margins")
    assert (row["is_materialized"], row["sync_frequency"]) == (False, None)
    assert row["latest_error"].startswith("This materialized view has been reverted to a view because it referenced")


def test_an_edit_heals_a_view_that_kept_failing(start):
    api = start()
    api.world.edit_outside("mart_marketing_roas", "SELECT day FROM mart_revenue_daily")
    api.world.run_outside("mart_marketing_roas", finish=True)
    assert api.detail("mart_marketing_roas")["status"] == "Completed"


def test_per_view_limits_of_new_servers(start):
    api = start()
    api.world.rate = (480, 4800)
    answers = [api.act("stg_app_orders", "materialize").status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert api.act("stg_app_users", "materialize").status_code == 200


def test_queries_with_the_same_author_are_the_keys_owner(start):
    api = start().as_key("phx_sandbox_ben")
    answer = api("POST", "warehouse_saved_queries/", {"name": "x", "query": hogql("SELECT 1 AS one")})
    assert answer.json()["created_by"]["email"] == PEOPLE[2].email
