"""A whole portal on its own folder, port and database, started as `make run` starts it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

READY_WITHIN = 90.0  # seconds
STOPS_WITHIN = 30.0


@dataclass(frozen=True)
class Portal:
    """A running portal and its sandbox."""

    url: str
    sandbox_url: str
    folder: Path
    pid: int
    environment: dict[str, str]

    def log(self) -> str:
        return _log(self.folder)


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """`manage.py run`, for tests that leave it as they found it."""
    with scratch_folder() as folder, scratch_database("e2e") as database:
        environment = environment_of(folder, **database)
        process = start(environment)
        try:
            portal = wait_until_ready(process, environment)
            wait_until_mirrored(portal)
            yield portal
        finally:
            stop(process)


def wait_until_mirrored(portal: Portal) -> None:
    """Until the sync that a new portal starts by itself has ended well."""

    def mirrored() -> bool:
        answer = manage(portal.environment, "sync", "--json")
        return answer.returncode == 0

    wait_for(mirrored, READY_WITHIN, portal.log)


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a portal in sandbox mode that keeps its data in `folder`."""
    outside = (
        "POSTHOG_",
        "DJANGO_",
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "DEBUG",
        "ALLOWED_HOSTS",
        "BIND",
        "HTTPS_ONLY",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    own = {"VAR_DIR": str(folder), "PORT": str(free_port()), "LOG_LEVEL": "warning"}
    # Several portals of one suite may use the same outside broker: none may take another's tasks.
    return kept | own | {"REDIS_KEY_PREFIX": f"{folder.name}-"} | more


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the portal to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60)


def start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (Path(environment["VAR_DIR"]) / "run.log").open("w") as log:
        command = [sys.executable, "manage.py", "run"]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=settings.BASE_DIR)


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Signal the supervisor and give its exit status."""
    process.send_signal(number)
    return process.wait(STOPS_WITHIN)


def wait_until_ready(process: subprocess.Popen[bytes], environment: dict[str, str]) -> Portal:
    folder = Path(environment["VAR_DIR"])

    def ready() -> bool:
        assert process.poll() is None, f"the portal did not start:\n{_log(folder)[-4000:]}"
        return "The portal is ready" in _log(folder) and "sandbox ready on" in _log(folder)

    wait_for(ready, READY_WITHIN, lambda: f"the portal did not start:\n{_log(folder)[-4000:]}")
    sandbox = re.search(r"sandbox ready on (http://\S+)", _log(folder))
    assert sandbox
    return Portal(f"http://127.0.0.1:{environment['PORT']}", sandbox[1], folder, process.pid, environment)


def wait_for(condition: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> float:
    """Poll until `condition` holds; gives how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, complaint()
        time.sleep(0.1)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scratch_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="portal-run-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch_database(name: str) -> Iterator[dict[str, str]]:
    """An empty PostgreSQL database where the suite runs on PostgreSQL; nothing to do on SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    database = f"portal_{name}_{secrets.token_hex(6)}"
    _run(url, f'CREATE DATABASE "{database}"')
    try:
        yield {"DATABASE_URL": urlsplit(url)._replace(path=f"/{database}").geturl()}
    finally:
        _run(url, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(statement)


def _log(folder: Path) -> str:
    return (folder / "run.log").read_text()
