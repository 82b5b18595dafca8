from __future__ import annotations

import pytest

from .conftest import hogql

CONFLICT = "The query was modified by someone else."
NEW = "SELECT user_id, email FROM stg_app_users"
VIEWS = "warehouse_saved_queries/"


def problem(answer) -> tuple[int, str, str | None]:
    body = answer.json()
    return answer.status_code, body["detail"], body["attr"]


@pytest.mark.parametrize(
    ("generation", "present", "absent"),
    [
        ("A", {"query", "latest_history_id"}, {"origin", "managed_viewset_kind"}),
        ("B", {"origin", "managed_viewset_kind"}, {"query", "latest_history_id", "description", "suspended"}),
        ("C", {"description", "folder_name", "user_access_level"}, {"query", "suspended"}),
        ("D", {"suspended", "is_incremental", "materialization_mode"}, {"query", "updated_at", "latest_history_id"}),
    ],
)
def test_list_rows_have_the_fields_of_their_generation(start, generation, present, absent):
    api = start(generation)
    row = api("GET", VIEWS).json()["results"][0]
    assert present <= row.keys()
    assert not absent & row.keys()
    detail = api.detail(row["id"])
    assert {"query", "latest_history_id"} <= detail.keys()
    assert ("updated_at" in detail) is (generation == "D")
    assert not {"edited_history_id", "soft_update"} & detail.keys()


def test_pages_are_of_fixed_size_and_end_in_a_404(start):
    api = start()
    api.world.page_size = 20
    first = api("GET", VIEWS + "?page_size=5").json()
    assert (len(first["results"]), first["previous"]) == (20, None)
    second = api.http.get(first["next"]).json()
    assert "page=" not in second["previous"].replace("page_size=", "")
    assert api("GET", VIEWS + "?page=9").json()["detail"] == "Invalid page."
    dates = [row["created_at"] for row in first["results"] + second["results"]]
    assert dates == sorted(dates, reverse=True)


def test_search_wants_every_word_in_the_name(start):
    rows = start()("GET", VIEWS + "?search=MART daily").json()["results"]
    assert {row["name"] for row in rows} == {"mart_revenue_daily", "mart_orders_daily"}


@pytest.mark.parametrize(("generation", "listed"), [("B", True), ("D", False)])
def test_endpoint_rows_hide_from_newer_lists_only(start, generation, listed):
    api = start(generation)
    names = {row["name"] for row in api("GET", VIEWS).json()["results"]}
    assert ("endpoint_active_products" in names) is listed
    assert api.detail("endpoint_active_products")["origin"] == "endpoint"


@pytest.mark.parametrize("generation", "ABCD")
def test_create_answers_with_a_token_on_d_alone(start, generation):
    api = start(generation)
    answer = api("POST", VIEWS, {"name": "mart_new", "query": hogql(NEW), "sync_frequency": "1hour"})
    body = answer.json()
    assert answer.status_code == 201
    assert (body["latest_history_id"] is not None) is (generation == "D")
    assert api.detail("mart_new")["latest_history_id"] is not None
    assert (body["created_by"]["first_name"], body["sync_frequency"]) == ("Portal", None)
    assert {column["name"] for column in body["columns"]} == {"user_id", "email"}
    assert api.world.writes(body["id"]) == 1


@pytest.mark.parametrize(("generation", "status"), [("A", 400), ("B", 400), ("C", 400), ("D", 200)])
def test_repeating_a_create_meets_the_conflict_rule(start, generation, status):
    api = start(generation)
    body = {"name": "mart_new", "query": hogql(NEW)}
    assert api("POST", VIEWS, body).status_code == 201
    again = api("POST", VIEWS, body)
    assert again.status_code == status
    assert status == 200 or again.json()["detail"] == CONFLICT


@pytest.mark.parametrize("generation", "ABCD")
def test_create_silently_overwrites_with_soft_update(start, generation):
    api = start(generation)
    answer = api("POST", VIEWS, {"name": "mart_support_sla", "query": hogql(NEW), "soft_update": True})
    assert answer.status_code == 200
    assert api.detail("mart_support_sla")["query"] == hogql(NEW)


@pytest.mark.parametrize(("generation", "status"), [("A", 200), ("C", 200), ("D", 201)])
def test_upsert_hits_hidden_rows_before_d(start, generation, status):
    api = start(generation)
    hidden = api.id("mart_refunds_disputes")
    assert api.patch("mart_refunds_disputes", deleted=True).status_code == 200
    assert api("GET", f"{VIEWS}{hidden}/").status_code == 404
    answer = api("POST", VIEWS, {"name": "mart_refunds_disputes", "query": hogql(NEW), "soft_update": True})
    assert (answer.status_code, answer.json()["deleted"]) == (status, status == 200)


