"""A talk about a line in a real browser: opened by a key, answered inline, and what was suggested taken in."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

VIEW = "int_sessions"
LAID_OUT = r"text.replace(/\bFROM\b(?![\s\S]*\bFROM\b)/, 'from')"
"""The last FROM, in small letters: that differs in layout alone."""


def test_a_reviewer_suggests_another_line_and_the_author_takes_it_in(sign_in: Callable[..., Page]) -> None:
    erin, remy = sign_in("erin"), sign_in("remy")
    number = _propose(erin)

    remy.goto(f"/changes/{number}/")
    tabbable = remy.locator("#diff .diff-no > a:not([tabindex='-1'])")
    expect(tabbable).to_have_count(1)
    remy.keyboard.press("t")
    form = remy.locator("#diff form.thread-new")
    expect(form.get_by_label("Comment")).to_be_focused()
    form.get_by_label("Comment").fill("Say more about it")
    remy.locator("#diff .diff-expand").click()
    expect(remy.locator("#diff .diff-expand")).to_have_count(0)
    expect(form.get_by_label("Comment")).to_have_value("Say more about it")
    form.get_by_text("Suggest another text").click()
    suggested = form.get_by_label("What should stand there instead")
    suggested.fill("-- Sessions of a visit, as the browser sends them")
    form.get_by_role("button", name="Comment").click()
    thread = remy.locator("#diff details.thread")
    expect(thread).to_contain_text("Say more about it")
    expect(remy.locator("#threads")).to_contain_text("1 unresolved thread")
    thread.get_by_label("Reply").fill("Only if you like it")
    thread.get_by_role("button", name="Reply").click()
    expect(thread).to_contain_text("2 comments")
    expect(thread.get_by_label("Reply")).to_have_value("")
    expect(remy.locator(".draft-offer")).to_have_count(0)
    thread.get_by_role("button", name="Resolve").click()
    expect(remy.locator("#threads")).not_to_contain_text("unresolved")
    thread.locator("summary").first.click()
    thread.get_by_role("button", name="Open again").click()
    expect(remy.locator("#threads")).to_contain_text("1 unresolved thread")

    erin.goto(f"/changes/{number}/")
    erin.locator("#diff details.thread").get_by_role("button", name="Accept").click()
    expect(erin.locator("main")).to_contain_text("has a new revision with what was suggested")
    expect(erin.locator("#diff")).to_contain_text("Sessions of a visit, as the browser sends them")
    expect(erin.locator("#threads")).not_to_contain_text("unresolved")

    remy.reload()
    expect(remy.locator("#diff details.thread")).to_contain_text("Resolved by Erin")
    expect(remy.locator("main")).to_contain_text("Suggested by Remy")


def test_a_comment_that_is_being_written_goes_along_into_another_form_of_the_comparison(
    sign_in: Callable[..., Page],
) -> None:
    erin, remy = sign_in("erin"), sign_in("remy")
    remy.goto(f"/changes/{_propose(erin, LAID_OUT)}/")
    remy.keyboard.press("t")
    written = remy.locator("#diff form.thread-new").get_by_label("Comment")
    written.fill("Half a com")

    for link, address in (("Unified", "view=unified"), ("Show layout", "layout=shown"), ("Side by side", "?layout")):
        remy.locator("#diff").get_by_role("link", name=link).click()
        remy.wait_for_url(f"**{address}*")
        expect(remy.locator("#diff").get_by_role("link", name=link)).to_have_count(0 if "Show" in link else 1)
        expect(written).to_have_value("Half a com")
        expect(remy.locator("#diff .card-actions a:focus")).to_have_count(1)
    written.fill("")
    remy.locator("#diff form.thread-new").get_by_role("link", name="Cancel").click()

    changed_in_layout = remy.locator("#diff .diff-no:has(+ .diff-insert) > a").last
    changed_in_layout.click()
    written.fill("Why so quiet")
    where = remy.locator("#diff form.thread-new strong").inner_text()
    remy.locator("#diff [aria-current]").focus()
    remy.keyboard.press("h")
    expect(remy.locator("#diff").get_by_role("link", name="Show layout")).to_be_visible()
    expect(changed_in_layout).to_have_text("1")
    expect(written).to_have_value("Why so quiet")
    remy.locator("#diff form.thread-new").get_by_role("button", name="Comment").click()
    expect(remy.locator("#threads")).to_contain_text("Why so quiet")
    expect(remy.locator("#threads")).to_contain_text(where)


def _propose(page: Page, change: str = "text") -> int:
    page.goto("/saved-queries/")
    page.get_by_placeholder("Search name, description, columns and SQL").fill(VIEW)
    page.get_by_role("link", name=VIEW, exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator(".ace_text-input").wait_for(state="attached")
    begun = f"""const e = ace.edit(document.querySelector('.editor-area')), text = e.getValue();
        e.setValue('-- Sessions\\n' + {change})"""
    page.evaluate(begun)
    page.get_by_label("Why").fill("Say what it is")
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url(re.compile(r"/changes/\d+/$"))
    return int(page.url.rstrip("/").rsplit("/", 1)[1])
