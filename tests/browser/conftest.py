"""A whole portal, started as `make run` starts it, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from django.conf import settings
from playwright.sync_api import Browser, Page

READY_WITHIN = 90.0  # seconds
PASSWORD = "warehouse-demo"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the browser driver keeps an event loop in this thread

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session", autouse=True)
def require_browser() -> None:
    """Missing browser: skipped on a person's machine, a failure in CI."""
    if chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("No Chromium found; install the system's chromium package.")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return {"executable_path": chromium(), "args": CHROMIUM_FLAGS}


@dataclass(frozen=True)
class Portal:
    """A running portal and its sandbox."""

    url: str
    sandbox_url: str
    folder: Path
    pid: int

    def log(self) -> str:
        return (self.folder / "run.log").read_text()


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """`manage.py run` on its own folder, port and database."""
    folder = Path(tempfile.mkdtemp(prefix="portal-e2e-"))
    port = _free_port()
    with _scratch_database() as database:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "DJANGO_"))}
        environment |= {"VAR_DIR": str(folder), "PORT": str(port), "LOG_LEVEL": "warning", **database}
        for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
            environment.pop(name, None)
        with (folder / "run.log").open("w") as log:
            command = [sys.executable, "manage.py", "run"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=settings.BASE_DIR)
        try:
            yield _wait_until_ready(process, f"http://127.0.0.1:{port}", folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, folder: Path) -> Portal:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        log = (folder / "run.log").read_text()
        found = re.search(r"sandbox ready on (http://\S+)", log)
        if found and "The portal is ready" in log:
            return Portal(url, found[1], folder, process.pid)
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"the portal did not start:\n{(folder / 'run.log').read_text()[-4000:]}")


class _scratch_database:  # noqa: N801  used as a context manager, like a function
    """An empty PostgreSQL database where the suite runs on PostgreSQL; nothing to do on SQLite."""

    def __init__(self) -> None:
        self.url = os.environ.get("DATABASE_URL", "")
        self.name = f"portal_e2e_{os.getpid()}"

    def __enter__(self) -> dict[str, str]:
        if not self.url.startswith("postgres"):
            return {}
        self._run(f'CREATE DATABASE "{self.name}"')
        return {"DATABASE_URL": urlsplit(self.url)._replace(path=f"/{self.name}").geturl()}

    def __exit__(self, *exc: object) -> None:
        if self.url.startswith("postgres"):
            self._run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as link:
            link.execute(statement)


@pytest.fixture
def sign_in(browser: Browser, portal: Portal) -> Iterator[Callable[..., Page]]:
    """A page in a browser context of its own, signed in as one of the demo people."""
    contexts = []

    def as_(name: str, **options: object) -> Page:
        context = browser.new_context(base_url=portal.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.get_by_label("User name or e-mail").fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{portal.url}/")
        return page

    yield as_
    for context in contexts:
        context.close()


@pytest.fixture
def outside(portal: Portal) -> Callable[..., None]:
    """What somebody does in PostHog itself, behind the portal's back."""

    def do(action: str, **body: object) -> None:
        requests.post(f"{portal.sandbox_url}/sandbox/outside/{action}", json=body, timeout=10).raise_for_status()

    return do
