from __future__ import annotations

import pytest

from warehouse_admin.sandbox.runs import PAUSED_PREFIX

NEW = "SELECT user_id FROM stg_app_users"


def press(api, path: str, body: dict | None = None, **options):
    return api("POST", f"/sandbox/{path}", body, **options)


def test_others_work_in_posthog_itself_and_it_is_no_write_of_ours(start):
    api = start("B")
    view = api.id("mart_support_sla")
    token = api.detail("mart_support_sla")["latest_history_id"]
    assert press(api, "outside/edit", {"name": "mart_support_sla", "query": NEW, "by": "ben"}).json()["id"] == view
    assert api.detail(view)["query"]["query"] == NEW
    assert api.detail(view)["latest_history_id"] != token
    press(api, "outside/rename", {"name": "mart_support_sla", "new_name": "mart_sla"})
    assert api.detail(view)["name"] == "mart_sla"
    press(api, "outside/delete", {"name": "mart_sla"})
    assert api("GET", f"warehouse_saved_queries/{view}/").status_code == 404
    made = press(api, "outside/create", {"name": "fresh", "query": NEW}).json()["id"]
    assert api.detail(made)["created_by"]["first_name"] == "Ana"
    assert api.world.writes() == 0


def test_others_materialize_and_hide(start):
    api = start("C")
    view = press(api, "outside/create", {"name": "fresh", "query": NEW}).json()["id"]
    press(api, "outside/materialize", {"name": "fresh", "sync_frequency": "6hour", "by": "ben"})
    assert (api.detail(view)["is_materialized"], api.detail(view)["sync_frequency"]) == (True, "6hour")
    press(api, "outside/unmaterialize", {"name": "fresh", "by": "ben"})
    assert (api.detail(view)["is_materialized"], api.detail(view)["sync_frequency"]) == (False, None)
    verbs = [entry["activity"] for entry in api("GET", f"warehouse_saved_queries/{view}/activity/").json()["results"]]
    assert verbs == ["materialization_disabled", "materialization_enabled", "created"]
    press(api, "outside/hide", {"name": "fresh"})
    assert api("GET", f"warehouse_saved_queries/{view}/").status_code == 404
    answer = api("POST", "warehouse_saved_queries/", {"name": "fresh", "query": {"kind": "HogQLQuery", "query": NEW}})
    assert (answer.status_code, api.world.writes()) == (400, 0)  # its name is not free


def test_the_newest_servers_raise_the_cadence_of_a_materialization_too(start):
    api = start("D")
    api("POST", f"warehouse_saved_queries/{api.id('mart_support_sla')}/materialize/", {"sync_frequency": "5min"})
    assert api.detail("mart_support_sla")["sync_frequency"] == "15min"


def test_pause_suspend_and_fail(start):
    api = start()
    press(api, "outside/pause", {"name": "stg_app_users"})
    assert api.detail("stg_app_users")["sync_frequency"] is None
    assert api.detail("stg_app_users")["suspended"] == {}
    press(api, "outside/suspend", {"name": "stg_app_orders"})
    assert "Timeout" in api.detail("stg_app_orders")["suspended"]["clickhouse"]["reason"]
    press(api, "outside/fail", {"name": "int_payments_net"})
    press(api, "outside/run", {"name": "int_payments_net"})
    press(api, "clock", {"advance_seconds": 10})
    assert api.detail("int_payments_net")["status"] == "Failed"
    api.world.run_outside("int_payments_net", finish=True)
    assert api.detail("int_payments_net")["status"] == "Completed"


def test_time_makes_schedules_fire(start):
    api = start()
    before = len(api.world.jobs[api.id("stg_app_users")])
    press(api, "clock", {"advance_seconds": 5 * 3600})
    assert len(api.world.jobs[api.id("stg_app_users")]) in (before + 4, before + 5)
    assert len(api.world.jobs[api.id("mart_support_sla")]) == 40, "a paused one does not"


