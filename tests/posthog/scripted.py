"""A tiny HTTP server that plays a script of answers, broken ones included, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Step = Callable[["Handler"], None]


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart, and an idle kernel would wait 40 ms between them
    server: Scripted

    def _play(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        try:
            self.server.next_step(asked)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _play

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Scripted(ThreadingHTTPServer):
    """Answers with the steps of `script` in turn; the last one is played for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Step] = []
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def play(self, *steps: Step) -> None:
        self.script = list(steps)

    def next_step(self, asked: Asked) -> Step:
        with self._lock:
            self.asked.append(asked)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raw(head: str, body: bytes = b"", *, close: bool = True) -> Step:
    """Exactly these bytes."""

    def step(handler: Handler) -> None:
        handler.wfile.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        handler.close_connection = close

    return step


def answer(status: int = 200, data: Any = None, *, kind: str = "application/json", **headers: str) -> Step:
    """A well-formed answer; `data` None is an empty body without a content type, bytes go out as they are."""

    def step(handler: Handler) -> None:
        body = b"" if data is None else data if isinstance(data, bytes) else json.dumps(data).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if body:
            handler.send_header("Content-Type", kind)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def problem(status: int, detail: str, code: str = "invalid_input", attr: str | None = None, **headers: str) -> Step:
    """An error in PostHog's shape."""
    body = {"type": "validation_error", "code": code, "detail": detail, "attr": attr}
    return answer(status, body, **headers)


def drop(handler: Handler) -> None:
    """Hang up without a word, the request having been read."""
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Say nothing until the test lets go."""
    handler.server.released.wait(10)
    handler.close_connection = True


def page(rows: list[Any], *, count: int | None = None, following: str | None = None) -> Step:
    """A page of a list."""
    total = len(rows) if count is None else count
    return answer(200, {"count": total, "next": following, "previous": None, "results": rows})
