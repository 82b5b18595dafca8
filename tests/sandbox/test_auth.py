from __future__ import annotations

import pytest

UNSUPPORTED = "This action does not support personal API key access"
ACTIONS = {
    "activity": ("GET", "ABCD"),
    "run": ("POST", "CD"),
    "materialize": ("POST", "CD"),
    "revert_materialization": ("POST", "CD"),
    "run_history": ("GET", "CD"),
    "cancel": ("POST", "C"),
    "ancestors": ("POST", "C"),
    "descendants": ("POST", "C"),
    "dependencies": ("GET", "C"),
    "resume": ("POST", "D"),
}


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize("generation", "ABCD")
def test_each_generation_lets_keys_call_its_own_actions(start, generation):
    api = start(generation)
    for action, (method, generations) in ACTIONS.items():
        answer = api(method, f"warehouse_saved_queries/{api.id('stg_app_orders')}/{action}/")
        refused = answer.status_code == 403 and answer.json()["detail"] == UNSUPPORTED
        missing = action == "resume" and generation != "D"
        assert refused is (generation not in generations and not missing), action
        assert not missing or refusal(answer) == (404, "Endpoint not found.")


@pytest.mark.parametrize("generation", "ABCD")
def test_what_only_a_session_may_call(start, generation):
    api = start(generation)
    table = next(t.id for t in api.world.tables.values() if t.source_id is None)
    paths = ["data_modeling_jobs/running/", "data_modeling_nodes/", "warehouse_saved_query_drafts/"]
    answers = [api("GET", path) for path in paths] + [api("POST", f"warehouse_tables/{table}/update_schema/")]
    answers.append(api("GET", "/api/personal_api_keys/"))

    assert {refusal(answer) for answer in answers} == {(403, UNSUPPORTED)}
    assert api("POST", f"warehouse_tables/{table}/refresh_schema/").status_code == (200 if generation == "D" else 403)


def test_a_method_a_route_lacks_is_a_403_to_keys(start):
    assert refusal(start()("PUT", "data_modeling_jobs/")) == (403, UNSUPPORTED)


@pytest.mark.parametrize(
    ("key", "path", "status", "code", "detail"),
    [
        ("nonsense", "warehouse_tables/", 401, "authentication_failed",
         "Personal API key found in request Authorization header is invalid."),
        ("phx_sandbox_views", "warehouse_tables/", 403, "permission_denied",
         "API key missing required scope 'warehouse_table:read'"),
        ("phx_sandbox_elsewhere", "warehouse_tables/", 403, "permission_denied",
         "API key does not have access to the requested project: ID 1."),
        ("phx_sandbox_outsider", "warehouse_tables/", 403, "permission_denied",
         "You don't have access to the project."),
        ("phx_sandbox_full", "/api/projects/99/warehouse_tables/", 404, "not_found", "Project not found."),
        ("phx_sandbox_full", "/api/projects/abc/warehouse_tables/", 404, "not_found", "Project not found."),
        ("phx_sandbox_full", "warehouse_tables/not-a-uuid/", 404, "not_found", "Not found."),
        ("phx_sandbox_here", "/api/projects/", 403, "permission_denied",
         "API keys with scoped projects are only supported on project-based endpoints."),
    ],
)  # fmt: skip
def test_refusals_have_one_shape(start, key, path, status, code, detail):
    answer = start().as_key(key)("GET", path)
    body = answer.json()
    assert (answer.status_code, body["code"], body["detail"], body["attr"]) == (status, code, detail, None)


def test_without_a_key(start):
    api = start()
    del api.http.headers["Authorization"]
    answer = api("GET", "warehouse_tables/")

    assert answer.json()["code"] == "not_authenticated"
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    unknown = api("GET", "/api/nowhere/")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Endpoint not found.")


def test_write_implies_read_and_read_does_not_write(start):
    api = start()
    assert api.as_key("phx_sandbox_ben")("GET", "warehouse_saved_queries/").ok
    answer = api.as_key("phx_sandbox_read")("POST", "warehouse_saved_queries/", {"name": "x"})
    assert refusal(answer) == (403, "API key missing required scope 'warehouse_view:write'")


@pytest.mark.parametrize(("generation", "status"), [("B", 200), ("C", 403), ("D", 403)])
def test_people_of_viewer_level_are_refused_where_there_is_access_control(start, generation, status):
    answer = start(generation).as_key("phx_sandbox_emeka").patch("mart_support_sla", name="mart_support_sla_2")
    assert answer.status_code == status
    assert status == 200 or answer.json()["detail"] == "You do not have editor access to this resource."


@pytest.mark.parametrize(("generation", "deprecated"), [("B", False), ("D", True)])
def test_environments_are_an_alias(start, generation, deprecated):
    api = start(generation)
    answer = api("GET", "/api/environments/@current/warehouse_saved_queries")
    assert answer.json()["count"] == api("GET", "warehouse_saved_queries/").json()["count"]
    assert (answer.headers.get("Deprecation") == "true") is deprecated
    assert ("successor-version" in answer.headers.get("Link", "")) is deprecated


def test_a_key_describes_itself_without_any_scope(start):
    api = start()
    api.world.add_key("phx_bare", by="chiara", scopes=[])
    body = api.as_key("phx_bare")("GET", "/api/personal_api_keys/@current/").json()
    assert (body["scopes"], body["value"], body["user_id"]) == ([], None, 3)
    assert api("GET", "/api/users/@me/").json()["first_name"] == "Portal"
    assert [project["id"] for project in api("GET", "/api/projects/").json()["results"]] == [1]


@pytest.mark.parametrize(("generation", "scope"), [("B", "user_interview_DO_NOT_USE"), ("D", "user_interview")])
def test_interviews_have_a_scope_of_their_own(start, generation, scope):
    answer = start(generation).as_key("phx_sandbox_ana")("GET", "user_interviews/")
    assert refusal(answer) == (403, f"API key missing required scope '{scope}:read'")
