"""A new table in a real browser: what is typed as a key goes nowhere but with the form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from tests.changes.tables import ACCESS, NEW, SECRET, planted_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]


def test_keys_are_sent_with_the_form_alone_and_never_come_back(sign_in: Callable[..., Page]) -> None:
    page = sign_in("erin")
    page.goto("/tables/")
    page.get_by_role("link", name="New table").click()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    page.get_by_label("Access key").fill(ACCESS)
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_label("Format").select_option(NEW["format"])
    page.get_by_label("URL pattern").fill("http://files.example.com/*.csv")
    page.get_by_label("Name", exact=False).first.fill("browser_budget")
    page.get_by_label("Why").fill("The budget lives in files.")
    page.get_by_label("URL pattern").fill(NEW["url_pattern"])
    expect(page.locator("#consequences")).to_contain_text("access key set, secret set")
    previews = [request for request in sent if request.url.endswith("/preview/")]
    assert previews and not [one for one in previews if planted_in(one.post_data or "")]

    page.get_by_role("button", name="Propose").click()

    expect(page.locator("h1")).to_contain_text("Create table browser_budget")
    expect(page.locator("body")).to_contain_text("access key set, secret set by erin")
    assert planted_in(page.content()) == []
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Secret")).to_have_value("")
    stored = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert planted_in(stored) == []
