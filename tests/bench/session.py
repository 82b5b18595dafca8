"""Somebody of the demo, signed in over HTTP."""

from __future__ import annotations

from typing import Any

import requests

PASSWORD = "warehouse-demo"


class Browser:
    """A signed-in session that sends its CSRF token, as a page does."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.http = url, requests.Session()
        self.http.get(f"{url}/accounts/login/").raise_for_status()
        form = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": self._token()}
        answer = self.http.post(f"{url}/accounts/login/", data=form, headers={"Referer": url}, allow_redirects=False)
        assert answer.status_code == 302, answer.status_code

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-CSRFToken": self._token(), "Referer": self.url}
        answer = self.http.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def _token(self) -> str:
        return self.http.cookies.get("portal_csrf") or ""
