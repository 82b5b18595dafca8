"""The editor's list of names: it takes no key that was meant for the text, and after a dot it is about that source."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]

EDITOR = "ace.edit(document.querySelector('.editor-area'))"
LIST = ".ace_autocomplete"
DISCARD = """async () => fetch("/api/v1/saved-queries/new/draft/",
  { method: "DELETE", headers: JSON.parse(document.body.getAttribute("hx-headers")) })"""


@pytest.fixture
def page(sign_in: Callable[..., Page]) -> Iterator[Page]:
    """The empty editor of a new view, with all names at hand."""
    page = sign_in("erin")
    page.goto("/changes/new-view/")
    page.wait_for_load_state()
    with page.expect_response(lambda answer: "completions" in answer.url):
        page.locator(".editor-area .ace_text-input").focus()
    yield page
    page.goto("/changes/")  # a page that is left keeps its last words, after all that it was told
    page.wait_for_timeout(500)
    page.evaluate(DISCARD)


def begin(page: Page, text: str) -> None:
    page.evaluate(f"text => {{ const e = {EDITOR}; e.setValue(text, 1); e.focus(); }}", text)


def text(page: Page) -> str:
    return page.evaluate(f"() => {EDITOR}.getValue()")


def offered(page: Page) -> list[str]:
    """What the list holds in full, not the few lines that are drawn; nothing while it is closed."""
    held = "list => list.popup?.isOpen ? list.completions.filtered.map(offer => offer.value) : []"
    return page.evaluate(f"() => ({held})({EDITOR}.completer)")


def type_slowly(page: Page, keys: str) -> None:
    page.keyboard.type(keys, delay=30)
    page.wait_for_timeout(400)  # as long as somebody thinks before a key


TYPED = [
    ("SELECT CASE WHEN a THEN 1 ", "ELSE 0 END"),
    ("SELECT id FROM postgres_orders ", "LIMIT 10"),
    ("SELECT id FROM postgres_orders ", "ORDER BY id DESC"),
    ("SELECT id FROM postgres_orders WHERE id ", "IS NOT NULL"),
    ("SELECT id ", "FROM postgres_orders"),
    ("SELECT id ", "FROM postgres_ord"),
    ("", "-- as sel"),
    ("", "# as sel"),
    ("/* one\n", "as sel"),
    ("SELECT '", "sel"),
]


def test_enter_after_typing_is_a_new_line(page: Page) -> None:
    for before, typed in TYPED:
        begin(page, before)
        type_slowly(page, typed)
        page.keyboard.press("Enter")

        assert text(page).rstrip(" ") == f"{before}{typed}\n"


def test_nothing_is_offered_in_comments_strings_and_numbers(page: Page) -> None:
    for before in ("-- ", "// ", "# ", "/* one\n", "SELECT '", "SELECT 1"):
        begin(page, before)
        type_slowly(page, "0" if before.endswith("1") else "sel")
        assert offered(page) == [], before
        page.keyboard.press("Control+Space")
        page.wait_for_timeout(300)
        assert offered(page) == [], before


def test_a_whole_name_closes_the_list_and_more_of_it_opens_it_again(page: Page) -> None:
    begin(page, "SELECT id FROM ")
    type_slowly(page, "postgres_order")
    assert {"postgres_orders", "postgres_order_items"} <= set(offered(page))
    type_slowly(page, "s")
    assert offered(page) == []
    begin(page, "SELECT id FROM ")
    type_slowly(page, "postgres_order_")
    assert offered(page) == ["postgres_order_items"]


def test_while_typing_a_name_is_found_by_how_it_or_a_part_of_it_begins(page: Page) -> None:
    begin(page, "SELECT id FROM ")
    type_slowly(page, "order")
    assert offered(page) == []  # a keyword, whole
    type_slowly(page, "_")
    names = offered(page)
    assert "postgres_order_items" in names
    begin(page, "SELECT ")
    type_slowly(page, "endsw")
    assert offered(page) == ["endsWith"]
    begin(page, "SELECT ")
    type_slowly(page, "edw")
    assert offered(page) == []
    page.keyboard.press("Control+Space")
    expect(page.locator(LIST)).to_be_visible()
    assert "endsWith" in offered(page)


def test_an_arrow_or_tab_chooses(page: Page) -> None:
    for keys in (["ArrowDown", "Enter"], ["Tab", "Enter"], ["Tab", "Tab"]):
        begin(page, "SELECT id FROM ")
        type_slowly(page, "postgres_order_i")
        for key in keys:
            page.keyboard.press(key)

        assert text(page) == "SELECT id FROM postgres_order_items"


def test_keywords_are_offered_and_come_first_where_they_are_meant(page: Page) -> None:
    begin(page, "")
    type_slowly(page, "SELEC")
    assert offered(page) == ["SELECT"]
    begin(page, "select id ")
    type_slowly(page, "fro")
    assert offered(page)[0] == "from"
    begin(page, "SELECT CASE WHEN a THEN 1 END")
    page.keyboard.press("Control+Space")
    expect(page.locator(LIST)).to_be_visible()
    assert offered(page)[0] == "END"
    page.keyboard.press("Enter")
    assert text(page) == "SELECT CASE WHEN a THEN 1 END"


OF_A_QUERY = [
    ("SELECT * FROM (SELECT id AS one, user_id AS two FROM postgres_orders) AS s WHERE ", "s"),
    ("WITH foo AS (SELECT id AS one, user_id AS two FROM postgres_orders) SELECT * FROM foo WHERE ", "foo"),
    ("WITH foo AS (SELECT id AS one, user_id AS two FROM postgres_orders) SELECT * FROM foo AS f WHERE ", "f"),
]


def test_after_a_dot_come_the_columns_of_that_query_alone(page: Page) -> None:
    for before, owner in OF_A_QUERY:
        begin(page, before)
        for keys in (owner, "."):
            type_slowly(page, keys)
        assert sorted(offered(page)) == ["one", "two"], before


def test_after_an_alias_or_a_full_name_come_its_columns(page: Page) -> None:
    for owner in ("o", "ord", "postgres_orders"):
        begin(page, f"SELECT * FROM postgres_orders{'' if owner == 'postgres_orders' else f' AS {owner}'} WHERE ")
        for key in f"{owner}.":
            type_slowly(page, key)
        names = offered(page)
        assert "user_id" in names
        assert not {"SELECT", "postgres_orders", "endsWith"} & set(names)
        type_slowly(page, "user_i")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert text(page).endswith(f" {owner}.user_id")


def test_a_name_with_a_dot_is_completed_as_a_whole_before_and_after_it(page: Page) -> None:
    for typed in ("mrr_sn", "finance.mrr"):
        begin(page, "SELECT * FROM ")
        type_slowly(page, typed)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert text(page) == "SELECT * FROM finance.mrr_snapshot"
