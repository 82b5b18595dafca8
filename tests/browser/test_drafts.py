"""What is typed in the editor survives: a lost session, another browser, a second tab, a server that is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

VIEW = "int_ticket_resolution"
SAVED = re.compile(r"Draft saved \d")
DISCARD = """async () => {
  const view = /\\/saved-queries\\/([0-9a-f-]+)\\//.exec(location.pathname);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  if (view) await fetch(`/api/v1/saved-queries/${view[1]}/draft/`, { method: "DELETE", headers });
}"""


@pytest.fixture
def editor(sign_in: Callable[..., Page]) -> Iterator[Callable[..., Page]]:
    """The editor of a view, as somebody signed in; what they leave in it is discarded at the end."""
    opened: list[Page] = []

    def open_as(name: str, **options: object) -> Page:
        page = sign_in(name, **options)
        page.goto(f"/saved-queries/?q={VIEW}")
        page.get_by_role("link", name=VIEW, exact=True).click()
        page.get_by_role("link", name=re.compile("Edit|Continue draft")).click()
        expect(page.get_by_label("Why")).to_be_visible()
        page.wait_for_load_state()  # a page that lost the server before its scripts came could not tell
        opened.append(page)
        return page

    yield open_as
    for page in opened:
        page.evaluate(DISCARD)


def write(page: Page, text: str) -> None:
    area = page.locator(".editor-area .ace_text-input")
    area.press("Escape")  # completions, which would take the keys
    area.press("Control+End")
    page.keyboard.type(text)


def status(page: Page):
    return page.locator("[data-draft-status]")


def sign_in_again(page: Page, name: str) -> None:
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_after_a_lost_session_the_text_is_there_and_in_another_browser_too(editor: Callable[..., Page]) -> None:
    page = editor("erin")
    write(page, "\n-- typed before")
    page.get_by_label("Why").fill("half a rea")
    expect(status(page)).to_have_text(SAVED)

    page.context.clear_cookies()
    write(page, "\n-- typed after")
    expect(status(page)).to_contain_text("Signed out")
    status(page).get_by_role("link", name="sign in again").click()
    sign_in_again(page, "erin")

    expect(page.locator(".editor-area")).to_contain_text("typed before")
    expect(page.get_by_label("Why")).to_have_value("half a rea")
    expect(page.locator("main")).to_contain_text("Your draft, saved")
    page.get_by_role("button", name="Restore draft").click()
    expect(page.locator(".editor-area")).to_contain_text("typed after")
    expect(status(page)).to_have_text(SAVED)

    other = editor("erin")
    expect(other.locator(".editor-area")).to_contain_text("typed after")
    other.goto("/changes/?tab=mine")
    expect(other.locator("#drafts")).to_contain_text(VIEW)
    other.locator("#drafts").get_by_role("link", name=VIEW).click()
    other.get_by_role("button", name="Discard draft").click()
    expect(other.locator(".editor-area")).not_to_contain_text("typed")


def test_of_two_tabs_neither_overwrites_the_other(editor: Callable[..., Page]) -> None:
    first = editor("erin")
    second = first.context.new_page()
    second.goto(first.url)
    write(first, "\n-- of the first")
    expect(status(first)).to_have_text(SAVED)

    write(second, "\n-- of the second")
    choice = second.get_by_role("alert").filter(has_text="another tab")
    expect(choice).to_be_visible()
    expect(second.locator(".editor-area")).to_contain_text("of the second")
    choice.locator("summary").click()
    expect(choice.locator("pre")).to_contain_text("of the first")
    choice.get_by_role("button", name="Keep this text").click()
    expect(status(second)).to_have_text(SAVED)

    write(first, "\n-- and on")
    choice = first.get_by_role("alert").filter(has_text="another tab")
    choice.get_by_role("button", name="Take the other text").click()
    expect(first.locator(".editor-area")).to_contain_text("of the second")
    expect(first.locator(".editor-area")).not_to_contain_text("and on")


def test_a_server_that_is_away_is_told_and_the_text_is_sent_when_it_is_back(editor: Callable[..., Page]) -> None:
    page = editor("erin")
    page.context.set_offline(True)
    write(page, "\n-- typed on a train")
    expect(status(page)).to_contain_text("Not saved: offline, kept in this browser")
    page.context.set_offline(False)

    expect(status(page)).to_have_text(SAVED)
    page.reload()
    expect(page.locator(".editor-area")).to_contain_text("typed on a train")
    expect(page.locator(".draft-offer")).to_have_count(0)


def test_a_tab_closed_in_the_middle_of_a_word_has_saved_it(editor: Callable[..., Page]) -> None:
    page = editor("erin")
    page.on("dialog", lambda dialog: dialog.accept())
    write(page, "\n-- gone in a hur")
    page.goto("/changes/")

    again = editor("erin")
    expect(again.locator(".editor-area")).to_contain_text("gone in a hur")


def test_what_a_reload_cut_off_is_offered_once_and_is_not_taken_for_another_tab(editor: Callable[..., Page]) -> None:
    page = editor("erin")
    page.on("dialog", lambda dialog: dialog.accept())
    write(page, "\n-- saved")
    expect(status(page)).to_have_text(SAVED)
    page.get_by_label("Why").fill("typed right before the rel")
    page.reload()  # it is drawn before the old page sends its last words

    offer = page.locator(".draft-offer")
    expect(offer).to_have_count(1)
    write(page, "!")
    expect(status(page)).to_have_text(SAVED)
    expect(page.get_by_role("alert").filter(has_text="another tab")).to_have_count(0)
    page.reload()
    expect(offer).to_have_count(1)
    offer.get_by_role("button", name="Restore draft").click()
    expect(page.get_by_label("Why")).to_have_value("typed right before the rel")
    expect(status(page)).to_have_text(SAVED)
    page.reload()
    expect(page.get_by_label("Why")).to_have_value("typed right before the rel")
    expect(page.locator(".editor-area")).to_contain_text("-- saved!")
    expect(offer).to_have_count(0)


def test_others_see_who_is_editing_and_a_proposal_ends_it(editor: Callable[..., Page]) -> None:
    erin = editor("erin")
    write(erin, "\nLIMIT 17")
    expect(status(erin)).to_have_text(SAVED)
    ada = editor("ada")
    expect(ada.locator("#editors")).to_contain_text("is editing this view too")

    erin.get_by_label("Why").fill("a few are enough")
    erin.get_by_role("button", name="Propose").click()
    erin.wait_for_url(re.compile(r"/changes/\d+/$"))
    ada.reload()
    expect(ada.locator("#editors")).to_be_empty()
    erin.goto("/changes/?tab=mine")
    expect(erin.locator("#drafts")).to_have_count(0)
    erin.goto(ada.url)
    expect(erin.locator(".editor-area")).not_to_contain_text("LIMIT 17")
    expect(erin.locator(".draft-offer")).to_have_count(0)


def test_a_comment_that_was_posted_is_no_draft_any_more(sign_in: Callable[..., Page]) -> None:
    page = sign_in("ada")
    page.goto("/changes/?tab=all")
    page.locator("a.row-link").first.click()
    page.get_by_label("Comment", exact=True).last.fill("Looks right to me")
    page.wait_for_timeout(600)  # longer than it takes until what is typed is kept
    page.get_by_role("button", name="Comment", exact=True).click()

    expect(page.locator("main")).to_contain_text("Looks right to me")
    page.wait_for_load_state()
    expect(page.locator(".draft-offer")).to_have_count(0)
