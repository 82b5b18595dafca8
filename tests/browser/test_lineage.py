"""The picture of lineage by keyboard, and what the editor marks and offers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

VIEW = "int_orders_enriched"


def test_arrow_keys_walk_the_lines_and_what_is_typed_is_marked(sign_in: Callable[..., Page]) -> None:
    page = sign_in("vic")
    page.goto(f"/saved-queries/?q={VIEW}")
    page.get_by_role("link", name=VIEW, exact=True).click()
    page.get_by_role("link", name="Lineage", exact=True).click()
    for _ in range(30):  # the views are read in the background
        if page.locator("[data-node]").count() > 2:
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_label("Select", exact=True).fill(f"1+{VIEW}+1")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"select=1%2B"))
    focused = "document.activeElement.dataset.name"

    page.locator("[data-node][tabindex='0']").focus()
    assert page.evaluate(focused) == VIEW
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused).startswith("stg_")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == VIEW
    page.get_by_label("Find in it").fill("MARGINS")
    expect(page.locator(".graph-node.is-found")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("[data-graph-hits]")).to_have_text("1 of 1: int_order_margins")

    page.locator("[data-name=int_order_margins]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("int_order_margins")


@pytest.fixture
def new_view(sign_in: Callable[..., Page]) -> Page:
    """The editor of a view that is not there yet; what is typed in it is kept nowhere."""
    page = sign_in("erin")
    page.goto("/changes/new-view/")
    page.evaluate("document.querySelector('form[data-draft-url]').dataset.draftUrl = '/nowhere/'")
    return page


def test_the_editor_marks_the_very_place_and_offers_the_columns_of_an_alias(new_view: Page) -> None:
    page = new_view
    area = page.locator(".editor-area .ace_text-input")
    area.press("Control+End")
    page.keyboard.insert_text("SELECT a,\n  (b\nFROM stg_app_orders")
    expect(page.locator(".editor-mark.is-error")).to_have_count(1)
    expect(page.locator(".ace_gutter-cell.ace_error")).to_have_text("3")

    area.press("Control+a")
    page.keyboard.insert_text("SELECT o. FROM stg_app_orders o JOIN events e ON 1")
    area.press("Home")
    for _ in "SELECT o.":
        area.press("ArrowRight")
    area.press("Control+Space")
    page.keyboard.type("coupon")
    expect(page.locator(".ace_autocomplete")).to_contain_text("coupon_code")
    expect(page.locator(".ace_autocomplete")).not_to_contain_text("distinct_id")
