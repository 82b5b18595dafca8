"""What holds of every page of a whole portal: nothing runs over the side, nothing is refused, nothing needs script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

PAGES = [
    "/",
    "/saved-queries/",
    "/tables/",
    "/changes/?tab=all",
    "/schedules/",
    "/schedules/resumes/",
    "/activity/?folder=all",
    "/interviews/",
    "/interviews/upload/",
    "/audit/",
    "/audit/checkpoints/",
    "/audit/exports/",
    "/audit/filters/?q=because",
    "/syncs/",
    "/connections/",
    "/connections/new/",
    "/people/",
    "/people/new/",
    "/settings/",
    "/accounts/2fa/",
    "/accounts/password/change/",
]
VIEW = "mart_revenue_daily"


def test_no_page_runs_over_the_side_of_a_narrow_screen_or_complains(sign_in: Callable[..., Page]) -> None:
    page = sign_in("ada", viewport={"width": 390, "height": 844})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto(f"/saved-queries/?q={VIEW}")
    found = page.get_by_role("link", name=VIEW, exact=True).get_attribute("href") or ""
    page.goto("/audit/")
    page.get_by_role("button", name="Verify now").click()  # which signs, so that there is a key to show

    over = {}
    for path in [*PAGES, found, f"{found}?tab=lineage", f"{found}?tab=runs", f"{found}?tab=history", f"{found}edit/"]:
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        over[path] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert {path: amount for path, amount in over.items() if amount > 0} == {}
    assert said == []


def test_a_change_is_proposed_and_approved_without_script(sign_in: Callable[..., Page]) -> None:
    author = sign_in("erin", java_script_enabled=False)
    author.goto(f"/saved-queries/?q={VIEW}")
    author.get_by_role("link", name=VIEW, exact=True).click()
    author.get_by_role("link", name="Edit", exact=True).click()
    query = author.get_by_label("Query", exact=True)
    query.fill(query.input_value() + "\nLIMIT 500")
    author.get_by_label("Why").fill("The board reads the newest days only")
    author.get_by_role("button", name="Propose").click()
    expect(author).to_have_url(re.compile(r"/changes/\d+/$"))

    reviewer = sign_in("remy", java_script_enabled=False)
    reviewer.goto(author.url)
    inserted = reviewer.locator("td.diff-insert")
    expect(inserted).to_have_count(1)  # the line above it, which only got a follower, has not changed
    expect(inserted).to_contain_text("LIMIT 500")
    reviewer.get_by_role("button", name="Approve").click()
    expect(reviewer.locator("main")).to_contain_text("Remy Okafor approved r1")


def test_leaving_a_cell_of_the_trail_out_never_gives_up_the_group_that_is_asked_for(
    sign_in: Callable[..., Page],
) -> None:
    page = sign_in("ada")
    cell = page.locator("#audit-table td a[data-filter=action]").first
    page.goto("/audit/?action=sign_in.")
    cell.focus()
    page.keyboard.press("Shift+F")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile(r"/audit/\?action=sign_in\.$"))

    page.goto("/audit/")
    action = cell.inner_text()
    cell.focus()
    page.keyboard.press("Shift+F")
    expect(page).to_have_url(re.compile(rf"/audit/\?action=-{re.escape(action)}$"))


def test_the_marker_of_a_card_stays_beside_its_heading_on_a_phone(sign_in: Callable[..., Page]) -> None:
    page = sign_in("ada", viewport={"width": 390, "height": 844})
    page.goto("/audit/")
    lines, below, beside = page.locator("details.card > summary").first.evaluate(
        """(summary) => {
            const words = document.createRange();
            words.selectNodeContents(summary);
            const [first, ...others] = words.getClientRects();
            const box = summary.getBoundingClientRect();
            return [1 + others.length, first.top - box.top, first.left - box.left];
        }"""
    )
    assert lines > 1 and below < 20 and beside > 20
