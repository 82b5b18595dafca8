"""A sandbox of any generation, and a client that speaks plain HTTP to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from warehouse_admin.sandbox.server import SandboxServer


class Api:
    """Requests to one sandbox with one key."""

    def __init__(self, server: SandboxServer, key: str | None = None) -> None:
        self.server = server
        self.world = server.world
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {key or server.key}"

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        url = path if path.startswith("/") else f"/api/projects/1/{path}"
        return self.http.request(method, self.server.url + url, json=json, timeout=10, **options)

    def as_key(self, key: str) -> Api:
        return Api(self.server, key)

    def id(self, name: str) -> str:
        return self.world.view(name).id

    def detail(self, name_or_id: str) -> dict[str, Any]:
        answer = self("GET", f"warehouse_saved_queries/{self.world.view(name_or_id).id}/")
        assert answer.status_code == 200
        return answer.json()

    def patch(self, name: str, /, **body: Any) -> requests.Response:
        return self("PATCH", f"warehouse_saved_queries/{self.id(name)}/", body)

    def act(self, name: str, action: str, body: Any = None) -> requests.Response:
        return self("POST", f"warehouse_saved_queries/{self.id(name)}/{action}/", body)


def hogql(text: str) -> dict[str, str]:
    return {"kind": "HogQLQuery", "query": text}


@pytest.fixture
def start() -> Iterator[Callable[..., Api]]:
    """Start a sandbox; it and the client's connections end with the test."""
    opened: list[Api] = []

    def make(generation: str = "D", **options: Any) -> Api:
        opened.append(Api(SandboxServer(generation, **options).start()))
        return opened[-1]

    yield make
    for api in opened:
        api.http.close()
        api.server.stop()
