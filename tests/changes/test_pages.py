"""The pages: everything by plain forms, the text kept on every error, the same cost at any size."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.conftest import NEW_SQL, trail
from tests.changes.pages import hidden, shown, textarea, url
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest, Vote
from warehouse_admin.core.digests import text_digest
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State


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
    assert "It happened in PostHog." in shown(page)


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


def test_the_editor_gets_names_and_verdicts(client_of, author, view):
    editor = client_of(author)
    offered = editor.get(reverse("changes:completions")).json()
    entry = next(table for table in offered["tables"] if table["name"] == view.name)
    assert {"name", "kind", "columns"} <= entry.keys()
    assert "events" in [table["name"] for table in offered["tables"]]
    assert editor.post(reverse("changes:validate"), {"query": NEW_SQL}).json()["errors"] == []
    [problem] = editor.post(reverse("changes:validate"), {"query": "SELECT a\n  FROM"}).json()["errors"]
    assert (problem["level"], problem["line"]) == ("error", 2)
