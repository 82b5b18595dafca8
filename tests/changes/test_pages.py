"""The pages: everything by plain forms, the text kept on every error, the same cost at any size."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.core.digests import text_digest
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State


def url(name: str, change: ChangeRequest) -> str:
    return reverse(f"changes:{name}", args=[change.pk])


@pytest.fixture
def edit_url(view) -> str:
    return reverse("changes:propose", args=[view.posthog_id])


def shown(response) -> str:
    return html.unescape(response.content.decode())


def textarea(response, name: str = "query") -> str:
    found = re.search(rf'<textarea name="{name}".*?>\n?(.*?)</textarea>', response.content.decode(), re.DOTALL)
    return html.unescape(found[1])


def hidden(response, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())[1]


def test_from_the_editor_over_the_review_to_applied(client_of, author, reviewer, edit_url, remote, committed):
    editor, judge = client_of(author), client_of(reviewer)
    page = editor.get(edit_url)
    assert page.status_code == 200
    assert textarea(page) == remote.sql
    typed = {name: hidden(page, name) for name in ("base", "nonce")}
    typed |= {"query": NEW_SQL.replace("\n", "\r\n"), "reason": "because", "do": "propose"}

    answer = editor.post(edit_url, typed)
    change = ChangeRequest.objects.get()
    assert answer.url == url("detail", change)
    assert change.state == State.IN_REVIEW
    assert change.revisions.get().proposal["query"] == NEW_SQL, "a browser's CRLF is not an edit"
    assert editor.post(edit_url, typed).url == answer.url, "a double click makes one change"
    assert ChangeRequest.objects.count() == 1

    page = judge.get(url("detail", change))
    assert "because" in shown(page)
    assert "diff-split" in shown(page)
    vote = {name: hidden(page, name) for name in ("revision", "digest")}
    with committed():
        answer = judge.post(url("approve", change), {**vote, "comment": "fine"})
    assert answer.url == url("detail", change)
    assert remote.sql == NEW_SQL
    page = judge.get(url("detail", change))
    assert "PATCH" in shown(page)
    assert "PostHog holds it" in shown(page)


def test_crlf_and_emoji_go_round_through_the_form(
    client_of, author, edit_url, view, sandbox, remote, committed, reviewer
):
    text = "SELECT '🦔' AS a,\r\n\t1 AS b\r\nFROM stg_app_orders"
    sandbox.world.edit_outside(remote.name, text)
    editor = client_of(author)
    view.query = text
    view.save()
    page = editor.get(edit_url)
    assert 'data-newlines="windows"' in shown(page)

    editor.post(edit_url, {"base": text_digest(text), "query": text + "\r\nLIMIT 3", "reason": "less"})
    change = ChangeRequest.objects.get()
    with committed():
        services.approve(change, reviewer)

    assert remote.sql == text + "\r\nLIMIT 3"


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"query": "SELECT a FROM", "reason": "r"}, 422, "Line 1"),
        ({"query": "SELECT 'a\0'", "reason": "r"}, 422, "NUL byte"),
        ({"query": "SELECT 77 AS mine", "reason": ""}, 422, "Say why"),
        ({"query": "SELECT 77 AS mine", "reason": "r", "base": "0" * 64}, 409, "changed in PostHog while"),
    ],
)
def test_every_refusal_keeps_the_text(typed, status, said, client_of, author, edit_url):
    answer = client_of(author).post(edit_url, typed)

    assert answer.status_code == status
    assert said in shown(answer)
    assert textarea(answer) == typed["query"]
    assert textarea(answer, "reason") == typed["reason"] or typed["reason"] in shown(answer)
    assert not ChangeRequest.objects.exists()


def test_the_text_is_kept_when_posthog_cannot_be_read(client_of, author, edit_url, sandbox):
    sandbox.world.faults.add(Fault("status_500", "GET", times=9))

    answer = client_of(author).post(edit_url, {"query": "SELECT 77 AS mine", "reason": "r"})

    assert answer.status_code == 409
    assert "text is kept" in shown(answer)
    assert textarea(answer) == "SELECT 77 AS mine"


def test_after_an_outside_edit_a_second_click_goes_through(client_of, author, edit_url, sandbox, remote):
    editor = client_of(author)
    page = editor.get(edit_url)
    sandbox.world.edit_outside(remote.name, "SELECT 5 AS theirs")

    opened = {name: hidden(page, name) for name in ("base", "nonce")}
    answer = editor.post(edit_url, {**opened, "query": "SELECT 77 AS mine", "reason": "r"})
    assert "theirs" in shown(answer)
    again = {name: hidden(answer, name) for name in ("base", "nonce")}
    editor.post(edit_url, {**again, "query": "SELECT 77 AS mine", "reason": "r"})

    assert ChangeRequest.objects.get().revisions.get().base["query"] == "SELECT 5 AS theirs"


def test_an_expired_sign_in_gives_the_text_back_and_leads_to_the_editor(client, edit_url, author):
    typed = {"query": "\r\nSELECT '</textarea><b>' AS mine", "reason": "my why", "base": "x" * 64}
    answer = client.post(edit_url, typed, headers={"referer": f"http://testserver{edit_url}"})

    assert answer.status_code == 401
    page = answer.content.decode()
    assert re.findall(r"<textarea[^>]*readonly>\n(.*?)</textarea>", page, re.S) == [
        html.escape(typed["query"]),
        "my why",
    ]
    assert "next=" in page and str(edit_url) in html.unescape(page.replace("%2F", "/"))
    assert not ChangeRequest.objects.exists()


def test_a_form_of_another_session_gives_the_text_back(author, edit_url):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(author)

    answer = strict.post(edit_url, {"query": "SELECT 7 AS mine", "reason": "my why", "csrfmiddlewaretoken": "old"})

    assert answer.status_code == 403
    assert "SELECT 7 AS mine" in shown(answer) and "my why" in shown(answer)


def test_two_megabytes_go_through_the_form(client_of, author, edit_url):
    text = "SELECT '" + "é" * (1024 * 1024 - 20) + "' AS a"

    answer = client_of(author).post(edit_url, {"query": text, "reason": "big"})

    assert answer.status_code == 302
    change = ChangeRequest.objects.get()
    assert change.revisions.get().proposal["query"] == text
    assert client_of(author).get(url("detail", change)).status_code == 200


def test_managed_views_say_why_they_have_no_editor(client_of, author, edit_url, view):
    view.managed_viewset_kind = "revenue_analytics"
    view.save()

    answer = client_of(author).get(edit_url)

    assert answer.status_code == 409
    assert "managed by PostHog" in shown(answer)


def test_who_may_not_is_told_so_and_it_is_recorded(client_of, viewer, edit_url, proposed, author):
    assert client_of(viewer).post(edit_url, {"query": NEW_SQL, "reason": "r"}).status_code == 403
    change = proposed()
    assert client_of(author).post(url("approve", change)).status_code == 403
    assert client_of(viewer).post(url("reject", change)).status_code == 403
    assert client_of(viewer).post(url("request-changes", change)).status_code == 403
    assert client_of(viewer).post(url("apply", change)).status_code == 403
    assert client_of(viewer).get(url("revise", change)).status_code == 403

    denied = [action for action, result in trail() if result == "denied"]
    assert denied == [
        "change.created",
        "change.approved",
        "change.rejected",
        "change.changes_requested",
        "change.apply_asked",
        "change.revised",
    ]
    assert not Vote.objects.exists()


def test_a_revision_by_form_and_a_stale_one(client_of, author, proposed):
    editor, change = client_of(author), proposed()
    page = editor.get(url("revise", change))
    assert textarea(page) == NEW_SQL

    assert (
        editor.post(url("revise", change), {"revision": 1, "query": "SELECT 2 AS two", "reason": "b"}).status_code
        == 302
    )
    answer = editor.post(url("revise", change), {"revision": 1, "query": "SELECT 3 AS three", "reason": "b"})

    assert answer.status_code == 409
    assert "saved r2 meanwhile" in shown(answer)
    assert textarea(answer) == "SELECT 3 AS three"
    assert hidden(answer, "revision") == "2"


def test_a_draft_is_saved_and_proposed_later(client_of, author, reviewer, edit_url):
    editor = client_of(author)
    editor.post(edit_url, {"query": NEW_SQL, "reason": "", "do": "draft"})
    change = ChangeRequest.objects.get()
    assert change.state == State.DRAFT
    assert client_of(reviewer).get(url("detail", change)).status_code == 404
    assert "You have a draft change" in shown(editor.get(edit_url))

    refused = editor.post(url("revise", change), {"revision": 1, "query": NEW_SQL, "reason": "", "do": "propose"})
    assert refused.status_code == 422
    editor.post(url("revise", change), {"revision": 1, "query": NEW_SQL, "reason": "now", "do": "propose"})

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW


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


def test_a_damaged_hidden_value_is_said_above_the_form(client_of, author, edit_url):
    answer = client_of(author).post(edit_url, {"query": NEW_SQL, "reason": "r", "base": "x" * 65})

    assert answer.status_code == 422
    assert "This form was damaged on its way. Reload the page" in shown(answer)
    assert textarea(answer) == NEW_SQL


def test_a_used_up_rate_says_when_to_try_again(client_of, author, edit_url, sandbox):
    sandbox.world.faults.add(Fault("status_429", "GET", retry_after=17))

    answer = client_of(author).post(edit_url, {"query": NEW_SQL, "reason": "r"})

    assert "rate limit is used up" in shown(answer) and "try again in 17 seconds" in shown(answer)
    assert textarea(answer) == NEW_SQL


def test_a_rebase_is_fitted_to_what_was_shown(client_of, author, proposed, sandbox, remote, reviewer, committed):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 7 AS theirs")
    with committed():
        services.approve(change, reviewer)
    editor = client_of(author)
    shown_base = hidden(editor.get(url("rebase", change)), "base")
    sandbox.world.edit_outside(remote.name, "SELECT 8 AS newer")

    refused = editor.post(url("rebase", change), {"query": "SELECT 7 AS theirs, 1 AS one", "base": shown_base})

    assert refused.status_code == 409
    assert "SELECT 8 AS newer" in shown(refused)
    assert textarea(refused) == "SELECT 7 AS theirs, 1 AS one"
    assert ChangeRequest.objects.get().state == State.NEEDS_REBASE
    again = {"query": "SELECT 8 AS newer, 1 AS one", "base": hidden(refused, "base")}
    assert editor.post(url("rebase", change), again).status_code == 302
    assert change.revisions.latest("number").base["query"] == "SELECT 8 AS newer"


def test_the_conflict_page_shows_both_sides_and_rebases(
    client_of, author, proposed, sandbox, remote, reviewer, committed
):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 7 AS theirs")
    with committed():
        services.approve(change, reviewer)
    editor = client_of(author)
    assert "Resolve the conflict" in shown(editor.get(url("detail", change)))
    assert editor.get(url("revise", change)).url == url("rebase", change)
    page = editor.get(url("rebase", change))
    assert "theirs" in shown(page)
    assert textarea(page) == NEW_SQL

    bad = editor.post(url("rebase", change), {"query": "SELECT a FROM"})
    assert (bad.status_code, textarea(bad)) == (422, "SELECT a FROM")
    assert editor.post(url("rebase", change), {"query": "SELECT 7 AS theirs, 1 AS one"}).status_code == 302

    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)


@pytest.mark.parametrize("name", ["revise", "rebase"])
def test_a_closed_change_has_no_editor(name, client_of, author, proposed):
    change = services.withdraw(proposed(), author)

    answer = client_of(author).get(url(name, change))

    assert answer.status_code == 409
    assert "was withdrawn" in shown(answer)


def test_prose_that_no_database_keeps_is_cleaned(proposed, reviewer):
    change = proposed(reason="be\0cause \ud800 of it")
    assert change.reason == "because ? of it"
    assert services.approve(change, reviewer, "fi\0ne \udfff").votes.get().comment == "fine ?"


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
        (lambda world, name: world.edit_outside(name, "SELECT 9 AS theirs"), "Somebody changed the view"),
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


def test_remote_text_is_escaped(client_of, reviewer, proposed):
    change = proposed("SELECT '<script>alert(1)</script>' AS x", reason="<img src=x onerror=alert(1)>")

    page = client_of(reviewer).get(url("detail", change)).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_another_open_change_of_the_view_is_pointed_out(client_of, author, proposed, edit_url):
    proposed()

    assert "Another open change" in shown(client_of(author).get(edit_url))


def test_the_editor_gets_names_and_verdicts(client_of, author, view):
    editor = client_of(author)
    offered = editor.get(reverse("changes:completions")).json()
    entry = next(table for table in offered["tables"] if table["name"] == view.name)
    assert {"name", "kind", "columns"} <= entry.keys()
    assert "events" in [table["name"] for table in offered["tables"]]
    assert editor.post(reverse("changes:validate"), {"query": NEW_SQL}).json() == {"errors": []}
    [problem] = editor.post(reverse("changes:validate"), {"query": "SELECT a\n  FROM"}).json()["errors"]
    assert (problem["level"], problem["line"]) == ("error", 2)


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
    with django_assert_max_num_queries(15):
        assert judge.get(url("detail", change)).status_code == 200


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

    assert all("reviewer asked for changes to r1" in page for page in pages.values())
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


def test_a_stale_approval_is_struck_through_with_its_cause(client_of, author, reviewer, proposed, connection):
    connection.apply_policy = "manual"
    connection.save()
    change = services.revise(services.approve(proposed(), reviewer), author, "SELECT 2 AS two", 1)

    page = shown(client_of(author).get(url("detail", change)))

    assert "<s>reviewer</s>" in page and "r2 changed the query" in page
    assert "One reviewer: 0 of 1" in page


def test_co_authors_are_named_on_a_page_of_their_own(client_of, author, reviewer, proposed):
    change, editor = proposed(), client_of(author)

    assert "nobody called" in shown(editor.post(url("co-authors", change), {"add": "nobody"}))
    assert editor.post(url("co-authors", change), {"add": "reviewer"}).status_code == 302
    assert "by author, reviewer" in shown(editor.get(url("detail", change)))
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
