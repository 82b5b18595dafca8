from __future__ import annotations

import pytest

from .conftest import hogql

NEW = "SELECT user_id FROM stg_app_users"


def lines(api, name_or_id: str, query: str = "") -> dict:
    answer = api("GET", f"warehouse_saved_queries/{api.world.view(name_or_id).id}/activity/{query}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("generation", "ABCD")
def test_what_each_generation_notes(start, generation):
    api = start(generation)
    name, modern = "mart_refunds_disputes", generation in "CD"
    before = lines(api, name)["total_count"]
    token = api.detail(name)["latest_history_id"]
    view = api.id(name)
    api.patch(name, query=hogql(NEW), edited_history_id=token)
    api.patch(name, sync_frequency="6hour")
    api.patch(name, name="renamed")
    if modern:
        api.act("renamed", "materialize")
        api.act("renamed", "revert_materialization")
    api("DELETE", f"warehouse_saved_queries/{view}/")
    noted = [entry["activity"] for entry in lines(api, view, "?limit=50")["results"]]
    expected = ["updated"]
    if modern:
        expected = ["deleted", "materialization_disabled", "materialization_enabled", "updated", "updated"]
    assert noted[: len(noted) - before] == expected


@pytest.mark.parametrize(("generation", "has_id"), [("A", False), ("B", False), ("C", True), ("D", True)])
def test_an_entry_names_its_author_and_the_change(start, generation, has_id):
    api = start(generation)
    api.world.edit_outside("mart_support_sla", NEW, by=f"chiara@{'harborgoods.example'}")
    entry = lines(api, "mart_support_sla", "?limit=1")["results"][0]
    change = entry["detail"]["changes"][0]
    assert entry["user"] == {"first_name": "Chiara", "email": "chiara@harborgoods.example"}
    assert (change["field"], change["after"]["query"]) == ("query", NEW)
    assert ("id" in entry) is has_id


def test_it_has_a_total_and_no_count(start):
    api = start()
    page = lines(api, "stg_stripe_disputes", "?limit=1")
    assert "count" not in page
    assert page["total_count"] > 1
    assert "page=2" in page["next"]
    assert len(api.http.get(page["next"]).json()["results"]) == 1


@pytest.mark.parametrize(
    ("generation", "query", "status"),
    [
        ("B", "?limit=0", 500),
        ("B", "?page=x", 500),
        ("B", "?page=99", 500),
        ("D", "?limit=0", 400),
        ("D", "?page=x", 400),
    ],
)
def test_bad_pages(start, generation, query, status):
    api = start(generation)
    assert api("GET", f"warehouse_saved_queries/{api.id('stg_persons')}/activity/{query}").status_code == status


def test_an_unknown_view_is_a_404_without_a_body(start):
    answer = start()("GET", "warehouse_saved_queries/00000000-0000-4000-8000-000000000000/activity/")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(("generation", "status"), [("B", 500), ("D", 404)])
def test_a_malformed_id(start, generation, status):
    assert start(generation)("GET", "warehouse_saved_queries/nope/activity/").status_code == status


def test_the_project_log_goes_by_cursor_and_keeps_its_place(start):
    api = start()
    first = api("GET", "activity_log/?scope=DataWarehouseSavedQuery").json()
    assert "count" not in first
    api.world.edit_outside("mart_support_sla", NEW)
    second = api.http.get(first["next"]).json()
    ids = [entry["id"] for entry in first["results"] + second["results"]]
    assert len(ids) == len(set(ids)) > 100
    back = api.http.get(second["previous"]).json()
    assert back["results"][-1]["id"] == first["results"][-1]["id"]


def test_the_project_log_filters_and_turns_around(start):
    api = start()
    scopes = {entry["scope"] for entry in api("GET", "activity_log/?scopes=Insight,Cohort").json()["results"]}
    assert scopes == {"Insight", "Cohort"}
    oldest = api("GET", "activity_log/?ordering=created_at").json()["results"]
    assert oldest[0]["created_at"] < oldest[-1]["created_at"]
    item = api.id("stg_persons")
    paged = api("GET", f"activity_log/?item_id={item}&page=1&page_size=2").json()
    assert {entry["item_id"] for entry in paged["results"]} == {item}
    assert paged["count"] >= len(paged["results"])


def test_jobs_are_listed_for_keys_on_every_generation(start):
    api = start("A")
    view = api.id("stg_app_orders")
    first = api("GET", f"data_modeling_jobs/?saved_query_id={view}&limit=30").json()
    rest = api.http.get(first["next"]).json()
    assert (len(first["results"]), len(rest["results"]), rest["next"]) == (30, 10, None)
    job = first["results"][0]
    assert api("GET", f"data_modeling_jobs/{job['id']}/").json() == job
    newest = api("GET", "data_modeling_jobs/?limit=5").json()["results"]
    assert [row["created_at"] for row in newest] == sorted((row["created_at"] for row in newest), reverse=True)
