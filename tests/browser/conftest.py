"""A whole portal, started as `make run` starts it, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page

from tests.running import Portal

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
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "No Chromium found; install the system's chromium package."
        )


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return {"executable_path": chromium(), "args": CHROMIUM_FLAGS}


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
