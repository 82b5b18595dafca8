"""The list of changes and the page of one: deciding by plain forms, the same cost at any size."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.changes.conftest import NEW_SQL
from tests.changes.pages import shown, url, words
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.mirror import known_people
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State


def test_a_refused_decision_shows_the_page_with_the_comment_kept(client_of, reviewer, proposed, author):
    change = proposed()
    services.revise(change, author, "SELECT 2 AS two", 1)

    answer = client_of(reviewer).post(url("approve", change), {"revision": 1, "comment": "my long comment"})

    assert answer.status_code == 409
    assert "saved r2 meanwhile" in shown(answer)
    assert "my long comment" in shown(answer)
    fragment = client_of(reviewer).post(url("approve", change), {"revision": 1}, headers={"hx-request": "true"})
    assert fragment.status_code == 409
    assert "<html" not in shown(fragment)


def test_a_vote_that_does_not_say_what_was_shown_is_for_nothing(client_of, reviewer, proposed):
    judge, change = client_of(reviewer), proposed()

    for given in ({}, {"revision": 1}, {"digest": "0" * 64, "revision": 1}, {"digest": "", "comment": "no"}):
        assert judge.post(url("approve", change), given).status_code == 409
        assert judge.post(url("request-changes", change), {"comment": "no", **given}).status_code == 409

    assert judge.get(url("approve", change)).url == url("detail", change)
    change.refresh_from_db()
    assert change.state == State.IN_REVIEW and not Vote.objects.exists()


@pytest.mark.parametrize("name", ["reject", "withdraw"])
def test_the_other_decisions_have_forms_too(name, client_of, author, reviewer, proposed):
    change = proposed()
    person = client_of(author if name == "withdraw" else reviewer)
    assert "<form" in shown(person.get(url(name, change)))

    assert person.post(url(name, change), {"comment": "so it is"}).status_code == 302

    change.refresh_from_db()
    assert change.state in (State.REJECTED, State.CHANGES_REQUESTED, State.WITHDRAWN)
    assert "so it is" in shown(person.get(url("detail", change)))


def test_apply_and_roll_back_by_form(client_of, connection, operator, author, reviewer, proposed, committed, remote):
    connection.apply_policy = "manual"
    connection.save()
    change, former = services.approve(proposed(), reviewer), remote.sql
    with committed():
        assert client_of(operator).post(url("apply", change)).status_code == 302
    assert remote.sql == NEW_SQL

    answer = client_of(author).post(url("rollback", change), {"comment": "broke it"})

    undone = ChangeRequest.objects.latest("pk")
    assert answer.url == url("detail", undone)
    assert undone.revisions.get().proposal["query"] == former
    assert f"#{undone.pk}" in shown(client_of(author).get(url("detail", change)))


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda world, name: None, "still holds what this is written against"),
        (lambda world, name: world.edit_outside(name, "SELECT 9 AS theirs"), "PostHog holds another text by now. "),
        (lambda world, name: world.edit_outside(name, NEW_SQL), "exactly what is proposed"),
        (lambda world, name: world.edit_outside(name, world.view(name).sql + "  -- x"), "Only the layout"),
        (lambda world, name: world.delete_outside(name), "no longer exists"),
        (lambda world, name: world.faults.add(Fault("status_500", "GET", times=9)), "Not checked"),
    ],
)
def test_the_live_check_says_what_posthog_holds(prepare, said, client_of, reviewer, proposed, sandbox, remote):
    change = proposed()
    prepare(sandbox.world, remote.name)

    answer = client_of(reviewer).get(url("detail-base", change), headers={"hx-request": "true"})

    assert answer.status_code == 200
    assert said in shown(answer)
    assert "<html" not in shown(answer)


def test_progress_is_polled_until_it_has_ended(client_of, reviewer, proposed, sandbox, committed):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    change = proposed()
    with committed():
        services.approve(change, reviewer)
    page = client_of(reviewer).get(url("detail", change))
    assert 'hx-trigger="every 2s"' in shown(page)

    assert "HX-Refresh" not in client_of(reviewer).get(url("detail-status", change), headers={"hx-request": "true"})
    services.settle_open()
    services.settle_open()
    answer = client_of(reviewer).get(url("detail-status", change), headers={"hx-request": "true"})

    assert answer["HX-Refresh"] == "true"
    assert "every 2s" not in shown(answer)


def test_the_diff_is_chosen_in_the_url(client_of, reviewer, proposed, author):
    change = services.revise(proposed(), author, "SELECT 2 AS two", 1)
    judge = client_of(reviewer)

    assert "diff-unified" in shown(judge.get(url("detail", change), {"view": "unified"}))
    older = shown(judge.get(url("detail", change), {"revision": "1"}))
    assert "not the newest" in older
    assert judge.get(url("detail", change), {"revision": "99"}).status_code == 404


def test_lines_of_layout_are_hidden_with_their_number_until_they_are_asked_for(client_of, reviewer, proposed, remote):
    spread = remote.sql.replace("SELECT", "select", 1) + "\nLIMIT 7"
    change = proposed(spread)
    judge = client_of(reviewer)

    page = judge.get(url("detail", change))
    assert page.context["diff"].layout == 1
    assert "Show layout (1 line hidden)" in page.content.decode()
    assert "1 line differs in layout alone" in page.content.decode() and "LIMIT 7" in shown(page)

    whole = judge.get(url("detail", change), {"layout": "shown"})
    assert whole.context["diff"].layout == 0
    assert "Hide layout" in whole.content.decode() and "in layout alone" not in whole.content.decode()
    fold = next(row for part in page.context["parts"] for row in part.rows if row.layout)
    opened = judge.get(url("detail", change), {"expand": [fold.hidden_lines]})
    assert opened.context["diff"].layout == 0


def test_a_fold_is_opened_by_its_link_and_others_stay_open(client_of, author, reviewer, proposed, view):
    lines = [f"  , {number} AS c{number}" for number in range(60)]
    first = "\n".join(["SELECT 1 AS one", *lines, "FROM stg_app_orders"])
    change = services.revise(proposed(first), author, first.replace("30 AS c30", "31 AS c30"), 1)
    judge = client_of(reviewer)

    def folds(query: str) -> list[str]:
        page = judge.get(url("detail", change) + query)
        return re.findall(r'class="diff-expand" href="([^"]+)#diff"', page.content.decode())

    top, bottom = folds("?since=1")
    assert top == "?since=1&amp;expand=1-28"
    (left,) = folds(top.replace("&amp;", "&"))
    assert left == bottom.replace("since=1&amp;", "since=1&amp;expand=1-28&amp;")
    assert folds(left.replace("&amp;", "&")) == []


def test_remote_text_is_escaped(client_of, reviewer, proposed):
    change = proposed("SELECT '<script>alert(1)</script>' AS x", reason="<img src=x onerror=alert(1)>")

    page = client_of(reviewer).get(url("detail", change)).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_another_open_change_of_the_view_is_pointed_out(client_of, author, proposed, edit_url):
    proposed()

    assert "Another open change" in shown(client_of(author).get(edit_url))


def test_several_open_changes_of_the_view_are_counted_and_each_is_named(client_of, author, proposed, edit_url):
    others = [proposed(f"SELECT {number} AS n FROM stg_app_orders") for number in range(6)]

    page = client_of(author).get(edit_url)

    assert "6 other open changes touch this view." in words(page)
    assert all(url("detail", change) in page.content.decode() for change in others[:5])
    assert "and 1 more." in words(page)


def test_the_tabs_hold_what_they_say(client_of, author, reviewer, operator, proposed, connection):
    connection.apply_policy = "manual"
    connection.save()
    waiting, approved, closed = proposed(reason="first"), proposed(reason="second"), proposed(reason="third")
    services.approve(approved, reviewer)
    services.reject(closed, reviewer, "no")
    draft = proposed(reason="draft", submit=False)

    def numbers(person, tab: str, **more: str) -> set[int]:
        page = client_of(person).get(reverse("changes:list"), {"tab": tab, **more}).context["page"]
        return {change.pk for change in page.object_list}

    assert numbers(reviewer, "my-turn") == {waiting.pk}
    assert numbers(operator, "my-turn") == {approved.pk}
    assert numbers(author, "mine") == {waiting.pk, approved.pk, draft.pk}
    assert numbers(reviewer, "open") == {waiting.pk, approved.pk}
    assert numbers(reviewer, "closed") == {closed.pk}
    assert numbers(reviewer, "all") == {waiting.pk, approved.pk, closed.pk}
    assert numbers(reviewer, "all", q="second") == {approved.pk}
    assert numbers(reviewer, "all", q=f"#{closed.pk}") == {closed.pk}
    assert numbers(reviewer, "all", saved_query="no-uuid") == set()
    for sort in ("view", "-view", "state", "author", "number", "nonsense"):
        assert len(numbers(reviewer, "all", sort=sort)) == 3


def test_the_list_costs_the_same_at_any_size(client_of, reviewer, author, view, django_assert_max_num_queries):
    judge, counts = client_of(reviewer), []
    judge.get(reverse("changes:list"), {"tab": "open"})  # what is kept between pages is found by the first
    for size in (10, 60):
        made = ChangeRequest.objects.bulk_create(
            ChangeRequest(
                connection=view.connection,
                saved_query=view,
                author=author,
                action="edit_query",
                state=State.IN_REVIEW,
                reason=f"reason {number}",
                state_changed_at=timezone.now(),
            )
            for number in range(size)
        )
        Revision.objects.bulk_create(Revision(change=change, number=1, editor=author, digest="x") for change in made)
        with django_assert_max_num_queries(12) as queries:
            assert judge.get(reverse("changes:list"), {"tab": "open"}).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_review_page_is_bounded_too(client_of, reviewer, proposed, django_assert_max_num_queries):
    change, judge = proposed(), client_of(reviewer)
    with django_assert_max_num_queries(13):
        assert judge.get(url("detail", change)).status_code == 200


@pytest.mark.parametrize("revisions", [2, 6])
def test_the_review_page_of_a_rebase_that_drops_lines_of_others_is_bounded_too(
    revisions, client_of, author, reviewer, proposed, approved, sandbox, remote, django_assert_num_queries
):
    change, judge = proposed(), client_of(reviewer)
    sandbox.world.edit_outside(remote.name, "SELECT order_id, 5 AS five\nFROM stg_app_orders", by="ben")
    approved(change=change)
    services.rebase(change, author, "SELECT order_id, 2 AS two\nFROM stg_app_orders")
    for number in range(2, revisions):
        services.revise(change, author, f"SELECT order_id, {number} AS n\nFROM stg_app_orders", number)
    proposed("SELECT 9 AS rival")

    known_people.names()  # read once in five minutes, for all pages
    with django_assert_num_queries(14):
        page = judge.get(url("detail", change))

    assert "SELECT order_id, 5 AS five" in shown(page)
    assert "that others added" in words(page) and '<bdi title="ben@harborgoods.example">Ben</bdi>' in shown(page)
    assert "Another open change touches this view" in words(page)


def test_changes_are_requested_by_form(client_of, author, reviewer, proposed):
    change, judge = proposed(), client_of(reviewer)
    revision = change.revisions.get()
    given = {"revision": revision.number, "digest": revision.digest, "comment": "Name the currency"}

    answer = judge.post(url("request-changes", change), given, follow=True)

    change.refresh_from_db()
    assert change.state == State.CHANGES_REQUESTED
    assert "Name the currency" in shown(answer)
    assert AuditEntry.objects.filter(action="change.changes_requested", actor=reviewer, result="ok").count() == 1


def test_the_inbox_names_the_author_of_an_applied_change_not_who_set_it_off(
    client_of, author, reviewer, proposed, committed
):
    change = proposed()
    revision = change.revisions.get()
    with committed():
        client_of(reviewer).post(url("approve", change), {"revision": revision.number, "digest": revision.digest})
    activity.ingest(change.connection)

    entry = ActivityEntry.objects.get(mutation__cause=f"change:{change.pk}")
    assert (entry.source, entry.author) == ("portal", author.username)


def test_a_comment_is_a_card_on_the_timeline_and_kept_when_refused(client_of, viewer, proposed):
    change = proposed()

    answer = client_of(viewer).post(url("comment", change), {"comment": "Is this <b>wise</b>?"}, follow=True)
    assert "Is this <b>wise</b>?" in shown(answer) and b"<b>wise</b>" not in answer.content
    assert AuditEntry.objects.filter(action="change.commented", actor=viewer).count() == 1

    refused = client_of(viewer).post(url("comment", change), {"comment": " "})
    assert refused.status_code == 400
    too_long = client_of(viewer).post(url("comment", change), {"comment": "x" * 5_001})
    assert too_long.status_code == 400 and "x" * 5_001 in shown(too_long)


def test_an_objection_is_pinned_with_the_ways_out_of_it(client_of, author, reviewer, admin, proposed):
    change = services.request_changes(proposed(), reviewer, "Name the columns")
    dismiss = reverse("changes:dismiss", args=[change.pk, reviewer.username])
    pages = {user: shown(client_of(user).get(url("detail", change))) for user in (author, reviewer, admin)}

    assert all("<bdi>reviewer</bdi> asked for changes to r1" in page for page in pages.values())
    assert url("re-request", change) in pages[author] and dismiss not in pages[author]
    assert "Take it back" in pages[reviewer]
    assert "Dismiss" in pages[admin]

    assert client_of(author).post(url("re-request", change), {"comment": "see above"}).status_code == 302
    refused = client_of(admin).post(dismiss, {"comment": ""})
    assert refused.status_code == 400
    assert "dismiss" in shown(client_of(admin).get(dismiss)).lower()
    assert client_of(admin).post(dismiss, {"comment": "on holiday"}).status_code == 302
    page = shown(client_of(author).get(url("detail", change)))
    assert "dismissed by admin" in page and "<s>reviewer</s>" in page


def test_what_resolves_a_request_for_changes_is_said_alike_on_page_api_and_messages(
    client_of, author, reviewer, operator, proposed
):
    """It outlives edits (`votes`), so an edit is offered nowhere as a way out of it."""
    change = services.request_changes(proposed(), reviewer, "Name the columns")
    writer = client_of(author)
    who = (
        "reviewer by a new vote or by taking the request back, or an administrator who did not write it, with a reason"
    )

    def told() -> list[str]:
        [blocker] = [
            one for one in writer.get(f"/api/v1/changes/{change.pk}/").json()["blockers"] if "asked for" in one["text"]
        ]
        page = words(writer.get(url("detail", change)))
        assert f"{blocker['text']} Can be cleared by {blocker['who']}." in page
        assert blocker["who"] == who and "by an edit" not in page
        return [blocker["kind"], blocker["text"]]

    assert told() == ["fix", "reviewer asked for changes. An edit does not lift that: reviewer has to look again."]
    refused = client_of(operator).post(f"/api/v1/changes/{change.pk}/apply/", {}, "application/json")
    assert (refused.status_code, refused.json()["blockers"][0]["who"]) == (409, who)
    assert refused.json()["blockers"][0]["kind"] == "fix"

    edit = {"query": "SELECT 2 AS two", "reason": "because", "revision": 1, "do": "revise"}
    answer = writer.post(url("revise", change), edit, follow=True)

    assert f"#{change.pk} is saved as r2." in words(answer)
    still = f"What reviewer asked for still stands in the way. It is lifted by {who}."
    assert still in [str(message) for message in answer.context["messages"]]
    assert told() == ["fix", "reviewer asked for changes to r1 and has not looked at r2 yet."]


def test_a_stale_approval_is_struck_through_with_its_cause(client_of, author, reviewer, proposed, connection):
    connection.apply_policy = "manual"
    connection.save()
    change = services.revise(services.approve(proposed(), reviewer), author, "SELECT 2 AS two", 1)

    page = shown(client_of(author).get(url("detail", change)))

    assert "<s>reviewer</s>" in page and "r2 changed the query" in page
    assert "One reviewer: 0 of 1" in page


def test_co_authors_are_named_on_a_page_of_their_own(client_of, author, reviewer, proposed):
    change, editor = proposed(), client_of(author)

    page = shown(editor.get(url("co-authors", change)))
    assert '<option value="reviewer">' in page and '<option value="author">' not in page
    assert "nobody called" in shown(editor.post(url("co-authors", change), {"add": "nobody"}))
    assert editor.post(url("co-authors", change), {"add": "reviewer"}).status_code == 302
    assert "by <bdi>author</bdi>, <bdi>reviewer</bdi>" in shown(editor.get(url("detail", change)))
    assert client_of(reviewer).get(url("revise", change)).status_code == 200
    assert client_of(reviewer).get(url("co-authors", change)).status_code == 403
    editor.post(url("co-authors", change), {"remove": "reviewer"})
    assert client_of(reviewer).get(url("revise", change)).status_code == 403


def test_a_withdrawn_change_is_opened_again_by_form(client_of, author, proposed):
    change = services.withdraw(proposed(), author)
    assert url("reopen", change) in shown(client_of(author).get(url("detail", change)))

    assert client_of(author).post(url("reopen", change)).status_code == 302

    change.refresh_from_db()
    assert change.state == State.DRAFT
