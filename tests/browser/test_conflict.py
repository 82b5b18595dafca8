"""A conflict in a real browser: chosen part by part, reviewed anew, applied, and nothing of others lost unsaid."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from warehouse_admin.sandbox import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

VIEW = "int_order_margins"
BASE = (Path(seed.__file__).parent / "warehouse" / "intermediate" / f"{VIEW}.sql").read_text().rstrip()
MARGIN = "    o.total_usd - coalesce(c.goods_cost, 0) - coalesce(s.shipping_cost, 0) AS margin_usd\n"
THEIRS = BASE.replace(
    "    o.order_date AS order_date,\n", "    o.order_date AS order_date,\n    o.currency AS currency,\n"
)
THEIRS = THEIRS.replace(MARGIN, MARGIN.replace("margin_usd", "gross_margin_usd"))
MINE = BASE.replace("Shipping cost is the sum", "Shipping cost is the plain sum")
MINE = MINE.replace(MARGIN, MARGIN.replace("- coalesce(s.shipping_cost, 0) ", ""))


def test_a_conflict_is_settled_part_by_part_and_applied(
    sign_in: Callable[..., Page], outside: Callable[..., None]
) -> None:
    erin, remy = sign_in("erin"), sign_in("remy")
    number = _propose(erin)
    outside("edit", name=VIEW, query=THEIRS, by="ana")
    remy.goto(f"/changes/{number}/")
    remy.get_by_role("button", name="Approve").click()
    expect(remy.locator("main")).to_contain_text("Needs rebase", timeout=20_000)

    erin.goto(f"/changes/{number}/")
    erin.get_by_role("link", name="Resolve the conflict").click()
    result = erin.locator("#merged")
    expect(result).to_contain_text("1 conflict still to choose for")
    erin.get_by_role("button", name="Rebase and ask for review").click()
    expect(erin.locator(".banners")).to_contain_text("Choose for 1 more conflict")

    conflict = erin.get_by_role("group", name=re.compile("Conflict 1 of 1"))
    conflict.get_by_label("Keep mine").check()
    expect(result).to_contain_text("1 line that others added is left out")
    erin.get_by_role("button", name="Rebase and ask for review").click()
    expect(erin.locator(".banners")).to_contain_text("leaves out what others did")
    expect(conflict.get_by_label("Keep mine")).to_be_checked()

    conflict.get_by_label("Edit", exact=True).check()
    theirs_and_mine = MARGIN.replace("- coalesce(s.shipping_cost, 0) ", "").replace("margin_usd", "gross_margin_usd")
    conflict.get_by_label("Text for this part").fill(theirs_and_mine)
    expect(result).to_contain_text("1 line that others added is left out")
    result.get_by_label("Drop this line").check()
    erin.get_by_role("button", name="Rebase and ask for review").click()
    erin.wait_for_url(re.compile(r"/changes/\d+/$"))
    expect(erin.locator("main")).to_contain_text("In review")
    expect(erin.locator("main")).to_contain_text("1 line that others added is left out")

    remy.goto(f"/changes/{number}/")
    remy.get_by_role("button", name="Approve").click()
    expect(remy.locator("main")).to_contain_text("It happened in PostHog.", timeout=20_000)
    remy.goto("/saved-queries/")
    remy.get_by_placeholder("Search name, description, columns and SQL").fill("plain sum")
    expect(remy.get_by_role("link", name=VIEW, exact=True)).to_be_visible()

    erin.goto(f"/changes/{number}/")
    erin.get_by_role("link", name="Roll back").click()
    dialog = erin.get_by_role("dialog")
    expect(dialog).to_contain_text("What it does not bring back")
    dialog.get_by_label("Why?").fill("Finance wants the old margin")
    dialog.get_by_role("button", name="Propose the rollback").click()
    erin.wait_for_url(lambda url: f"/changes/{number}/" not in url)
    remy.goto(erin.url)
    remy.get_by_role("button", name="Approve").click()
    expect(remy.locator("main")).to_contain_text("It happened in PostHog.", timeout=20_000)
    remy.goto("/saved-queries/")
    remy.get_by_placeholder("Search name, description, columns and SQL").fill("gross_margin_usd")
    expect(remy.get_by_role("link", name=VIEW, exact=True)).to_be_visible()


def _propose(page: Page) -> str:
    page.goto("/saved-queries/")
    page.get_by_placeholder("Search name, description, columns and SQL").fill(VIEW)
    page.get_by_role("link", name=VIEW, exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator(".ace_text-input").wait_for(state="attached")
    page.evaluate("text => ace.edit(document.querySelector('.editor-area')).setValue(text)", MINE)
    page.get_by_label("Why").fill("Margins are before shipping")
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url(re.compile(r"/changes/\d+/$"))
    return page.url.rstrip("/").rsplit("/", 1)[1]
