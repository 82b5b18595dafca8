"""A script that calls the REST API."""

from __future__ import annotations

from typing import Any

from django.test import Client

BASE = "/api/v1/"


class Caller:
    """With a token, or as the signed-in browser of a person, where CSRF is enforced."""

    def __init__(self, client: Client, headers: dict[str, str] | None = None) -> None:
        self.client = client
        self.headers = headers or {}

    def get(self, path: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(BASE + path, params or {}, headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            BASE + path, {} if body is None else body, "application/json", headers={**self.headers, **headers}
        )

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(BASE + path, body, "application/json", headers=self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(BASE + path, headers=self.headers)

    def key(self, key: str) -> Caller:
        """The same caller with an Idempotency-Key."""
        return Caller(self.client, {**self.headers, "Idempotency-Key": key})


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem details of a refusal, after checking that it is one."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"] and body["type"] and body["detail"]
    return body