@pytest.mark.parametrize("generation", "ABCD")
def test_an_edit_needs_the_current_token(start, generation):
    api = start(generation)
    old = api.detail("mart_support_sla")["latest_history_id"]
    stale = api.patch("mart_support_sla", query=hogql(NEW), edited_history_id="00000000-0000-4000-8000-000000000000")
    assert problem(stale) == (400, CONFLICT, None)
    saved = api.patch("mart_support_sla", query=hogql(NEW), edited_history_id=old)
    fresh = api.detail("mart_support_sla")["latest_history_id"]
    assert (saved.status_code, saved.json()["status"]) == (200, "Modified")
    assert fresh != old
    assert saved.json()["latest_history_id"] == (fresh if generation == "D" else old)


@pytest.mark.parametrize(("generation", "status"), [("A", 400), ("B", 400), ("C", 400), ("D", 200)])
def test_the_same_text_without_a_token(start, generation, status):
    api = start(generation)
    assert api.patch("stg_persons", query=api.world.view("stg_persons").query).status_code == status


def test_d_compares_tokens_as_uuids_and_others_as_text(start):
    for generation, status in (("D", 200), ("B", 400)):
        api = start(generation)
        token = api.detail("stg_persons")["latest_history_id"].upper().replace("-", "")
        assert api.patch("stg_persons", query=hogql(NEW), edited_history_id=token).status_code == status


@pytest.mark.parametrize(("generation", "status"), [("B", 400), ("D", 200)])
def test_a_view_without_history_has_no_token(start, generation, status):
    api = start(generation)
    assert api.detail("stg_zendesk_users")["latest_history_id"] is None
    assert api.detail("stg_zendesk_users")["deleted"] is None
    token = {"edited_history_id": "00000000-0000-4000-8000-000000000000"}
    assert api.patch("stg_zendesk_users", query=hogql(NEW), **token).status_code == status
    assert api.patch("stg_zendesk_users", name="renamed").status_code == 200


@pytest.mark.parametrize("generation", "ABCD")
def test_soft_update_and_renames_ignore_the_token(start, generation):
    api = start(generation)
    before = api.detail("mart_support_sla")["latest_history_id"]
    assert api.patch("mart_support_sla", name="mart_sla").status_code == 200
    assert api.detail("mart_sla")["latest_history_id"] == before
    assert api.patch("mart_sla", query=hogql(NEW), soft_update=True).status_code == 200
    assert api.detail("mart_sla")["query"] == hogql(NEW)


@pytest.mark.parametrize("generation", "ABCD")
def test_unparseable_sql(start, generation):
    answer = start(generation)("POST", VIEWS, {"name": "x", "query": hogql("SELECT (1 FROM events")})
    assert answer.status_code == (400 if generation in "CD" else 500)
    if generation in "CD":
        assert answer.json()["detail"].startswith("Invalid query: ")


@pytest.mark.parametrize(
    ("body", "attr", "start_of_detail"),
    [
        ({"query": hogql(NEW)}, "name", "This field is required."),
        ({"name": None}, "name", "This field may not be null."),
        ({"name": ""}, "name", "This field may not be blank."),
        ({"name": "x" * 129}, "name", "Ensure this field has no more than 128 characters."),
        ({"name": "9 lives", "query": hogql(NEW)}, "name", "9 lives is not a valid view name. View names can only"),
        ({"name": "events", "query": hogql(NEW)}, "name", "A table or view with this name already exists. Choose"),
        ({"name": "stripe_charges", "query": hogql(NEW)}, "name", "A table or view with this name already exists."),
        ({"name": "x", "query": "SELECT 1"}, "query", 'Query must be a JSON object with a "query" key, got str.'),
        ({"name": "x", "query": {}}, "query", 'Query object must contain a non-empty "query" key'),
        ({"name": "x", "query": hogql("SELECT 1 FROM nowhere")}, "query", "Invalid query: Unknown table `nowhere`."),
        ({"name": "x", "query": hogql("SELECT {variables.a} FROM events")}, "query", "Variables like {variables.a}"),
        ({"name": "x", "query": hogql("SELECT 1 FROM events WHERE {filters}")}, "query", "Filters and placeholder"),
        ({"name": "x", "query": hogql("SELECT throwIf(1) AS boom")}, None, "Failed to retrieve types for view: "),
    ],
)
def test_d_says_what_is_wrong_with_a_create(start, body, attr, start_of_detail):
    status, detail, field = problem(start()("POST", VIEWS, body))
    assert (status, field) == (400, attr)
    assert detail.startswith(start_of_detail)


