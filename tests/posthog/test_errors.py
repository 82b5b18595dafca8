"""Every refusal keeps its meaning, and no text carries a secret."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import requests

from tests.posthog.conftest import KEY
from tests.posthog.rows import VIEW
from tests.posthog.scripted import Scripted, answer, free_port, problem
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client

NOT_FOR_KEYS = "This action does not support personal API key access"
NO_SCOPE = "API key missing required scope 'warehouse_view:write'"
OTHER_PROJECT = "API key does not have access to the requested project: ID 7."
SCOPED_LIST = "API keys with scoped projects are only supported on project-based endpoints."
NO_MEMBER = "You don't have access to the project."
NO_EDITOR = "You do not have editor access to this resource."
FORBIDDEN_BY_ORG = "Organization 'X' does not allow using personal API keys. Contact an admin."
FLAG = "This action requires feature flag 'user-interviews' to be enabled for your organization."


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        (401, "Personal API key found in request Authorization header is invalid.", errors.InvalidKey),
        (403, NOT_FOR_KEYS, errors.ActionNotForKeys),
        (403, NO_SCOPE, errors.MissingScope),
        (403, OTHER_PROJECT, errors.ProjectRestricted),
        (403, SCOPED_LIST, errors.ProjectRestricted),
        (403, NO_MEMBER, errors.AccessDenied),
        (403, NO_EDITOR, errors.AccessDenied),
        (403, FORBIDDEN_BY_ORG, errors.AccessDenied),
        (403, FLAG, errors.AccessDenied),
        (404, "Not found.", errors.NotFound),
        (400, "The query was modified by someone else.", errors.Conflict),
        (400, "The query was modified by someone else. Or not.", errors.Refused),
        (400, "Invalid query: no table x", errors.Refused),
        (402, "Pay first", errors.Refused),
        (409, "Something", errors.Refused),
        (429, "Request was throttled. Expected available in 23 seconds.", errors.RateLimited),
        (500, "A server error occurred.", errors.ServerError),
        (512, "Query too slow", errors.ServerError),
    ],
)
def test_each_answer_has_its_own_meaning(server: Scripted, client: Client, status: int, detail: str, expected: type):
    server.play(problem(status, detail, code="some_code", attr="query"))

    with pytest.raises(errors.PostHogError) as caught:
        writes.run(client, VIEW)

    error = caught.value
    assert type(error) is expected
    assert (error.status, error.detail, error.code, error.attr) == (status, detail, "some_code", "query")
    assert (error.method, error.path) == ("POST", f"/api/projects/7/warehouse_saved_queries/{VIEW}/run/")
    assert error.sent
    assert error.unconfirmed == (status >= 500)
    assert len(server.asked) == 1


def test_a_missing_scope_is_named(server: Scripted, client: Client):
    server.play(problem(403, NO_SCOPE))

    with pytest.raises(errors.MissingScope) as caught:
        writes.run(client, VIEW)

    assert caught.value.scope == "warehouse_view:write"


@pytest.mark.parametrize("name", ["error", "message"])
def test_actions_that_bypass_the_error_shape_are_understood(server: Scripted, client: Client, name: str):
    server.play(answer(400, {name: "Cannot cancel a query that is not running"}))

    with pytest.raises(errors.Refused) as caught:
        writes.cancel(client, VIEW)

    assert caught.value.detail == "Cannot cancel a query that is not running"


def test_a_materialization_that_failed_after_changing_state_is_unconfirmed(server: Scripted, client: Client):
    server.play(answer(500, {"error": "Materialization failed. Please try again or contact support."}))

    with pytest.raises(errors.ServerError, match="Materialization failed") as caught:
        writes.materialize(client, VIEW)

    assert caught.value.unconfirmed


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_proxys_page_is_not_taken_for_posthogs_refusal(server: Scripted, client: Client, status: int):
    server.play(answer(status, b"<html>Blocked by the firewall</html>", kind="text/html"))

    with pytest.raises(errors.BadAnswer) as caught:
        reads.get_saved_query(client, VIEW)

    assert "<html>" not in caught.value.detail
    assert not caught.value.unconfirmed


@pytest.mark.parametrize(
    ("detail", "missing"),
    [("Not found.", True), ("No DataWarehouseSavedQuery matches the given query.", True), ("Project not found.", False)]
    + [("Endpoint not found.", False), ("Invalid page.", False)],
)
def test_only_the_objects_own_404_says_that_it_is_gone(server: Scripted, client: Client, detail: str, missing: bool):
    server.play(problem(404, detail, code="not_found"))

    with pytest.raises(errors.NotFound) as caught:
        reads.get_saved_query(client, VIEW)

    assert caught.value.object_missing is missing


def test_the_empty_404_of_activity_means_gone_and_any_other_empty_404_does_not(server: Scripted, client: Client):
    server.play(answer(404))

    with pytest.raises(errors.NotFound) as caught:
        reads.list_saved_query_activity(client, VIEW)
    assert caught.value.object_missing
    with pytest.raises(errors.BadAnswer):
        reads.get_saved_query(client, VIEW)


def test_server_text_is_bounded_storable_and_free_of_keys(server: Scripted, client: Client):
    text = f"bad \x00 \ud800 {KEY} phx_anotherKey1234 minio-secret " + "x" * 5_000
    server.play(problem(400, text, attr=KEY, code=KEY))

    with pytest.raises(errors.Refused) as caught:
        writes.create_table(
            client,
            name="t",
            format="CSV",
            url_pattern="https://b/x",
            access_key="minio-key",
            access_secret="minio-secret",
        )

    error = caught.value
    assert error.detail.startswith("bad \ufffd ? [hidden] [hidden] [hidden] xxx")
    assert len(error.detail) == 2_000
    everything = repr(vars(error)) + str(error) + repr(error) + repr(error.args)
    assert KEY not in everything
    assert "minio-secret" not in everything


def test_a_legacy_key_without_prefix_is_hidden_as_well(server: Scripted):
    server.play(problem(400, "the key legacyKEY0123456789 is odd"))
    client = Client(server.url, "legacyKEY0123456789", 7)

    with pytest.raises(errors.Refused) as caught:
        writes.run(client, VIEW)
    client.close()

    assert caught.value.detail == "the key [hidden] is odd"


def test_no_exception_behind_the_error_holds_the_key(make_client: Any):
    client = make_client(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(errors.NotSent) as caught:
        writes.run(client, VIEW)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_errors_survive_pickling(server: Scripted, client: Client):
    server.play(problem(403, NO_SCOPE))
    with pytest.raises(errors.MissingScope) as caught:
        writes.run(client, VIEW)

    copy = pickle.loads(pickle.dumps(caught.value))

    assert (copy.scope, copy.status, str(copy)) == ("warehouse_view:write", 403, str(caught.value))


def test_an_answer_of_requests_can_be_classified_too():
    response = requests.Response()
    response.status_code = 418
    response._content = b""

    error = errors.from_response(response, "PATCH", "/api/x/")

    assert isinstance(error, errors.Refused)
    assert error.detail == "I'm a Teapot (empty answer)"


@pytest.mark.parametrize(
    ("error", "unconfirmed"),
    [
        (errors.Unreachable("?"), True),
        (errors.ServerError("?"), True),
        (errors.BadAnswer("?"), True),
        (errors.Unreachable("?", method="GET"), False),
        (errors.NotSent("?"), False),
        (errors.RateLimited("?"), False),
        (errors.Conflict("?"), False),
    ],
)
def test_only_a_write_that_may_have_landed_is_unconfirmed(error: errors.PostHogError, unconfirmed: bool):
    assert error.unconfirmed is unconfirmed


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("23", 23.0), ("0", 0.0), ("", None), ("soon", None), ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_read_as_number_or_date(value: str, seconds: float | None):
    assert errors.retry_after_seconds({"Retry-After": value}) == seconds
