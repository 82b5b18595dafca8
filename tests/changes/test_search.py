"""The lists: tabs by what to do, a search box with typed conditions, and the same cost however much was voted."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse

from warehouse_admin.accounts.roles import Role
from warehouse_admin.changes import searching, selectors, services
from warehouse_admin.changes.models import ChangeRequest

State = ChangeRequest.State


@pytest.fixture(autouse=True)
def by_hand(connection):
    """An approval does not apply by itself here."""
    connection.apply_policy = "manual"
    connection.save()


@pytest.fixture
def numbers(client_of):
    def of(person, tab: str = "all", **more: str) -> set[int]:
        page = client_of(person).get(reverse("changes:list"), {"tab": tab, **more}).context["page"]
        return {change.pk for change in page.object_list}

    return of


def test_typed_conditions_narrow_together_with_free_words(proposed, person, author, reviewer, numbers):
    other = person("other", Role.EDITOR)
    mine = proposed(reason="less noise")
    theirs = proposed(author=other, reason="more noise")
    services.approve(theirs, reviewer)

    for typed, expected in {
        "author:other": {theirs.pk},
        "author:me": {mine.pk},
        "is:mine": {mine.pk},
        "is:open noise": {mine.pk, theirs.pk},
        "is:closed": set(),
        "state:in_review": {mine.pk},
        "STATE:Approved": {theirs.pk},
        "action:edit_query less": {mine.pk},
        "view:order_margins more": {theirs.pk},
        "view:nowhere": set(),
        "reviewer:reviewer": {theirs.pk},
        "reviewer:me": set(),
        f"#{mine.pk}": {mine.pk},
        f"#{mine.pk} more": set(),
        '"more noise"': {theirs.pk},
        '"noise more"': set(),
        '"no end of noise': set(),
        "it's": set(),
        "unknown:noise": set(),
        "'": set(),
        "\\": set(),
    }.items():
        assert numbers(author, q=typed) == expected, typed


@pytest.mark.parametrize("typed", ["state:odd", "action:explode", "is:fine"])
def test_a_value_that_does_not_exist_is_said_with_those_that_do(typed, proposed, client_of, reviewer):
    proposed()

    page = client_of(reviewer).get(reverse("changes:list"), {"q": typed})

    assert page.context["page"].object_list == []
    assert f"There is no {typed}. Use one of" in html.unescape(page.content.decode())


def test_every_typed_condition_is_told_of_beside_the_box(client_of, reviewer, db):
    page = client_of(reviewer).get(reverse("changes:list")).content.decode()

    for example, _ in searching.HELP:
        assert example in page


def test_no_search_text_breaks_the_list(numbers, reviewer, proposed):
    proposed()
    for typed in ("author:", "is:", "#", "#99999999999999999", '"', "a:" * 200, "\0", "state:", "view:%", "x" * 3_000):
        numbers(reviewer, q=typed)


def test_each_state_that_waits_has_its_tab_and_its_count(proposed, reviewer, numbers, client_of):
    made = {tab: proposed() for tab in ("scheduled", "needs-rebase", "unconfirmed")}
    for tab, change in made.items():
        ChangeRequest.objects.filter(pk=change.pk).update(state=tab.replace("-", "_"))

    for tab, change in made.items():
        assert numbers(reviewer, tab) == {change.pk}
    counts = selectors.tab_counts(reviewer)
    assert {tab: counts[tab] for tab in made} == dict.fromkeys(made, 1)
    tabs = client_of(reviewer).get(reverse("changes:list")).context["tabs"]
    assert [tab["label"] for tab in tabs] == [
        "My turn", "Mine", "Open", "Scheduled", "Needs rebase", "Unconfirmed", "Closed", "All",
    ]  # fmt: skip


def test_what_waited_longest_comes_first_in_my_turn(proposed, reviewer, client_of):
    first, second = proposed(), proposed()

    page = client_of(reviewer).get(reverse("changes:list"), {"tab": "my-turn"}).context["page"]

    assert [change.pk for change in page.object_list] == [first.pk, second.pk]


def test_the_menu_counts_what_waits_for_each_person(proposed, person, author, reviewer, operator, viewer, client_of):
    second, editor = person("second", Role.EDITOR, Role.REVIEWER), person("third", Role.EDITOR)
    services.set_co_authors(proposed(), author, add=["second"])
    ChangeRequest.objects.filter(pk=proposed().pk).update(state="failed")

    waiting = {}
    for who in (reviewer, second, author, editor, operator, viewer):
        nav = client_of(who).get(reverse("changes:list")).context["nav"]
        waiting[who.username] = next(item["badge"] for item in nav if item["label"] == "Changes")

    none = dict.fromkeys(["second", "third", viewer.username], 0)
    assert waiting == none | {reviewer.username: 1, author.username: 1, operator.username: 1}


def test_what_a_co_author_works_on_is_theirs(proposed, person, author, numbers):
    second = person("second", Role.EDITOR)
    change = services.set_co_authors(proposed(submit=False), author, add=["second"])

    assert numbers(second, "mine") == numbers(second, q="is:mine") == {change.pk}
    assert numbers(person("third", Role.EDITOR)) == set()


def test_votes_revisions_and_co_authors_cost_the_list_nothing_more(
    proposed, author, person, client_of, reviewer, django_assert_max_num_queries
):
    judge, counts = client_of(reviewer), []
    for size in (2, 6):
        for number in range(size):
            voter = person(f"voter{size}{number}", Role.REVIEWER, Role.EDITOR)
            change = services.approve(proposed(), voter)
            services.revise(change, author, f"SELECT {number} AS n", 1)
            services.set_co_authors(change, author, add=[voter.username])
        with django_assert_max_num_queries(12) as queries:
            assert judge.get(reverse("changes:list"), {"tab": "all"}).status_code == 200
        with django_assert_max_num_queries(14) as over_rest:
            assert judge.get("/api/v1/changes/").status_code == 200
        counts.append((len(queries), len(over_rest)))
    assert counts[0] == counts[1]
