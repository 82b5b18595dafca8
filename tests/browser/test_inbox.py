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


def test_whoever_chooses_an_entry_right_after_typing_gets_that_one(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/activity/?folder=all")
    pane, links = page.locator("#reading-pane"), page.locator(".inbox-list .row-link[data-entry]:visible")
    with page.expect_response(re.compile(r"/activity/\?.*q=")):
        page.get_by_role("searchbox").fill("mart")
    expect(page).to_have_url(re.compile("q=mart"))
    page.evaluate("document.querySelectorAll('.inbox-list .row-link[data-entry]')[2].click()")
    chosen = links.nth(2).get_attribute("data-entry") or ""
    expect(pane).to_have_attribute("data-entry", chosen)
    page.wait_for_timeout(700)  # longer than the pane would have waited to follow by itself
    expect(pane).to_have_attribute("data-entry", chosen)
    expect(page.locator(".inbox-list .is-current [data-entry]")).to_have_attribute("data-entry", chosen)


def test_a_pane_that_is_not_of_the_list_any_more_is_there_to_be_read_alone(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/activity/?folder=all")
    first = page.locator("#reading-pane").get_attribute("data-entry")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.route(re.compile(r"/activity/\d+/\?"), lambda route: route.abort())  # the next pane never comes
    with page.expect_response(re.compile(r"/activity/\?.*q=")):
        page.get_by_role("searchbox").fill("stg")
    expect(page.locator("#reading-pane[inert]")).to_have_attribute("data-entry", first or "")

    page.get_by_role("searchbox").blur()
    page.keyboard.press("e")
    page.wait_for_timeout(300)
    assert posted == []


def test_filters_and_search_go_with_what_the_address_says_by_then(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/activity/")
    page.get_by_role("link", name=re.compile("^All")).click()
    expect(page).to_have_url(re.compile("folder=all"))
    page.locator("select[name=source]").select_option("outside")
    expect(page).to_have_url(re.compile("folder=all&source=outside"))
    page.get_by_role("searchbox").fill("mart")
    expect(page).to_have_url(re.compile("folder=all&source=outside&q=mart"))
    page.locator("select[name=kind]").select_option("created")
    expect(page).to_have_url(re.compile("folder=all&source=outside&q=mart&kind=created"))

    page.goto("/schedules/?group=editor")
    page.locator(".tile").first.click()
    expect(page).to_have_url(re.compile("group=editor&state="))
    page.get_by_role("searchbox").fill("int")
    expect(page).to_have_url(re.compile("group=editor&state=.*&q=int"))
