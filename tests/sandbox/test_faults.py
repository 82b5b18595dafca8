from __future__ import annotations

import time

import pytest
import requests

from warehouse_admin.sandbox.faults import KINDS, Fault

VIEWS = "warehouse_saved_queries/"


def strike(api, kind: str, **options) -> None:
    api.world.faults.add(Fault(kind, **options))


def test_a_429_with_and_without_a_time(start):
    api = start()
    strike(api, "status_429", retry_after=23)
    strike(api, "status_429")
    first, second, third = (api("GET", VIEWS) for _ in range(3))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "23")
    assert first.json()["detail"].endswith("available in 23 seconds.")
    assert second.status_code == 429
    assert "Retry-After" not in second.headers
    assert third.status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "start_of_body"),
    [
        ("status_500", 500, "application/json", b'{"type":"server_error"'),
        ("status_503_html", 503, "text/html", b"<html>"),
        ("html_200", 200, "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("empty_200", 200, None, b""),
    ],
)
@pytest.mark.parametrize("act", [False, True])
def test_answers_that_hide_what_happened(start, kind, status, content_type, start_of_body, act):
    api = start()
    strike(api, kind, act=act, method="patch")
    answer = api.patch("mart_support_sla", description="Ours")
    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)
    assert answer.content.startswith(start_of_body)
    assert (api.detail("mart_support_sla")["description"] == "Ours") is act


@pytest.mark.parametrize(("kind", "acted"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_before_and_after_acting(start, kind, acted):
    api = start()
    view = api.id("mart_support_sla")
    strike(api, kind, method="PATCH")
    with pytest.raises(requests.ConnectionError):
        api.patch("mart_support_sla", description="Ours")
    assert api.world.writes(view) == acted
    assert len(api.world.requests_to(view, "PATCH")) == 1


def test_half_a_body_well_formed_or_cut_off(start):
    api = start()
    strike(api, "truncated")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        api("GET", VIEWS).json()
    strike(api, "truncated", length="full")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        api("GET", VIEWS)


@pytest.mark.parametrize(("when", "acted"), [("before", 0), ("after", 1)])
def test_a_slow_answer_acts_before_or_after_the_client_gives_up(start, when, acted):
    api = start()
    strike(api, "slow", seconds=20, when=when)
    with pytest.raises(requests.ReadTimeout):
        api.http.patch(
            f"{api.server.url}/api/projects/1/{VIEWS}{api.id('stg_persons')}/", json={"name": "x"}, timeout=1
        )
    assert api.world.writes() == acted
    started = time.perf_counter()
    api.server.stop()
    assert time.perf_counter() - started < 2, "a sleeping answer does not keep the server from stopping"


@pytest.mark.parametrize(("options", "status"), [({}, 402), ({"status": 403}, 403), ({"status": 404}, 404)])
def test_a_refusal_is_told_in_posthogs_words(start, options, status):
    api = start()
    strike(api, "refuse", path_regex="activity_log", **options)
    answer = api("GET", "activity_log/")
    assert (answer.status_code, set(answer.json())) == (status, {"type", "code", "detail", "attr"})
    assert api("GET", "activity_log/").status_code == 200


def test_a_redirect_leads_elsewhere(start):
    api = start()
    strike(api, "redirect")
    answer = api("GET", VIEWS, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://login.example/sign-in")


def test_a_revoked_key_stays_dead(start):
    api = start()
    strike(api, "revoke_key", after=1)
    assert [api("GET", VIEWS).status_code for _ in range(3)] == [200, 401, 401]
    assert api.as_key("phx_sandbox_ana")("GET", VIEWS).status_code == 200


def test_lists_that_shrink_or_are_empty(start):
    api = start()
    full = api("GET", VIEWS).json()["count"]
    strike(api, "shrink_list", keep=0.5)
    strike(api, "empty_list", path_regex="warehouse_tables")
    part = api("GET", VIEWS).json()
    assert (part["count"], len(part["results"])) == (full // 2, full // 2)
    assert api("GET", "warehouse_tables/").json()["results"] == []
    assert api("GET", VIEWS).json()["count"] == full


@pytest.mark.parametrize("by", [1, -1])
def test_a_crawl_shifts_between_pages(start, by):
    api = start()
    api.world.page_size = 20
    strike(api, "shift", by=by)
    first, second = api("GET", VIEWS).json(), api("GET", f"{VIEWS}?page=2").json()
    assert second["count"] == first["count"] + by
    shared = {row["id"] for row in first["results"]} & {row["id"] for row in second["results"]}
    assert len(shared) == (1 if by > 0 else 0)


def test_faults_pick_their_requests_and_count_down(start):
    api = start()
    strike(api, "status_500", method="GET", path_regex="tables", times=2, after=1)
    assert api("GET", VIEWS).status_code == 200
    assert [api("GET", "warehouse_tables/").status_code for _ in range(4)] == [200, 500, 500, 200]


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="known: status_429"):
        Fault("gremlins")
    assert len(KINDS) == len(set(KINDS))


def test_the_rate_is_a_sliding_window_in_which_refusals_do_not_count(start):
    api = start()
    api.world.rate = (3, 100)
    assert [api("GET", "warehouse_tables/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = api("GET", "warehouse_tables/")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert api.as_key("phx_sandbox_read")("GET", "warehouse_tables/").status_code == 200
    api.world.clock.advance(60)
    assert api("GET", "warehouse_tables/").status_code == 200


def test_the_hourly_window_also_holds(start):
    api = start()
    api.world.rate = (3, 4)
    for _ in range(3):
        api("GET", "warehouse_tables/")
    api.world.clock.advance(61)
    assert [api("GET", "warehouse_tables/").status_code for _ in range(2)] == [200, 429]
    assert int(api("GET", "warehouse_tables/").headers["Retry-After"]) > 3000