def test_bodies_that_are_no_objects(start):
    api = start()
    answer = api("POST", VIEWS, data=b"{nope", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert api("POST", VIEWS, [1]).json()["detail"].startswith("Invalid data. Expected a dictionary")


def test_cycles_are_refused(start):
    api = start("B")
    token = api.detail("stg_app_orders")["latest_history_id"]
    body = {"query": hogql("SELECT day FROM mart_executive_kpis"), "edited_history_id": token}
    assert problem(api.patch("stg_app_orders", **body)) == (400, "Model contains a cycle", None)


@pytest.mark.parametrize("generation", "ABCD")
def test_managed_rows_are_read_only(start, generation):
    api, name = start(generation), "stripe.charge_revenue_view"
    assert problem(api.patch(name, name="mine"))[1] == "Cannot update a query from a managed viewset"
    answer = api("DELETE", f"{VIEWS}{api.id(name)}/")
    assert answer.json()["detail"].startswith("Cannot delete a query from a managed viewset directly.")
    views = api("GET", "managed_viewsets/revenue_analytics/").json()
    assert views["count"] == 4


@pytest.mark.parametrize("generation", "ABCD")
def test_delete_frees_the_name_and_minds_dependents_on_new_servers(start, generation):
    api = start(generation)
    used, unused = api.id("int_sessions"), api.id("growth.plan_switches")
    answer = api("DELETE", f"{VIEWS}{used}/")
    assert answer.status_code == (204 if generation in "AB" else 400)
    if generation == "C":
        assert answer.json()["detail"].startswith("Cannot delete this view because other views depend on it.")
    if generation == "D":
        assert answer.json()["detail"].startswith("Can't delete int_sessions yet. It is used by int_checkout_funnel")
        assert answer.json()["extra"] == {"node_id": used}
    gone = api("DELETE", f"{VIEWS}{unused}/")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api("DELETE", f"{VIEWS}{unused}/").status_code == 404
    assert api("POST", VIEWS, {"name": "growth.plan_switches", "query": hogql(NEW)}).status_code == 201


@pytest.mark.parametrize(("generation", "status"), [("A", 500), ("B", 500), ("C", 400), ("D", 400)])
def test_an_unknown_cadence(start, generation, status):
    assert start(generation).patch("stg_app_orders", sync_frequency="3min").status_code == status


@pytest.mark.parametrize("generation", "ABCD")
def test_a_cadence_on_a_view_that_is_no_table(start, generation):
    api = start(generation)
    assert api.patch("stg_app_products", sync_frequency="6hour").json()["sync_frequency"] == "6hour"
    view = api.world.view("stg_app_products")
    assert (view.schedule is not None, view.is_materialized) == (generation == "A", generation == "A")
    never = api.patch("mart_refunds_disputes", sync_frequency="never")
    assert never.status_code == (500 if generation == "A" else 200)


@pytest.mark.parametrize("generation", "ABCD")
def test_never_pauses_and_a_cadence_goes_on(start, generation):
    api = start(generation)
    assert api.patch("stg_app_orders", sync_frequency="never").json()["sync_frequency"] is None
    assert api.world.view("stg_app_orders").schedule.paused
    api.patch("stg_app_orders", sync_frequency="1hour")
    assert not api.world.view("stg_app_orders").schedule.paused


def test_d_raises_small_cadences_and_keeps_to_its_bounds(start):
    api = start()
    assert api.patch("stg_app_orders", sync_frequency="5min").json()["sync_frequency"] == "15min"
    assert api.patch("mart_support_sla", sync_frequency="1hour").json()["attr"] == "sync_frequency"
    assert api.patch("mart_support_sla", sync_frequency="12hour").status_code == 200


def test_emoji_and_crlf_come_back_byte_for_byte(start):
    api = start()
    text = '-- 🦔\r\nSELECT\r\n\tuser_id AS "id"\r\nFROM stg_app_users  -- ünï\r\n'
    assert "📦" in api.detail("mart_feedback_themes")["query"]["query"]
    assert "\r\n" in api.detail("mart_feedback_themes")["query"]["query"]
    api("POST", VIEWS, {"name": "odd", "query": hogql(text)})
    assert api.detail("odd")["query"]["query"] == text


@pytest.mark.parametrize(("generation", "ordered"), [("B", False), ("D", True)])
def test_old_servers_lose_the_order_of_columns(start, generation, ordered):
    names = [column["name"] for column in start(generation).detail("mart_revenue_daily")["columns"]]
    assert (names[:2] == ["day", "gross_revenue"]) is ordered
