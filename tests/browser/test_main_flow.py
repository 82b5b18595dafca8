"""The main job in a real browser, on a whole portal: worker, beat, broker and sandbox included."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

VIEW = "int_orders_enriched"
ADDED = "WHERE o.status != 'cancelled'"
REASON = "Cancelled orders inflate revenue"


def test_an_edit_is_proposed_approved_applied_and_found_in_the_audit_log(sign_in: Callable[..., Page]) -> None:
    number = _propose(sign_in("erin"))
    _approve(sign_in("remy"), number)
    _find_in_audit(sign_in("audra"))


def _propose(page: Page) -> str:
    page.goto("/saved-queries/")
    page.get_by_placeholder("Search name, description, columns and SQL").fill(VIEW)
    page.get_by_role("link", name=VIEW, exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    editor = page.locator(".ace_text-input")
    editor.press("Control+End")
    page.keyboard.type(f"\n{ADDED}")
    page.get_by_label("Why").fill(REASON)
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url(re.compile(r"/changes/\d+/$"))
    expect(page.locator("main")).to_contain_text("In review")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    return page.url.rstrip("/").rsplit("/", 1)[1]


def _approve(page: Page, number: str) -> None:
    page.goto("/changes/")
    page.get_by_role("link", name=re.compile(rf"#{number}\b|{VIEW}")).first.click()
    expect(page.locator(".diff-insert").filter(has_text="WHERE")).to_have_count(1)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text("Applied", timeout=20_000)


def _find_in_audit(page: Page) -> None:
    page.goto(f"/audit/?object={VIEW}")
    table = page.locator("#audit-table")
    for who, what, result in (
        ("erin", "change.submitted", "OK"),
        ("remy", "change.approved", "OK"),
        ("remy", "saved_query.edit_query", "Asked"),
        ("remy", "saved_query.edit_query", "OK"),
    ):
        row = table.get_by_role("row").filter(has_text=who).filter(has_text=what).filter(has_text=result)
        expect(row).to_have_count(1)
    sent = table.get_by_role("row").filter(has_text="saved_query.edit_query").filter(has_text="OK")
    sent.get_by_role("button", name="Open entry").click()
    expect(page.locator("main")).to_contain_text("PATCH")
    expect(page.locator("main")).to_contain_text("200")
    expect(page.locator("main")).to_contain_text(ADDED)


def test_the_operator_resumes_every_suspended_view_and_sees_an_outcome_for_each(sign_in: Callable[..., Page]) -> None:
    page = sign_in("olga")
    page.goto("/schedules/?state=suspended")
    count = page.locator("[data-bulk-item]").count()
    assert count >= 5
    page.locator("[data-bulk-all]").check()
    page.get_by_role("button", name="Resume…").click()
    expect(page.get_by_label("Include", exact=False).first).not_to_be_checked()  # nothing was edited since it failed
    page.get_by_label("Tick all").check()
    page.get_by_label("Why").fill("The timeouts were fixed upstream")
    page.get_by_role("button", name=f"Resume {count}", exact=True).click()
    page.wait_for_url(re.compile(r"/schedules/resumes/"))
    expect(page.locator("#resume")).to_contain_text("Succeeded", timeout=30_000)
    resumed = page.locator("#resume tbody tr").filter(has_text="Resumed")
    expect(resumed).to_have_count(count)


def test_a_change_made_in_posthog_itself_waits_in_the_inbox(
    sign_in: Callable[..., Page], outside: Callable[..., None]
) -> None:
    outside("edit", name="stg_stripe_charges", query="SELECT id AS charge_id FROM stripe_charge", by="ana")
    page = sign_in("olga")
    page.goto("/syncs/")
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("main")).to_contain_text("Succeeded", timeout=20_000)
    entry = page.get_by_role("link", name=re.compile(r"ana.* edited stg_stripe_charges outside", re.I)).first
    for _ in range(80):  # the entry appears a moment after the sync that found it
        page.goto("/activity/")
        if entry.count():
            break
        page.wait_for_timeout(250)
    entry.click()
    pane = page.locator("#reading-pane")
    expect(pane).to_contain_text("stripe_charge")
    pane.get_by_label(re.compile("Note")).fill("Agreed with Ana")
    pane.get_by_role("button", name="Accept").click()
    expect(page.locator("body")).to_contain_text(re.compile("Accepted|accepted"))
