"""The frame in a real browser, under the real security policy: keys, selection, editor, drafts, themes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.frame_pages"),
    pytest.mark.filterwarnings("ignore:No directory at"),  # collected static files, absent in a work tree
]
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def served(live_server: Any, settings: Any) -> str:
    engine = {**settings.TEMPLATES[0]}
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], Path(__file__).parent / "templates"]}]
    return live_server.url


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Callable[..., Page]]:
    """Open a path in a fresh context; anything the console complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=served, **{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    open_.complaints = complaints  # type: ignore[attr-defined]
    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_component_fits_the_screen_and_the_security_policy(visit, width, scheme):
    page = visit("/styleguide/", viewport={"width": width, "height": 900}, color_scheme=scheme)

    expect(page.locator(".editor")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_chosen_theme_is_remembered(visit):
    page = visit("/styleguide/views/", color_scheme="light")
    page.locator(".user-menu > summary").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(18, 20, 23)")


def test_rows_are_reached_and_selected_with_the_keyboard(visit):
    page = visit("/styleguide/views/")
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_be_hidden()
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)

    expect(bar.locator("[data-bulk-count]")).to_have_text("3")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"view=view_0$"))


def test_all_matching_rows_can_be_selected_not_only_those_shown(visit):
    page = visit("/styleguide/views/")
    page.get_by_label("Select all").click()
    page.get_by_role("button", name="Select all 60 matching views").click()

    expect(page.locator("[data-bulk-count]")).to_have_text("60")
    expect(page.locator("[name=all_matching]")).to_have_value("1")
    page.get_by_label("Select view_3", exact=True).click()
    expect(page.locator("[data-bulk-count]")).to_have_text("24")
    expect(page.locator("[name=all_matching]")).to_have_value("")


def test_a_page_turn_swaps_the_table_and_keeps_the_address(visit):
    page = visit("/styleguide/views/")
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Next").click()

    expect(page.locator(".row-link").first).to_have_text("view_25")
    expect(page).to_have_url(re.compile(r"[?]page=2$"))
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page.locator(".row-link").first).to_have_text("view_0")


def test_a_failing_request_says_so_and_leaves_the_page(visit):
    page = visit("/styleguide/views/")
    page.get_by_role("button", name="Break").click()

    expect(page.locator(".toast")).to_contain_text("could not answer (500)")
    expect(page.locator(".row-link").first).to_have_text("view_0")
    assert any("500" in text for text in visit.complaints)
    visit.complaints.clear()


def test_keys_lead_to_pages_and_can_be_switched_off(visit):
    page = visit("/styleguide/")
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page.locator("h1")).to_have_text("Views")
    page.keyboard.press("?")
    page.get_by_label("Shortcuts off on this device").check()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")

    expect(page.locator(".is-current")).to_have_count(0)


def _type(page: Page, text: str) -> None:
    page.locator(".editor-area .ace_content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(text)


def test_the_editor_keeps_the_field_in_step_and_shows_what_is_wrong(visit):
    page = visit("/styleguide/edit/")
    _type(page, "\nwhere amout > 'é😀'")

    expect(page.locator("#query")).to_have_value("select 1\nfrom stg_payments\nwhere amout > 'é😀'")
    expect(page.locator(".editor-problems")).to_have_text("Line 2: No column amout")


def test_the_editor_completes_columns_of_a_mirrored_view(visit):
    page = visit("/styleguide/edit/")
    _type(page, "\nwhere stg_payments.")
    page.keyboard.type("am")

    expect(page.locator(".ace_autocomplete")).to_contain_text("amount")


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (
            "with paid as (select amount as paid_amount from stg_payments)\nselect * from paid where paid.",
            "paid_amount",
        ),
        ("with paid as (select * from stg_payments)\nselect * from paid as p where p.", "amount"),
        ("with paid(first_one, other) as (select 1, 2)\nselect * from paid where paid.", "first_one"),
        ("select * from (select amount as inner_amount from stg_payments) as q where q.", "inner_amount"),
        ("select * from other_one o, stg_payments p where p.", "amount"),
        ("with stg_payments as (select 1 as own_one)\nselect * from stg_payments where stg_payments.", "own_one"),
    ],
)
def test_the_editor_completes_what_the_query_itself_names(visit, text, offered):
    page = visit("/styleguide/edit/")
    with page.expect_response("**/styleguide/completions/"):  # asked for before the first word is typed
        page.locator(".editor-area").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.type(offered[:2])

    expect(page.locator(".ace_autocomplete")).to_contain_text(offered)


def test_text_survives_an_expired_sign_in(visit):
    page = visit("/styleguide/edit/?fate=signed-out")
    _type(page, "\nlimit 5")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/accounts/login/")
    page.goto("/styleguide/edit/")
    page.get_by_role("button", name="Restore draft").click()

    expect(page.locator("#query")).to_have_value("select 1\nfrom stg_payments\nlimit 5")
    expect(page.locator(".editor-area")).to_contain_text("limit 5")


def test_a_draft_is_gone_once_it_was_saved(visit):
    page = visit("/styleguide/edit/")
    _type(page, "\nlimit 5")
    page.get_by_role("button", name="Propose").click()
    expect(page.locator("h1")).to_have_text("Views")
    page.goto("/styleguide/edit/")

    expect(page.locator(".editor")).to_be_visible()
    expect(page.locator(".draft-offer")).to_have_count(0)


def test_a_refused_form_keeps_its_draft(visit):
    page = visit("/styleguide/edit/?fate=refused")
    _type(page, "\nlimit 5")
    page.get_by_role("button", name="Propose").click()

    expect(page.get_by_role("button", name="Restore draft")).to_be_visible()


def test_leaving_unsaved_edits_asks_first(visit):
    page = visit("/styleguide/edit/")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    _type(page, "\nlimit 5")
    page.get_by_role("link", name="Views").click()
    expect(page.locator("h1")).to_have_text("Views")

    assert asked == ["beforeunload"]


def test_the_menu_opens_without_javascript_on_a_narrow_screen(visit):
    page = visit("/styleguide/views/", viewport={"width": 390, "height": 800}, java_script_enabled=False)
    expect(page.get_by_role("link", name="Home")).to_be_hidden()
    page.locator(".drawer > summary").click()

    expect(page.get_by_role("link", name="Home")).to_be_visible()
    expect(page.locator("[data-bulk-bar]")).to_be_visible()
