"""Threads on the review page: under their lines or above them, by plain forms and inline, at the same cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.pages import hidden, shown, textarea, url, words
from tests.changes.test_threads import LINES, opened, revised
from tests.changes.test_threads_suggesting import query_of, suggest
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest, Thread, ThreadComment
from warehouse_admin.changes.threads import Said

HTMX = {"hx-request": "true"}


@pytest.fixture
def change(proposed: Callable[..., ChangeRequest]) -> ChangeRequest:
    return proposed(LINES)


@pytest.fixture
def judge(client_of, reviewer) -> Client:
    return client_of(reviewer)


def line(change: ChangeRequest, number: int = 3, revision: int = 1, side: str = "proposal") -> str:
    return reverse("changes:line", args=[change.pk, revision, side, number])


@pytest.mark.parametrize("how", ["", "unified"])
def test_the_number_of_each_line_leads_to_a_form_and_a_thread_stands_under_its_line(how, change, judge, reviewer):
    thread = opened(change, reviewer, "Why <one>?")

    page = shown(judge.get(url("detail", change), {"view": how} if how else {}))

    assert f'<a href="{line(change, 3)}">3</a>' in page
    assert f'<a href="{line(change, 1, side="base")}">1</a>' in page
    compared = page[page.index('id="diff"') :]
    above, _, below = compared.partition(f'id="thread-{thread.pk}"')
    assert "FROM stg_app_orders" not in above.rpartition(line(change, 3))[2] and below
    assert page.count(f'id="thread-{thread.pk}"') == 1
    assert "1 unresolved thread" in page
    raw = judge.get(url("detail", change)).content.decode()
    assert "Why &lt;one&gt;?" in raw and "Why <one>?" not in raw


def test_a_thread_on_a_line_that_would_be_folded_away_is_seen(proposed, judge, reviewer):
    long = "SELECT\n" + "".join(f"    {number} AS n{number},\n" for number in range(60)) + "    1 AS one\nFROM t\n"
    change = proposed(long)
    change = revised(change, change.author, long.replace("59 AS n59", "60 AS n59"))
    thread = opened(change, reviewer, place=(10, 10), side="proposal")

    page = shown(judge.get(url("detail", change), {"since": 1}))

    assert f'id="thread-{thread.pk}"' in page[page.index('id="diff"') :]


def test_without_script_the_form_is_a_page_and_the_comment_is_on_the_change(change, judge):
    page = judge.get(line(change))
    assert "Comment on line 3" in words(page) and textarea(page, "suggestion") == "    1 AS one"
    sent = {"comment": "Why one?", "last": "3", "shown_last": "3", "nonce": hidden(page, "nonce")}
    sent["suggestion"] = textarea(page, "suggestion")

    answer = judge.post(line(change), sent)
    judge.post(line(change), sent)

    thread = Thread.objects.get()
    assert answer.url == f"{url('detail', change)}#thread-{thread.pk}"
    assert not thread.comments.get().is_suggestion
    followed = words(judge.get(url("detail", change)))
    assert "opened a thread on line 3" in followed and "Why one?" in followed


def test_more_lines_are_chosen_without_losing_what_was_typed(change, judge):
    page = judge.get(line(change, 2))
    start = {"nonce": hidden(page, "nonce"), "shown_last": "2", "suggestion": "    order_id,"}
    more = judge.post(line(change, 2), {**start, "do": "lines", "last": "3", "comment": "both"})

    assert more.status_code == 200 and not Thread.objects.exists()
    assert textarea(more, "comment") == "both"
    assert textarea(more, "suggestion") == "    order_id,\n    1 AS one"

    late = judge.post(line(change, 2), {**start, "last": "3", "comment": "both", "suggestion": "    other,"})
    assert late.status_code == 422 and "were chosen after" in words(late)
    assert textarea(late, "suggestion") == "    other,"

    judge.post(line(change, 2), {**start, "last": "3", "comment": "both"})
    assert Thread.objects.get().last_line == 3


def test_inline_the_thread_takes_the_place_of_the_form_and_the_list_follows(change, judge):
    form = judge.get(line(change), headers=HTMX)
    assert "<html" not in shown(form) and 'hx-swap="outerHTML"' in shown(form)

    answer = judge.post(line(change), {"comment": "Why?", "last": "3"}, headers=HTMX)

    thread = Thread.objects.get()
    assert answer.status_code == 200 and f'id="thread-{thread.pk}"' in shown(answer)
    assert 'id="threads" hx-swap-oob="true"' in shown(answer) and "1 unresolved thread" in words(answer)
    settled = judge.post(url("thread-resolve", change, thread.pk), {"comment": "Clear."}, headers=HTMX)
    assert "Resolved by" in words(settled) and "unresolved thread" not in words(settled)
    assert ThreadComment.objects.filter(text="Clear.").exists()
    assert "Unresolved" in words(judge.post(url("thread-reopen", change, thread.pk), {"comment": ""}, headers=HTMX))


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_refused_is_kept(headers, change, judge, reviewer):
    refused = judge.post(line(change), {"comment": "phx_" + "a" * 40, "last": "3"}, headers=headers)
    assert refused.status_code == 422 and "phx_" in textarea(refused, "comment")
    thread = opened(change, reviewer)

    empty = judge.post(url("thread-reply", change, thread.pk), {"comment": "  "}, headers=headers)
    assert empty.status_code == 422 and "A comment is needed here." in words(empty)
    long = judge.post(url("thread-reply", change, thread.pk), {"comment": "x" * 5_001}, headers=headers)
    assert long.status_code == 422 and "x" * 5_001 in textarea(long, "comment")
    assert ThreadComment.objects.count() == 1


@pytest.mark.parametrize("place", [(3, 9, "proposal"), (9, 1, "proposal"), (1, 1, "remote")])
def test_an_address_of_no_line_is_none(place, change, judge):
    number, revision, side = place

    assert judge.get(line(change, number, revision, side)).status_code in (400, 404)
    assert judge.get(line(change, 99)).status_code == 404


def test_a_thread_whose_line_changed_is_told_as_outdated_with_the_line_as_it_was(change, judge, author, reviewer):
    thread = opened(change, reviewer)
    revised(change, author, LINES.replace("1 AS one", "2 AS two"))

    page = shown(judge.get(url("detail", change)))

    before = page[: page.index('id="diff"')]
    assert f'id="thread-{thread.pk}"' in before and "Outdated" in before and "    1 AS one" in before
    assert "1 unresolved thread" in before
    former = shown(judge.get(url("detail", change), {"revision": 1}))
    assert f'id="thread-{thread.pk}"' in former[former.index('id="diff"') :]


def test_resolved_threads_are_folded_and_never_lost(change, judge, author, reviewer):
    thread = opened(change, reviewer)
    services.resolve_thread(change, author, thread.pk)

    page = shown(judge.get(url("detail", change)))

    assert f'<details class="thread is-resolved" id="thread-{thread.pk}">' in page
    assert "unresolved thread" not in page


def test_the_author_takes_in_one_or_several_suggestions_by_form(change, client_of, author, reviewer):
    writes = client_of(author)
    one, other = suggest(change, reviewer, "    2 AS two"), suggest(change, reviewer, "    id,", 2)
    page = shown(writes.get(url("detail", change)))
    assert "Accept what is ticked as r2" in page
    assert "2 AS two</ins>" in page

    stale = writes.post(url("accept-suggestions", change), {"suggestions": [one.pk], "revision": "7"})
    assert stale.status_code == 409 and query_of(change) == LINES

    sent = {"suggestions": [one.pk, other.pk], "revision": "1"}
    done = writes.post(url("accept-suggestions", change), sent, follow=True)

    assert query_of(change) == "SELECT\n    id,\n    2 AS two\nFROM stg_app_orders\n"
    assert "took in what was suggested, as r2" in words(done) and "Suggested by" in words(done)


def test_others_are_not_offered_to_decide_and_the_suggester_is_told_why_they_cannot_vote(
    change, judge, client_of, author, reviewer
):
    one = suggest(change, reviewer, "    2 AS two")
    assert "Accept" not in shown(judge.get(url("detail", change)))
    assert client_of(author).post(url("decline-suggestion", change, one.pk)).status_code == 302
    assert "Declined" in words(judge.get(url("detail", change)))
    services.accept_suggestions(change, author, [suggest(change, reviewer, "    3 AS three").pk], revision=1)

    assert "What you suggested is part of this revision" in words(judge.get(url("detail", change)))


@pytest.mark.parametrize("keys", [["x"], [""], ["9" * 30], []])
def test_damaged_choices_are_told(keys, change, client_of, author):
    answer = client_of(author).post(url("accept-suggestions", change), {"suggestions": keys, "revision": "1"})

    assert answer.status_code in (400, 404, 422)


def test_a_policy_makes_them_a_blocker_with_who_can_clear_it(change, judge, reviewer, approve, connection):
    opened(change, reviewer)
    assert "Can be cleared by whoever opened them" not in words(judge.get(url("detail", change)))
    Connection.objects.update(threads_block=True)

    page = words(judge.get(url("detail", change)))

    assert "1 thread about its lines is not resolved yet. Can be cleared by whoever opened them" in page
    approve(change)
    assert "Approved, held up" in words(judge.get(url("detail", change)))
    answer = judge.post(url("thread-resolve", change, Thread.objects.get().pk), headers=HTMX)
    assert answer["HX-Refresh"] == "true"


def test_the_page_and_the_list_cost_the_same_with_many_threads(
    change, judge, author, reviewer, django_assert_max_num_queries
):
    def cost() -> tuple[int, int]:
        with django_assert_max_num_queries(15) as page:
            assert judge.get(url("detail", change)).status_code == 200
        with django_assert_max_num_queries(12) as listed:
            assert "unresolved threads" in words(judge.get(reverse("changes:list"), {"tab": "open"}))
        return len(page), len(listed)

    for number in (1, 2):
        thread = opened(change, reviewer, place=(number, number))
    services.accept_suggestions(change, author, [suggest(change, reviewer, "    2 AS two").pk], revision=1)
    first = cost()
    for _ in range(20):
        services.reply_in_thread(change, author, thread.pk, Said("more"))
        opened(change, reviewer)

    assert cost() == first


def test_since_my_last_review_shows_what_came_after_it(change, judge, author, reviewer):
    assert "Since my last review" not in words(judge.get(url("detail", change)))
    services.request_changes(change, reviewer, "name it two")
    revised(change, author, LINES.replace("1 AS one", "2 AS two"))
    thread = opened(change, reviewer, revision=1)
    page = shown(judge.get(url("detail", change)))
    assert 'href="?since=1#diff"' in page

    since = shown(judge.get(url("detail", change), {"since": 1}))

    compared = since[since.index('id="diff"') :]
    assert "r1 → proposal" in compared and "Against the base" in compared
    assert f'<a href="{line(change, 3, 1)}">3</a>' in compared and f'<a href="{line(change, 3, 2)}">3</a>' in compared
    assert f'id="thread-{thread.pk}"' in compared  # beside the line as it was
    for odd in ("2", "9", "x", "0", "999999999"):
        assert judge.get(url("detail", change), {"since": odd}).status_code in (200, 404)
