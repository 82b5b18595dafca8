"""Ticks of a list with several pages: they stay while a person pages, go with the act, and are forgotten in time."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Request, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]
SignIn = Callable[..., Page]
VIEWS = "/saved-queries/?per_page=25"


def tick_on_two_pages(page: Page, url: str) -> list[str]:
    """Tick the first row of the first page and of the second, which the pager brings; answers their ids."""
    page.goto(url)
    ids = [tick_first(page)]
    expect(page.locator(".bulk-count")).to_have_text("1 selected", use_inner_text=True)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pagination-here")).to_contain_text("Page 2")
    expect(page.locator(".bulk-count")).to_have_text("1 selected, 1 of them on other pages", use_inner_text=True)
    ids.append(tick_first(page))
    expect(page.locator(".bulk-count")).to_have_text("2 selected, 1 of them on other pages", use_inner_text=True)
    return ids


def tick_first(page: Page) -> str:
    box = page.locator("[data-bulk-item]:visible").first
    box.check()
    return box.get_attribute("value") or ""


def test_an_act_takes_the_ticks_of_every_page(sign_in: SignIn) -> None:
    page = sign_in("olga")
    ids = tick_on_two_pages(page, VIEWS)
    page.reload()
    expect(page.locator(".bulk-count")).to_have_text("2 selected, 1 of them on other pages", use_inner_text=True)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)

    page.get_by_role("button", name="Owner and tags…").click()

    expect(page.get_by_text("2 views").first).to_be_visible()
    assert sorted(parse_qs(sent[0].post_data or "")["saved_queries"]) == sorted(ids)


def test_the_tick_of_the_heading_means_this_page_alone(sign_in: SignIn) -> None:
    page = sign_in("olga")
    tick_on_two_pages(page, VIEWS)
    every = page.locator("[data-bulk-all]")

    every.check()
    expect(page.locator(".bulk-count")).to_have_text("26 selected, 1 of them on other pages", use_inner_text=True)
    every.uncheck()

    expect(page.locator(".bulk-count")).to_have_text("1 selected, 1 of them on other pages", use_inner_text=True)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("[data-bulk-item]").first).to_be_checked()
    expect(page.locator(".bulk-count")).to_have_text("1 selected", use_inner_text=True)


def test_clearing_forgets_them_and_so_does_another_list(sign_in: SignIn) -> None:
    page = sign_in("olga")
    tick_on_two_pages(page, VIEWS)
    page.locator("[data-bulk-clear]").click()
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".pagination-here")).to_contain_text("Page 1")
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()

    tick_on_two_pages(page, VIEWS)
    page.goto("/schedules/")
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()
    page.goto(VIEWS)
    expect(page.locator("[data-bulk-item]").first).to_be_visible()
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()


def test_the_inbox_says_when_the_first_of_them_was_seen(sign_in: SignIn) -> None:
    """What others decide between the first page and the act has to stand."""
    page = sign_in("olga")
    page.goto("/activity/?folder=all")
    for fold in page.locator(".inbox-list [data-fold][aria-expanded=false]").all():
        fold.click()
    tick_first(page)
    first_seen = page.locator(".inbox-list [name=seen_at]").input_value()
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".bulk-count")).to_have_text("1 selected, 1 of them on other pages", use_inner_text=True)
    for fold in page.locator(".inbox-list [data-fold][aria-expanded=false]").all():
        fold.click()
    tick_first(page)
    assert page.locator(".inbox-list [name=seen_at]").input_value() != first_seen
    sent: list[str] = []

    def stop(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(status=204)

    page.route("**/activity/**", lambda route: stop(route) if route.request.method == "POST" else route.continue_())
    page.locator("[data-bulk-bar]").get_by_role("button", name="Accept", exact=True).click()
    expect(page.locator(".bulk-count")).to_be_visible()

    told = parse_qs(sent[0])
    assert len(told["entries"]) == 2
    assert told["seen_at"] == [first_seen]
