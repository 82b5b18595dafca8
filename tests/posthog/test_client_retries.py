"""What is asked again and what never is, how long it waits, and what the budget has to say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.posthog.conftest import Purse
from tests.posthog.rows import DETAIL_B, VIEW
from tests.posthog.scripted import Scripted, answer, drop, hang, problem
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client

OK = answer(200, DETAIL_B)


@pytest.mark.parametrize("failure", [problem(502, "x"), problem(503, "x"), problem(504, "x"), problem(429, "x"), drop])
def test_a_read_is_asked_again_and_pays_for_each_try(
    server: Scripted, client: Client, purse: Purse, slept: list[float], failure: Any
):
    server.play(failure, failure, failure, OK)

    assert reads.get_saved_query(client, VIEW).id == VIEW

    assert len(server.asked) == 4
    assert purse.taken == [("background", True)] * 4
    assert slept == sorted(slept)
    assert 0.25 <= slept[0] <= slept[2] <= 1.5


def test_a_read_gives_up_after_three_more_tries(server: Scripted, client: Client, slept: list[float]):
    server.play(answer(502, b"<html>Bad gateway</html>", kind="text/html"))

    with pytest.raises(errors.ServerError) as caught:
        reads.get_saved_query(client, VIEW)

    assert caught.value.status == 502
    assert (len(server.asked), len(slept)) == (4, 3)


@pytest.mark.parametrize(("purpose", "asked"), [("interactive", 1), ("background", 4)])
def test_nobody_waits_for_one_time_out_after_another(server: Scripted, make_client: Any, purpose: str, asked: int):
    server.play(hang, hang, hang, hang)
    client = make_client(purpose=purpose, read_timeout=0.2)

    with pytest.raises(errors.Unreachable):
        client.request("GET", "warehouse_saved_queries/")

    assert len(server.asked) == asked


def test_an_interactive_read_is_asked_again_while_there_is_time(server: Scripted, make_client: Any):
    server.play(drop, answer(data={"id": "x"}))

    assert make_client(purpose="interactive").request("GET", "warehouse_saved_queries/x/").data == {"id": "x"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_what_will_not_change_is_not_asked_again(server: Scripted, client: Client, status: int):
    server.play(problem(status, "no"))

    with pytest.raises(errors.PostHogError):
        reads.get_saved_query(client, VIEW)

    assert len(server.asked) == 1


@pytest.mark.parametrize("failure", [problem(429, "x", Retry_After="1"), problem(503, "x"), drop])
def test_a_write_is_never_repeated(server: Scripted, client: Client, slept: list[float], failure: Any):
    server.play(failure)

    with pytest.raises(errors.PostHogError):
        writes.delete_saved_query(client, VIEW)

    assert (len(server.asked), slept) == (1, [])


def test_a_post_that_only_reads_is_asked_again(server: Scripted, client: Client):
    server.play(drop, answer(200, {"ancestors": ["events", VIEW]}))

    assert reads.ancestors(client, VIEW) == ["events", VIEW]


def test_a_post_that_only_reads_is_never_unconfirmed(server: Scripted, client: Client):
    server.play(problem(500, "no"))

    with pytest.raises(errors.ServerError) as caught:
        reads.ancestors(client, VIEW)

    assert not caught.value.unconfirmed


def test_retry_after_is_honoured_and_told_to_the_budget(
    server: Scripted, client: Client, purse: Purse, slept: list[float]
):
    server.play(problem(429, "wait", Retry_After="23"), OK)

    reads.get_saved_query(client, VIEW)

    assert slept == [23.0]
    assert purse.penalties == [23.0]


def test_a_429_without_retry_after_gets_a_backoff_of_our_own(
    server: Scripted, client: Client, purse: Purse, slept: list[float]
):
    server.play(problem(429, "Too many concurrent queries"), OK)

    reads.get_saved_query(client, VIEW)

    assert 0.25 <= slept[0] <= 0.375
    assert 0.25 <= purse.penalties[0] <= 0.375


def test_a_wait_beyond_the_cap_is_the_callers(server: Scripted, client: Client, slept: list[float]):
    server.play(problem(429, "wait", Retry_After="3600"))

    with pytest.raises(errors.RateLimited) as caught:
        reads.get_saved_query(client, VIEW)

    assert caught.value.retry_after == 3600.0
    assert (len(server.asked), slept) == (1, [])


def test_an_interactive_client_neither_blocks_nor_sleeps_long(
    server: Scripted, make_client: Any, purse: Purse, slept: list[float]
):
    server.play(problem(429, "wait", Retry_After="3"))

    with pytest.raises(errors.RateLimited):
        reads.get_saved_query(make_client(purpose="interactive"), VIEW)

    assert purse.taken == [("interactive", False)]
    assert slept == []


def test_the_limit_of_one_view_does_not_penalise_the_whole_key(server: Scripted, client: Client, purse: Purse):
    server.play(problem(429, "wait", Retry_After="3600"))

    with pytest.raises(errors.RateLimited):
        writes.materialize(client, VIEW)
    assert purse.penalties == []
    with pytest.raises(errors.RateLimited):
        writes.delete_saved_query(client, VIEW)
    assert purse.penalties == [3600.0]


def test_a_budget_that_says_no_keeps_the_request_here(server: Scripted, client: Client, purse: Purse):
    purse.refusal = errors.RateLimited("Our own budget is spent.", retry_after=9.0)

    with pytest.raises(errors.RateLimited) as caught:
        writes.run(client, VIEW)

    assert (caught.value.sent, caught.value.unconfirmed, caught.value.retry_after) == (False, False, 9.0)
    assert caught.value.path.endswith("/run/")
    assert server.asked == []
