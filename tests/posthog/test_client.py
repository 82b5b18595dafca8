"""What the client believes, what it repeats, and where the key may go."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import threading
from typing import Any

import pytest

from tests.posthog.conftest import KEY, Purse
from tests.posthog.rows import DETAIL_B, LIST_B, TOKEN, VIEW
from tests.posthog.scripted import Handler, Scripted, answer, free_port, page, problem, raw
from warehouse_admin.posthog import errors, reads, transport, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.transport import validate_host

OK = answer(200, DETAIL_B)


def test_the_key_travels_as_a_header_only(server: Scripted, client: Client):
    server.play(OK)

    reads.get_saved_query(client, VIEW)

    asked = server.asked[0]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["user-agent"].startswith("warehouse-admin/")
    assert (asked.path, asked.params) == (f"/api/projects/7/warehouse_saved_queries/{VIEW}/", {})
    assert "cookie" not in asked.headers


def test_cookies_are_never_kept(server: Scripted, client: Client):
    server.play(answer(200, DETAIL_B, Set_Cookie="sessionid=1; Path=/"), OK)

    reads.get_saved_query(client, VIEW)
    reads.get_saved_query(client, VIEW)

    assert "cookie" not in server.asked[1].headers


def test_neither_repr_nor_pickle_gives_the_key_away(client: Client):
    assert KEY not in repr(client) + repr(client._auth) + str(client)
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_a_connection_is_reused(server: Scripted, client: Client):
    ports: list[int] = []

    def step(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        OK(handler)

    server.play(step)
    reads.get_saved_query(client, VIEW)
    reads.get_saved_query(client, VIEW)

    assert len(ports) == 2
    assert len(set(ports)) == 1


def test_threads_share_a_client_and_not_its_connections(server: Scripted, client: Client):
    server.play(OK)
    statuses: list[int | None] = []

    def work() -> None:
        for _ in range(5):
            reads.get_saved_query(client, VIEW)
        statuses.append(client.last_status)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 4
    assert len(server.asked) == 20
    assert client.last_status is None


# What is believed


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_empty_answer_is_success_without_data(server: Scripted, client: Client, status: int):
    server.play(answer(status))

    assert client.request("POST", "x/").data is None
    assert client.last_status == status


def test_an_empty_answer_is_no_view(server: Scripted, client: Client):
    server.play(answer(200))

    with pytest.raises(errors.BadAnswer, match="nothing") as caught:
        reads.get_saved_query(client, VIEW)
    assert (caught.value.status, caught.value.unconfirmed) == (200, False)
    with pytest.raises(errors.BadAnswer) as caught:
        writes.update_saved_query(client, VIEW, name="x")
    assert caught.value.unconfirmed


@pytest.mark.parametrize(
    "step",
    [
        answer(200, b"<html>Sign in</html>", kind="text/html"),
        answer(200, json.dumps(DETAIL_B).encode(), kind="text/html"),
        answer(200, json.dumps(DETAIL_B).encode()[:-9]),
        answer(200, b"\xff\xfe"),
        answer(200, b"[" * 100_000),
        raw("HTTP/1.1 200 OK\nConnection: close", json.dumps(DETAIL_B).encode()),
    ],
    ids=["page", "json labelled as a page", "cut json", "not utf-8", "nested too deep", "no content type"],
)
def test_what_is_not_whole_json_is_not_believed(server: Scripted, client: Client, step: Any):
    server.play(step)

    with pytest.raises(errors.BadAnswer) as caught:
        reads.get_saved_query(client, VIEW)

    assert caught.value.status == 200
    assert len(server.asked) == 1
    with pytest.raises(errors.BadAnswer) as caught:
        writes.update_saved_query(client, VIEW, name="x")
    assert caught.value.unconfirmed


def cut_short(declared: int) -> Any:
    head = f"HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: {declared}"
    return raw(head, json.dumps({"count": 0, "next": None, "results": []}).encode())


def cut_chunk(handler: Handler) -> None:
    raw("HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked", b"40\r\n[1,2")(handler)


@pytest.mark.parametrize("step", [cut_short(500), cut_chunk], ids=["content length", "chunk"])
def test_an_answer_that_breaks_off_is_asked_for_again_and_never_taken_for_a_short_list(
    server: Scripted, client: Client, step: Any
):
    server.play(step)
    with pytest.raises(errors.Truncated):
        reads.list_saved_queries(client)
    assert len(server.asked) == 4

    server.play(step, page([LIST_B]))
    assert reads.list_saved_queries(client).count == 1


def test_waiting_before_asking_again_leaves_the_shared_generator_of_chance_alone(server: Scripted, client: Client):
    server.play(cut_chunk, page([LIST_B]))
    before = random.getstate()

    reads.list_saved_queries(client)

    assert random.getstate() == before, "forked workers inherit it, and would wait in step"


def test_a_truncated_answer_to_a_write_is_unconfirmed_and_not_repeated(server: Scripted, client: Client):
    server.play(cut_short(500))

    with pytest.raises(errors.Truncated) as caught:
        writes.run(client, VIEW)

    assert caught.value.unconfirmed
    assert len(server.asked) == 1


def test_a_compressed_answer_is_read(server: Scripted, client: Client):
    body = gzip.compress(json.dumps(DETAIL_B).encode())
    server.play(answer(200, body, Content_Encoding="gzip"))

    assert reads.get_saved_query(client, VIEW).name == "stg.orders"


def test_an_answer_beyond_the_bound_is_not_read_to_the_end(server: Scripted, client: Client, monkeypatch: Any):
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 100_000)
    server.play(answer(200, gzip.compress(b" " * 1_000_000), Content_Encoding="gzip"))

    with pytest.raises(errors.BadAnswer, match="larger"):
        reads.get_saved_query(client, VIEW)


def test_an_answer_that_trickles_is_given_up(server: Scripted, make_client: Any):
    def trickle(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
        while not handler.server.released.wait(0.05):
            handler.wfile.write(b" ")

    server.play(trickle)

    with pytest.raises(errors.BadAnswer, match="too long"):
        reads.get_saved_query(make_client(read_timeout=0.2), VIEW)


# Where the key may go


def test_a_redirect_is_an_error_and_the_key_stays_home(server: Scripted, client: Client):
    elsewhere = Scripted()
    elsewhere.play(OK)
    thread = threading.Thread(target=elsewhere.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.play(answer(302, Location=f"{elsewhere.url}/api/"))
    try:
        with pytest.raises(errors.BadAnswer, match="redirect"):
            reads.get_saved_query(client, VIEW)
        assert elsewhere.asked == []
        assert len(server.asked) == 1

        following = f"{elsewhere.url}/api/projects/9/data_modeling_jobs/?cursor=abc&limit=100"
        server.play(page([], following=following), page([]))
        first = reads.list_jobs(client)
        second = reads.list_jobs(client, cursor=first.cursor)
    finally:
        elsewhere.shutdown()
        elsewhere.server_close()
        thread.join()

    assert (first.has_next, second.has_next) == (True, False)
    assert elsewhere.asked == []
    assert server.asked[-1].path == "/api/projects/7/data_modeling_jobs/"
    assert server.asked[-1].params["cursor"] == ["abc"]


def test_the_environment_does_not_steer_the_key(server: Scripted, client: Client, monkeypatch: Any):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.play(OK)

    assert reads.get_saved_query(client, VIEW).latest_history_id == TOKEN


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://us.posthog.com", "https://us.posthog.com"),
        (" https://PostHog.Example.com:8443/ ", "https://posthog.example.com:8443"),
        ("http://localhost:8010", "http://localhost:8010"),
        ("http://127.0.0.2", "http://127.0.0.2"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_hosts_are_reduced_to_their_origin(given: str, origin: str):
    assert validate_host(given) == origin


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("us.posthog.com", "scheme"),
        ("ftp://us.posthog.com", "scheme"),
        ("http://us.posthog.com", "https"),
        ("http://localhost.evil.com", "https"),
        ("https://a:b@us.posthog.com", "password"),
        ("https://us.posthog.com/project/7", "path"),
        ("https://us.posthog.com?x=1", "path"),
        ("https://us.posthog.com#x", "path"),
        ("https://us.i.posthog.com", "https://us.posthog.com"),
        ("https://exa mple.com", "name"),
        ("https://host:port", "readable"),
        ("", "scheme"),
    ],
)
def test_unfit_hosts_are_refused_with_a_sentence(host: str, why: str):
    with pytest.raises(ValueError, match=why):
        Client(host, KEY, 7)


@pytest.mark.parametrize("key", ["", " ", "phx_a\r\nX: y", "phx_\u00e9", "two words"])
def test_unfit_keys_are_refused_without_repeating_them(key: str):
    with pytest.raises(ValueError, match="API key") as caught:
        Client("https://us.posthog.com", key, 7)
    assert "phx_" not in str(caught.value)


@pytest.mark.parametrize("path", ["../../users/", "a?b=1", "a b", "//evil.com/", "/api/../x", "a#b", "a\\b"])
def test_paths_cannot_leave_the_api(server: Scripted, client: Client, path: str):
    with pytest.raises(ValueError, match="path"):
        client.request("GET", path)
    assert server.asked == []


@pytest.mark.parametrize("project", ["", "7/../8", "x", "-1", None])
def test_a_project_is_a_number(project: Any):
    with pytest.raises(ValueError, match="project"):
        Client("https://us.posthog.com", KEY, project)


# Which prefix


def test_projects_is_preferred(server: Scripted, make_client: Any):
    server.play(page([]))
    client = make_client(path_prefix="environments")

    assert client.detect_prefix() == "projects"
    assert client.path_prefix == "projects"


def test_environments_is_the_fallback(server: Scripted, client: Client):
    server.play(problem(404, "Endpoint not found.", code="not_found"), page([]), OK)

    assert client.detect_prefix() == "environments"
    reads.get_saved_query(client, VIEW)
    assert server.asked[-1].path.startswith("/api/environments/7/")


def test_a_key_without_the_scope_still_tells_the_prefix(server: Scripted, client: Client):
    server.play(problem(403, "API key missing required scope 'warehouse_view:read'"))

    assert client.detect_prefix() == "projects"


def test_an_unknown_project_is_said(server: Scripted, client: Client):
    server.play(problem(404, "Project not found.", code="not_found"))

    with pytest.raises(errors.NotFound, match="Project"):
        client.detect_prefix()


def test_closing_puts_on_record_what_was_spent(make_client: Any, purse: Purse) -> None:
    make_client().close()

    assert purse.settled


# A key that is refused


def refusal() -> Any:
    return problem(401, "Personal API key found in request Authorization header is invalid.")


def test_a_refused_key_is_told_at_once_by_the_thread_that_made_the_client(server: Scripted, make_client: Any):
    told: list[int] = []
    client = make_client(on_refused_key=lambda: told.append(threading.get_ident()))
    server.play(OK, problem(403, "Access denied"), raw("HTTP/1.1 401 No\r\nContent-Length: 0"), refusal())
    reads.get_saved_query(client, VIEW)
    for error in (errors.PermissionDenied, errors.BadAnswer):
        with pytest.raises(error):
            reads.get_saved_query(client, VIEW)
    assert told == []

    with pytest.raises(errors.InvalidKey):
        reads.get_saved_query(client, VIEW)

    client.close()
    assert told == [threading.get_ident()]


def test_what_other_threads_were_told_is_told_when_the_client_is_closed(server: Scripted, make_client: Any):
    told: list[int] = []
    client = make_client(on_refused_key=lambda: told.append(threading.get_ident()))
    server.play(refusal(), refusal())

    def work() -> None:
        with pytest.raises(errors.InvalidKey):
            reads.get_saved_query(client, VIEW)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert told == []

    client.close()
    client.close()
    assert told == [threading.get_ident()]
