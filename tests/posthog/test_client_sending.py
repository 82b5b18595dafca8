"""What the client knows to have sent: a write that may have arrived is unconfirmed, and never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.posthog.rows import DETAIL_B, VIEW
from tests.posthog.scripted import Scripted, answer, drop, free_port, hang, raw
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client

OK = answer(200, DETAIL_B)


def test_a_refused_connection_sent_nothing(make_client: Any):
    client = make_client(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(errors.NotSent) as caught:
        writes.run(client, VIEW)

    assert (caught.value.sent, caught.value.unconfirmed) == (False, False)


def test_an_unknown_host_name_sent_nothing(make_client: Any):
    client = make_client("https://no-such-host.invalid")

    with pytest.raises(errors.NotSent) as caught:
        writes.run(client, VIEW)

    assert not caught.value.unconfirmed


def test_a_failed_tls_handshake_sent_nothing(server: Scripted, make_client: Any):
    client = make_client(server.url.replace("http:", "https:"))

    with pytest.raises(errors.NotSent):
        writes.run(client, VIEW)

    assert server.asked == []


@pytest.mark.parametrize("accepts", [True, False])
def test_a_proxy_that_fails_before_the_tunnel_stands_sent_nothing(server: Scripted, make_client: Any, accepts: bool):
    proxy = server.url if accepts else f"http://127.0.0.1:{free_port()}"
    client = make_client("https://posthog.example.com", proxies={"https": proxy})

    with pytest.raises(errors.NotSent):
        writes.run(client, VIEW)


def test_what_cannot_be_encoded_is_not_sent(server: Scripted, client: Client):
    with pytest.raises(errors.NotSent):
        client.request("POST", "x/", json={"n": float("nan")})
    assert server.asked == []


def test_a_dropped_connection_after_sending_leaves_a_write_unconfirmed(server: Scripted, client: Client):
    server.play(drop)

    with pytest.raises(errors.Unreachable) as caught:
        writes.run(client, VIEW)

    assert type(caught.value) is errors.Unreachable
    assert (caught.value.sent, caught.value.unconfirmed) == (True, True)
    assert len(server.asked) == 1


def test_a_drop_on_a_reused_connection_leaves_a_write_unconfirmed(server: Scripted, client: Client):
    server.play(OK, drop)
    reads.get_saved_query(client, VIEW)

    with pytest.raises(errors.Unreachable) as caught:
        writes.run(client, VIEW)

    assert caught.value.unconfirmed


def test_a_mad_answer_to_a_write_leaves_it_unconfirmed(server: Scripted, client: Client):
    server.play(raw("HTTP/1.1 200 OK\nContent-Length: 5, 6", b"hello"))

    with pytest.raises(errors.PostHogError) as caught:
        writes.run(client, VIEW)

    assert caught.value.unconfirmed


def test_a_write_that_times_out_is_unconfirmed(server: Scripted, make_client: Any):
    server.play(hang)

    with pytest.raises(errors.Unreachable, match="in time") as caught:
        writes.run(make_client(write_timeout=0.5), VIEW)

    assert caught.value.unconfirmed
    assert len(server.asked) == 1


def test_a_timeout_is_for_one_call(server: Scripted, client: Client):
    server.play(hang)

    with pytest.raises(errors.Unreachable):
        reads.validate_query(client, "SELECT 1", timeout=0.05)
