"""A scripted PostHog and clients for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.posthog.scripted import Scripted
from warehouse_admin.posthog.client import Client

KEY = "phx_a1B2c3D4e5F6g7H8"


class Purse:
    """A budget that notes what was taken and every penalty; `refusal` is raised instead of giving."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bool]] = []
        self.penalties: list[float] = []
        self.refusal: Exception | None = None
        self.settled = False

    def acquire(self, purpose: str, *, block: bool) -> None:
        if self.refusal:
            raise self.refusal
        self.taken.append((purpose, block))

    def penalise(self, retry_after: float) -> None:
        self.penalties.append(retry_after)

    def settle(self) -> None:
        self.settled = True


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def purse() -> Purse:
    return Purse()


@pytest.fixture
def slept() -> list[float]:
    """What clients would have slept, in seconds."""
    return []


@pytest.fixture
def make_client(server: Scripted, purse: Purse, slept: list[float]) -> Iterator[Any]:
    made: list[Client] = []

    def make(host: str | None = None, **options: Any) -> Client:
        options = {"budget": purse, "sleep": slept.append, "read_timeout": 5, "write_timeout": 5, **options}
        made.append(Client(host or server.url, KEY, 7, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Any) -> Client:
    return make_client()
