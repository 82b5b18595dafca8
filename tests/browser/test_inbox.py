"""The inbox by keyboard: the pane follows, a click goes on to the next entry, and one key takes it back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]


def test_entries_are_dealt_with_by_keyboard(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/activity/?folder=all")
    closed = page.locator(".inbox-list [data-fold][aria-expanded=false]")
    if closed.count():  # what other tests did may be folded: rows that are not shown are passed over
        page.keyboard.press("j")
        expect(closed.first).to_be_focused()
        page.goto("/activity/?folder=all")
    while closed.count():
        closed.first.click()
    links = page.locator(".inbox-list [data-entry]")
    keys = [links.nth(number).get_attribute("data-entry") or "" for number in range(3)]
    pane = page.locator("#reading-pane")
    expect(pane).to_have_attribute("data-entry", keys[0])

    page.keyboard.press("j")
    expect(pane).to_have_attribute("data-entry", keys[1])
    page.keyboard.press("Enter")
    expect(pane).to_be_focused()
    page.keyboard.press("e")

    expect(page).to_have_url(re.compile(rf"folder=all&entry={keys[2]}$"))
    expect(pane).to_have_attribute("data-entry", keys[2])
    expect(page.get_by_role("status").filter(has_text="accepted")).to_be_visible()
    page.keyboard.press("z")
    expect(page).to_have_url(re.compile(rf"entry={keys[1]}$"))
    expect(pane).not_to_contain_text("Accepted")
    page.keyboard.press("a")
    expect(page.get_by_label("To", exact=True)).to_be_focused()


def test_the_pane_stays_while_somebody_types_and_then_shows_what_was_found(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/activity/?folder=all")
    pane = page.locator("#reading-pane")
    first = pane.get_attribute("data-entry")
    link = page.locator(f".inbox-list .row-link[data-entry]:not([data-entry='{first}']):visible").last
    wanted, name = link.get_attribute("data-entry"), ""
    link.click()
    expect(pane).to_have_attribute("data-entry", wanted or "")
    name = pane.locator("a.mono").first.inner_text().replace("\u200b", "")
    page.goto("/activity/?folder=all")

    with page.expect_response(re.compile(r"/activity/\?.*q=")) as listed:
        page.get_by_role("searchbox").fill(name)
    assert 'tabindex="-1" data-entry' not in listed.value.text()
    expect(page.locator(".inbox-list .row-link").first).to_contain_text(name.split("_")[0])
    shown = page.locator(".inbox-list [data-entry]").first.get_attribute("data-entry") or ""
    expect(pane).to_have_attribute("data-entry", shown)
    expect(pane).to_contain_text(name.split("_")[0])
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.locator("#reading-pane")).to_have_count(1)
