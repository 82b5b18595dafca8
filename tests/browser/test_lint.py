"""The editor tells what lint finds while somebody types, and lays the text out anew by a key."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]


def test_findings_come_while_typing_and_a_key_formats_the_text(sign_in: Callable[..., Page]) -> None:
    page = sign_in("erin")
    page.goto("/changes/new-view/")
    page.wait_for_load_state()
    area = page.locator(".editor-area .ace_text-input")
    area.press("Escape")
    page.keyboard.insert_text("select * from stg_app_orders o")

    finding = page.locator("[data-findings]").get_by_text("It takes whatever columns stg_app_orders has.")
    expect(finding).to_be_visible()
    expect(page.locator(".ace_gutter-cell.ace_warning")).to_have_count(1)
    link = page.locator("[data-findings]").get_by_role("link", name="select-star")
    assert link.get_attribute("href") == "/lint/select-star/"

    area.press("Shift+Alt+F")

    text = page.locator("textarea[name=query]")
    expect(text).to_have_value("SELECT * FROM stg_app_orders o")
    area.press("Control+Z")
    expect(text).to_have_value("select * from stg_app_orders o")
    page.keyboard.insert_text(" where (")
    page.get_by_role("button", name="Format").click()
    expect(page.locator(".toast")).to_contain_text(re.compile("syntax error on line 1"))
    page.evaluate(
        """async () => fetch("/api/v1/saved-queries/new/draft/",
        { method: "DELETE", headers: JSON.parse(document.body.getAttribute("hx-headers")) })"""
    )
