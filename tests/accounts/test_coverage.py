"""The page of what PostHog documents: complete, offered or refused with a reason, and when it was last asked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.syncing import sync
from warehouse_admin.accounts import coverage, endpoint_use
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.endpoint_use import UseRecord
from warehouse_admin.accounts.models import EndpointUse
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.posthog import capabilities, endpoints, errors, reads
from warehouse_admin.sandbox import routing

ID = "01890000-0000-7000-8000-000000000001"


def _path(endpoint: endpoints.Endpoint) -> str:
    return re.sub(r":[a-z_]+", ID, endpoint.path)


def test_every_endpoint_that_the_sandbox_answers_to_keys_is_listed_and_the_other_way_round():
    answered = set()
    for route in routing.PROJECT_ROUTES:
        plain = re.sub(r"\(\?P<id>\[\^/\]\+\)", ID, route.pattern.pattern).rstrip("$")
        for method, endpoint in route.methods.items():
            if endpoint.handler is None:
                continue
            found = endpoints.matching(method, f"/api/projects/1/{plain}/")
            assert found is not None, f"{method} {plain} is on no coverage page"
            answered.add(found.key)
    below = {one.key for one in endpoints.ENDPOINTS if not one.path.startswith("/")}
    assert below == answered
    assert len({one.key for one in endpoints.ENDPOINTS}) == len(endpoints.ENDPOINTS)


def test_what_is_documented_is_used_and_every_row_says_what_for_or_why_not():
    documented = endpoints.documented()
    assert len(documented) == 23
    for one in endpoints.ENDPOINTS:
        assert one.use and one.use.startswith("Not used") is not one.is_used
        assert not one.capability or one.capability in capabilities.ACTIONS
    assert all(one.is_used for one in documented)


@pytest.mark.parametrize(
    "method, path, key",
    [
        ("post", "/api/environments/7/warehouse_saved_queries/resume_schedules/", "resume_schedules/"),
        ("GET", f"/api/projects/7/warehouse_saved_queries/{ID}", ":id/"),
        ("GET", "/api/personal_api_keys/@current/", "/@current/"),
    ],
)
def test_a_request_is_put_down_to_its_endpoint(method, path, key):
    found = endpoints.matching(method, path)
    assert found is not None and found.key.endswith(key)
    assert endpoints.matching("GET", "/api/projects/7/feature_flags/") is None


def test_a_sync_notes_what_it_asked_in_a_few_rows(connection, sandbox, django_assert_max_num_queries):
    accounts.check_connection(connection)
    sync(connection)

    uses = {use.endpoint: use for use in EndpointUse.objects.filter(connection=connection)}
    for key in ("GET warehouse_saved_queries/", "GET warehouse_saved_queries/:id/", "GET warehouse_tables/"):
        assert (uses[key].result, uses[key].told, uses[key].own_key_of) == ("ok", "", "")
        assert timezone.now() - uses[key].at < timedelta(minutes=1)
    assert "POST warehouse_saved_queries/" not in uses
    assert len(uses) <= len(endpoints.ENDPOINTS)


def test_the_same_result_is_not_written_again_within_a_minute_but_another_one_is(connection, django_assert_num_queries):
    path = "/api/projects/1/warehouse_tables/"
    record = UseRecord(connection)
    record.note("GET", path, None)
    record.settle()
    first = EndpointUse.objects.get()
    with django_assert_num_queries(0):
        for _ in range(5):
            record.note("GET", path, None)
            record.settle()
        record.note("GET", path, errors.RateLimited("ours", sent=False))  # it never left
        record.settle()
    record.note("GET", path, errors.ServerError("a secret phx_aaaaaaaaaaaa", status=503))
    record.settle()
    again = EndpointUse.objects.get()
    assert (again.pk, again.result, again.told) == (first.pk, "failed", "PostHog failed (503).")
    endpoint_use.forget_written()


@pytest.mark.parametrize(
    "name, refused",
    [
        ("A", {"run", "ancestors", "resume_schedules"}),
        ("B", {"cancel", "run_history"}),
        ("C", set()),
        ("D", {"ancestors", "cancel"}),
    ],
)
def test_the_page_says_what_each_server_offers_and_the_api_the_same(name, refused, generation, admin, client_of):
    connection = generation(name)
    client = client_of(admin)

    page = client.get(reverse("accounts:connection-coverage", args=[connection.slug]))
    told = client.get(f"/api/v1/connections/{connection.slug}/coverage/").json()

    text = page.content.decode().replace("<wbr>", "")
    assert page.status_code == 200
    by_key = {f"{row['method']} {row['path']}": row for row in told["endpoints"]}
    assert set(by_key) == {one.key for one in endpoints.ENDPOINTS}
    for row in by_key.values():
        assert row["path"] in text
    for action in refused:
        row = next(row for key, row in by_key.items() if key.endswith(f"{action}/"))
        assert (row["offered"]["state"], row["offered"]["cause"]) == ("no", "unsupported")
        assert "does not let API keys" in row["offered"]["reason"]
    documented = [row for row in by_key.values() if row["documented_on"]]
    assert sum(row["offered"]["state"] == "no" for row in documented) == sum(
        row.offered.state == "no" for row in coverage.of(connection) if row.endpoint.pages
    )
    assert sandbox_key(connection) not in text


def sandbox_key(connection) -> str:
    return connection.api_key


def test_the_page_costs_a_constant_number_of_queries(synced, admin, client_of, django_assert_max_num_queries):
    client = client_of(admin)
    address = reverse("accounts:connection-coverage", args=[synced.slug])
    client.get(address)
    with django_assert_max_num_queries(12):
        client.get(address)


@pytest.mark.parametrize("role", ["viewer", "editor", "operator"])
def test_only_administrators_see_it(role, synced, person, client_of):
    from warehouse_admin.accounts.roles import Role

    client = client_of(person("somebody", Role(role)))
    assert client.get(reverse("accounts:connection-coverage", args=[synced.slug])).status_code == 403
    assert client.get(f"/api/v1/connections/{synced.slug}/coverage/").status_code == 403


def test_a_refusal_is_shown_in_our_own_words(connection, sandbox):
    client = accounts.client_for(connection, purpose="interactive")
    sandbox.world.set_generation("A")
    try:
        with pytest.raises(errors.ActionNotForKeys):
            reads.run_history(client, ID)
    finally:
        client.close()
    use = EndpointUse.objects.get(endpoint="GET warehouse_saved_queries/:id/run_history/")
    assert (use.result, use.told) == ("refused", "This server offers it to no API key (403).")


def test_the_readable_docs_list_the_endpoints(client):
    schema = client.get("/api/v1/schema/?format=json").json()
    for one in endpoints.documented():
        assert f"`{one.key}`" in schema["info"]["description"]


def _offered(client, connection, key: str) -> dict[str, str]:
    told = client.get(f"/api/v1/connections/{connection.slug}/coverage/").json()["endpoints"]
    return next(row["offered"] for row in told if f"{row['method']} {row['path']}" == key)


def test_a_check_does_not_take_back_what_a_write_has_found_out(generation, admin, client_of):
    connection = generation("D")
    client, key = client_of(admin), "PATCH user_interviews/:id/"
    assert _offered(client, connection, key)["state"] == "unknown"
    use = EndpointUse.objects.create(connection=connection, endpoint=key, at=timezone.now(), result="ok")

    checked = client.post(reverse("accounts:connection-check", args=[connection.slug]))

    assert checked.status_code < 400
    assert AuditEntry.objects.filter(action="connection.checked", result="ok").exists()
    assert _offered(client, connection, key)["state"] == "yes"
    page = client.get(reverse("accounts:connection-coverage", args=[connection.slug])).content.decode()
    assert "answered when it was last asked" in page
    for changes in ({"own_key_of": "somebody"}, {"own_key_of": "", "result": "refused"}):
        EndpointUse.objects.filter(pk=use.pk).update(**changes)
        assert _offered(client, connection, key)["state"] == "unknown"