def test_nothing_moves_by_itself_at_first(start):
    api = start()
    api.world.advance(1700)
    assert all(job.status != "Running" for job in api.world.newest_jobs())
    assert api.world.newest_jobs()[0].created_at < api.world.now() - 1700


def test_a_live_world_moves_within_seconds(start):
    api = start(live=True)
    api.world.advance(5)
    assert api.detail("stg_app_orders")["status"] == "Running"
    api.world.advance(90)
    assert api.detail("stg_app_orders")["status"] == "Completed"
    assert api.detail("int_order_margins")["status"] == "Failed"
    api.act("mart_funnel_weekly", "resume")
    api.world.advance(30)
    assert api.detail("mart_funnel_weekly")["status"] == "Completed"


def test_a_server_is_upgraded_in_place(start):
    api = start("C")
    row = api.detail("mart_funnel_weekly")
    assert row["sync_frequency"] is None
    assert row["latest_error"].startswith(PAUSED_PREFIX)
    assert press(api, "generation", {"generation": "D"}).json()["generation"] == "D"
    row = api.detail("mart_funnel_weekly")
    assert row["sync_frequency"] == "24hour"
    assert not row["latest_error"].startswith(PAUSED_PREFIX)
    assert "clickhouse" in row["suspended"]
    press(api, "generation", {"generation": "B"})
    assert api.detail("mart_funnel_weekly")["latest_error"].startswith(PAUSED_PREFIX)


def test_faults_over_http(start):
    api = start()
    press(api, "faults", {"kind": "status_500", "path_regex": "tables", "times": 1})
    assert api("GET", "/sandbox/faults").json()["faults"][0]["kind"] == "status_500"
    assert api("GET", "warehouse_tables/").status_code == 500
    press(api, "faults", {"kind": "status_500"})
    assert api("DELETE", "/sandbox/faults").json() == {"faults": []}
    assert press(api, "faults", {"kind": "gremlins"}).status_code == 400


def test_rate_and_latency_are_switches(start):
    api = start()
    press(api, "rate", {"per_minute": 1})
    assert [api("GET", "warehouse_tables/").status_code for _ in range(2)] == [200, 429]
    press(api, "rate", {})
    press(api, "latency", {"milliseconds": 60})
    assert api("GET", "warehouse_tables/").elapsed.total_seconds() >= 0.06


def test_the_page_lists_the_switches_and_takes_forms(start):
    api = start()
    page = api("GET", "/sandbox/").text
    for action in ("outside/edit", "outside/suspend", "faults", "clock", "generation"):
        assert f'action="/sandbox/{action}"' in page
    answer = press(api, "clock", data={"advance_seconds": "60"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sandbox/")
    assert api.world.clock.offset == 60


def test_json_is_understood_whatever_it_claims_to_be(start):
    api = start()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert press(api, "clock", data='{"advance_seconds": 60}', headers=headers).json()["generation"] == "D"
    assert api.world.clock.offset == 60


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_no_other_site_presses_the_switches(start, headers):
    api = start()
    assert press(api, "clock", {"advance_seconds": 60}, headers=headers).status_code == 403
    assert api.world.clock.offset == 0


@pytest.mark.parametrize(("path", "body"), [("outside/edit", {"name": "nobody", "query": NEW}), ("outside/edit", {}),
                                            ("outside/fly", {"name": "x"}), ("nowhere", {}), ("clock", {}),
                                            ("generation", {"generation": "Z"})])  # fmt: skip
def test_switches_that_cannot_be_pressed(start, path, body):
    answer = press(start(), path, body)
    assert answer.status_code == 400


def test_requests_are_remembered(start):
    api = start()
    api.patch("stg_persons", name="people")
    asked = api.world.requests[-1]
    assert (asked.method, asked.body, asked.status) == ("PATCH", {"name": "people"}, 200)
    assert asked.path.endswith(f"{api.id('people')}/")
