"""Things that go wrong between a client and PostHog, on demand."""

from __future__ import annotations

import re
import threading
from typing import Any

KINDS = (
    "status_429",  # retry_after=seconds or absent for none
    "refuse",  # status=402 (the default: a paid plan), 403 (a scope) or 404 (the server has no such route)
    "status_500",  # act=True: the change happens all the same
    "status_503_html",  # act=True likewise
    "html_200",  # act=True likewise
    "empty_200",  # act=True likewise
    "truncated",  # length="cut" (well-formed HTTP, half a body) or "full" (the connection ends early)
    "drop_before",
    "drop_after",
    "slow",  # seconds, when="before" or "after" acting
    "redirect",  # location
    "revoke_key",  # the key that asked is dead from now on
    "shrink_list",  # keep=share of the rows
    "empty_list",
    "shift",  # by=+1 or -1: a view appears or goes between two pages of a list
    "scheduler_down",  # run, materialize and cancel fail as they do without their scheduler
)


class Fault:
    """One fault; strikes `times` matching requests (None: every one) after letting `after` of them pass."""

    def __init__(
        self,
        kind: str,
        method: str | None = None,
        path_regex: str | None = None,
        times: int | None = 1,
        after: int = 0,
        body_regex: str | None = None,
        **options: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
        re.compile(path_regex or "")
        re.compile(body_regex or "")
        self.body_regex = body_regex
        self.kind, self.method, self.path_regex = kind, method.upper() if method else None, path_regex
        self.times, self.after, self.options, self.struck = times, after, options, 0

    def matches(self, method: str, path: str, query: dict[str, str], body: bytes = b"") -> bool:
        if self.method and self.method != method:
            return False
        if self.path_regex and not re.search(self.path_regex, path):
            return False
        if self.body_regex and not re.search(self.body_regex, body.decode("utf-8", "replace")):
            return False
        if self.kind == "shift":
            return query.get("page", "1") != "1" or query.get("offset", "0") != "0"
        return True

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "method": self.method,
            "path_regex": self.path_regex,
            "body_regex": self.body_regex,
            "times": self.times,
            "after": self.after,
            "struck": self.struck,
            **self.options,
        }


class Faults:
    """The faults that are waiting; safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def list(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_dict() for fault in self._waiting]

    def take(self, method: str, path: str, query: dict[str, str], body: bytes = b"") -> Fault | None:
        """The fault that strikes this request, counted down."""
        with self._lock:
            for fault in self._waiting:
                if not fault.matches(method, path, query, body):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.struck += 1
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                return fault
        return None
