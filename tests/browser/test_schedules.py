"""The schedules page by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]
SignIn = Callable[..., Page]


def test_a_group_is_chosen_with_one_tick_and_keys_change_group_and_layout(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?q=mart")
    page.keyboard.press("G")
    expect(page.locator(".group-row").first).to_be_visible()
    group = page.locator("tbody").first
    rows = group.locator("[data-bulk-item]").count()

    group.locator("[data-bulk-group]").check()

    assert "group=cause" in page.url
    expect(page.locator("[data-bulk-count]")).to_have_text(str(rows))
    group.locator("[data-bulk-item]").first.uncheck()
    assert group.locator("[data-bulk-group]").evaluate("box => box.indeterminate") is (rows > 1)

    page.keyboard.press("L")
    expect(page.locator("table.grid")).to_be_visible()
    assert "layout=grid" in page.url and "q=mart" in page.url
    page.keyboard.press("L")
    expect(page.locator("table.is-top")).to_be_visible()


def test_what_posthog_manages_is_said_to_be_left_out(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?state=managed&state=paused")

    page.locator("[data-bulk-all]").check()

    total, managed = page.locator("[data-bulk-item]").count(), page.locator("[data-bulk-apart]").count()
    expect(page.locator("[data-bulk-apart-note]")).to_have_text(
        f"{managed} of {total} are managed by PostHog and left out"
    )


def test_a_column_of_the_grid_is_read_with_the_pointer_and_with_arrow_keys(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?layout=grid&q=int_account_health")
    says, columns = page.locator("[data-grid-says]"), page.locator("[data-grid-column]")
    expect(says).to_be_hidden()

    columns.nth(3).hover()

    expect(says).to_have_text(columns.nth(3).get_attribute("data-grid-column") or "")
    expect(page.locator("table.has-column")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    expect(says).to_contain_text("int_account_health")
    expect(says).to_contain_text(columns.nth(4).get_attribute("data-grid-column") or "")
    page.keyboard.press("Escape")
    expect(says).to_be_hidden()


def test_the_table_needs_no_scrolling_sideways_at_1280(sign_in: SignIn) -> None:
    page = sign_in("olga", viewport={"width": 1280, "height": 900})
    page.goto("/schedules/")

    assert page.locator(".table-wrap").evaluate("wrap => wrap.scrollWidth <= wrap.clientWidth")


def plan_of(page: Page, query: str) -> None:
    """Tick all that match and look at the plan to run them."""
    page.goto(f"/schedules/?{query}")
    page.locator("[data-bulk-all]").check()
    page.get_by_role("button", name="Run now…").click()
    expect(page.locator("[data-bulk-go]")).to_be_visible()


def test_the_button_of_a_plan_follows_the_ticks(sign_in: SignIn) -> None:
    page = sign_in("olga")
    plan_of(page, "q=mart")
    go, boxes = page.locator("[data-bulk-go]"), page.locator("[data-bulk-item]")
    total = boxes.count()
    page.locator("[data-bulk-all]").check()
    expect(go).to_have_text(f"Run {total}")
    expect(page.locator("[data-bulk-left-note]")).to_be_hidden()
    before = int(page.locator("[data-bulk-requests]").inner_text())

    boxes.first.uncheck()
    expect(go).to_have_text(f"Run {total - 1}")
    expect(page.locator("[data-bulk-left-note]")).to_have_text("1 left out")
    assert int(page.locator("[data-bulk-requests]").inner_text()) == before - before // total

    page.locator("[data-bulk-all]").check()
    page.locator("[data-bulk-all]").uncheck()
    expect(go).to_be_disabled()
    expect(page.locator("[data-bulk-none]")).to_be_visible()
    boxes.first.focus()
    page.keyboard.press("Space")
    expect(go).to_be_enabled()
    expect(page.locator("[data-bulk-none]")).to_be_hidden()


def test_a_number_is_asked_for_only_while_more_are_ticked_than_the_guard_allows(sign_in: SignIn) -> None:
    page = sign_in("olga")
    plan_of(page, "")
    typed, every = page.locator("[name=confirm_count]"), page.locator("[data-bulk-all]")
    every.check()
    assert typed.evaluate("box => box.required")

    every.uncheck()
    page.locator("[data-bulk-item]").first.check()

    assert not typed.evaluate("box => box.required")


def test_without_script_what_is_ticked_by_hand_can_be_sent(sign_in: SignIn) -> None:
    page = sign_in("olga", java_script_enabled=False)
    page.goto("/schedules/?state=managed")
    page.locator("[data-bulk-item]").first.check()
    page.get_by_role("button", name="Resume…").click()

    expect(page.locator("[data-bulk-go]")).to_be_hidden()
    page.get_by_label("Why").fill("the source is back")
    page.get_by_role("button", name="Resume what is ticked").click()

    expect(page.get_by_text("Choose at least one view.")).to_be_visible()


def test_ticks_stay_while_the_list_is_searched_and_sorted_and_the_plan_holds_all_of_them(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?q=mart")
    one = tick_first(page)
    expect(page.locator(".bulk-count")).to_have_text("1 selected", use_inner_text=True)
    page.locator("[data-search]").fill("stg")
    expect(page.locator(".bulk-count")).to_have_text("1 selected, 1 of them on other pages", use_inner_text=True)
    two = tick_first(page)
    expect(page.locator(".bulk-count")).to_have_text("2 selected, 1 of them on other pages", use_inner_text=True)
    page.get_by_role("link", name="View and cause").click()
    expect(page).to_have_url(re.compile("sort="))
    expect(page.locator(".bulk-count")).to_have_text("2 selected, 1 of them on other pages", use_inner_text=True)

    page.get_by_role("button", name="Run now…").click()

    expect(page.locator("[data-bulk-go]")).to_be_visible()
    assert sorted(ids_of(page)) == sorted([one, two])
    page.goto("/schedules/?q=mart")
    expect(page.locator("[data-bulk-item]").first).to_be_visible()
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()


def test_ticks_out_of_sight_are_there_again_for_who_comes_back_from_the_plan(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?q=mart")
    tick_first(page)
    page.goto("/schedules/?q=stg")
    tick_first(page)
    page.get_by_role("button", name="Run now…").click()
    expect(page.locator("[data-bulk-go]")).to_be_visible()

    page.go_back()

    expect(page.locator(".bulk-count")).to_have_text("2 selected, 1 of them on other pages", use_inner_text=True)
    page.get_by_role("button", name="Run now…").click()
    expect(page.locator("[data-bulk-item]")).to_have_count(2)


def tick_first(page: Page) -> str:
    box = page.locator("[data-bulk-item]").first
    box.check()
    return box.get_attribute("value") or ""


def ids_of(page: Page) -> list[str]:
    return [box.get_attribute("value") or "" for box in page.locator("[data-bulk-item]").all()]


def test_ticks_that_are_managed_are_told_apart_when_they_are_out_of_sight(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?state=managed")
    tick_first(page)
    page.goto("/schedules/?q=mart")
    tick_first(page)

    expect(page.locator("[data-bulk-apart-note]")).to_have_text("1 of 2 are managed by PostHog and left out")


def test_no_more_than_a_thousand_ticks_are_kept_and_the_person_is_told(sign_in: SignIn) -> None:
    page = sign_in("olga")
    page.goto("/schedules/")
    tick_first(page)
    page.evaluate(
        "() => { const slot = JSON.parse(sessionStorage.getItem('wa-ticked'));"
        " for (let at = 0; at < 999; at += 1) slot.ids[`gone-${at}`] = 0;"
        " sessionStorage.setItem('wa-ticked', JSON.stringify(slot)); }"
    )
    second = page.locator("[data-bulk-item]").nth(1)

    second.click()

    expect(second).not_to_be_checked()
    expect(page.locator(".toast-error")).to_contain_text("At most 1,000")
    expect(page.locator(".bulk-count")).to_have_text("1,000 selected, 999 of them on other pages", use_inner_text=True)
