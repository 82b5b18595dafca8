"""The HTTP server: sockets, faults, and one world."""

from __future__ import annotations

import http
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import pages, seed, state, strikes
from .messages import Request, Response
from .models import Received
from .people import FULL_KEY
from .world import World


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without the look-up of our own host name, which can take seconds."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not an error of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End the connections that are kept alive."""
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it had ended already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Listener

    def _serve(self) -> None:
        world = self.server.sandbox.world
        request = self._read()
        record = Received(request.method, request.path, request.query, _readable(request), None, world.now())
        if request.path.startswith("/sandbox"):
            self._send(pages.answer(world, request))
            self.server.sandbox.keep(force=True)
            return
        with world.lock:
            world.received(record)
        response = strikes.answer(world, request, self.server.sandbox.stopping)
        self.server.sandbox.keep(force=request.method != "GET")
        if response is None:
            self.close_connection = True
            return
        record.status = response.status
        self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._read_chunks()
        else:
            body = self.rfile.read(int(headers.get("content-length") or 0))
        host = headers.get("host", f"127.0.0.1:{self.server.server_port}")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Request(self.command, unquote(parts.path), query, headers, body, f"http://{host}")

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, response: Response) -> None:
        payload = response.payload()
        lines = [
            f"HTTP/1.1 {response.status} {http.HTTPStatus(response.status).phrase}",
            f"Date: {self.date_time_string()}",
        ]
        if payload:
            lines.append(f"Content-Type: {response.content_type}")
        if response.status not in (204, 304):
            lines.append(f"Content-Length: {response.claimed_length or len(payload)}")
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.claimed_length:
            self.close_connection = True
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("latin-1") + (b"" if self.command == "HEAD" else payload))
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the world keeps what it received."""


def _readable(request: Request) -> Any:
    """The body as a test likes to see it."""
    if not request.body:
        return None
    if request.headers.get("content-type", "").startswith("multipart/"):
        return f"multipart, {len(request.body)} bytes"
    try:
        return json.loads(request.body)
    except ValueError:
        return request.body.decode("utf-8", "replace")


class SandboxServer:
    """One stand-in PostHog on a free loopback port; also a context manager.

    `size` makes a plain warehouse of that many views instead of the demonstration one. `live` lets schedules fire
    within seconds; otherwise nothing moves by itself in the first half hour unless the clock is advanced. `world` is
    one that was made before, instead of a new one.
    """

    key = FULL_KEY
    project_id = 1

    def __init__(
        self,
        generation: str = "D",
        port: int = 0,
        seed: int = 1,
        size: int | None = None,
        *,
        state_file: Path | None = None,
        latency_ms: float = 0,
        live: bool = False,
        world: World | None = None,
    ) -> None:
        self.world = world or self._make_world(generation, seed, size, state_file, live)
        self.world.latency = latency_ms / 1000
        self.stopping = threading.Event()
        self._state_file = state_file
        self._keeper = state.Keeper(self.world, state_file) if state_file else None
        self._listener = _Listener(("127.0.0.1", port), self)
        self._thread: threading.Thread | None = None

    @staticmethod
    def _make_world(generation: str, number: int, size: int | None, state_file: Path | None, live: bool) -> World:
        world = World(generation, number)
        if live:
            world.runner.resume_within = 15.0
        if state_file is not None and state_file.exists():
            state.load(world, state_file)
        else:
            seed.fill(world, size, live)
        return world

    @property
    def port(self) -> int:
        return self._listener.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> SandboxServer:
        """Serve from a thread of its own."""
        self._thread = threading.Thread(target=self.serve, name=f"sandbox-{self.port}", daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve until stopped."""
        self._listener.serve_forever(poll_interval=0.02)

    def stop(self) -> None:
        """Stop serving, end every connection, keep the state. May be called twice."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join(timeout=5)
        self._listener.hang_up()
        self._listener.server_close()
        self.keep(force=True)

    def keep(self, *, force: bool) -> None:
        """Save the world if it is to outlive us; unforced, only now and then."""
        if self._keeper is not None:
            self._keeper.save(force=force)

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
