"""The page of a conflict: plain forms, every choice and every word kept, and nothing dropped that was not ticked."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from tests.changes.conftest import trail
from tests.changes.pages import shown, url
from tests.changes.test_rebase import (
    ANA,
    BASE,
    BOTH,
    MINE,
    based,
    conflicting,
    last_entry,
    last_event,
    remade,
    sync,
)
from tests.mirror.logs import VIEW_LOG, refuse
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.sandbox.faults import Fault

__all__ = ["based", "conflicting", "remade"]  # fixtures
State = ChangeRequest.State
CLASH = BASE.replace("LIMIT 10", "LIMIT 50")


class Form:
    """What a browser without scripts would send back of the page."""

    def __init__(self, answer) -> None:
        page = answer.content.decode()
        self.values = dict(re.findall(r'<input type="hidden" name="(base|drops_all|revision)" value="([^"]*)"', page))
        self.radios: dict[str, list[str]] = {}
        for name, value, more in re.findall(r'<input type="radio" name="([^"]+)" value="([^"]+)"([^>]*)>', page):
            self.radios.setdefault(name, []).append(value)
            if "checked" in more:
                self.values[name] = value
        for name, text in re.findall(r'<textarea name="(query)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
            self.values[name] = html.unescape(text)
        self.edits = re.findall(r'<textarea [^>]*name="(text-[^"]+)"', page)

    @property
    def conflicts(self) -> list[str]:
        return [name for name, values in self.radios.items() if "both" in values]

    def ticks(self, answer, name: str) -> str:
        return re.search(rf'type="checkbox" [^>]*name="{name}" value="([^"]*)"', answer.content.decode())[1]


@pytest.fixture
def editor(client_of, author):
    return client_of(author)


def test_what_one_side_alone_changed_is_chosen_already(conflicting, editor):
    change = conflicting()
    page = editor.get(url("rebase", change))
    form = Form(page)
    assert form.conflicts == []
    assert "Nothing conflicts" in shown(page)

    assert editor.post(url("rebase", change), form.values | {"do": "rebase"}).status_code == 302

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert change.revisions.get(number=2).proposal["query"] == BOTH
    assert trail("change.rebased") == [("change.rebased", "ok")]


def test_the_page_asks_who_made_the_conflict_where_nobody_knows_yet(conflicting, editor, sandbox):
    refuse(sandbox, VIEW_LOG, 503)
    change = conflicting()
    assert "nobody is guessed" in shown(editor.get(url("rebase", change)))
    sandbox.world.faults.clear()
    sandbox.world.requests.clear()

    assert f'<strong><bdi title="{ANA}">Ana Ruiz</bdi></strong>' in shown(editor.get(url("rebase", change)))
    assert len(sandbox.world.requests_to("/activity/")) == 1
    editor.get(url("rebase", change))
    assert len(sandbox.world.requests_to("/activity/")) == 1  # what is known is not asked again


def test_a_conflict_has_to_be_chosen_and_the_rest_is_kept(conflicting, editor):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))
    [name] = form.conflicts
    typed = form.values | {"do": "rebase", form.edits[0]: "LIMIT 75", "query": "typed before"}

    refused = editor.post(url("rebase", change), typed)

    assert refused.status_code == 422
    assert "Choose for 1 more conflict first" in shown(refused)
    assert "LIMIT 75" in shown(refused) and Form(refused).values["query"] == "typed before"
    assert change.revisions.count() == 1

    typed |= {name: "edit"}
    ticked = Form(refused).ticks(editor.post(url("rebase", change), typed | {"do": "preview"}), "drops")
    assert editor.post(url("rebase", change), typed | {"drops": ticked}).status_code == 302
    assert change.revisions.get(number=2).proposal["query"] == BASE.replace("LIMIT 10", "LIMIT 75")


@pytest.mark.parametrize(("choice", "end"), [("mine", "LIMIT 99"), ("both", "LIMIT 50\nLIMIT 99")])
def test_a_choice_is_what_the_result_holds(choice, end, conflicting, editor):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))

    page = editor.post(url("rebase", change), form.values | {form.conflicts[0]: choice, "do": "to-editor"})

    assert (page.status_code, Form(page).values["query"]) == (200, BASE.replace("LIMIT 10", end))
    assert Form(page).values[form.conflicts[0]] == choice


def test_their_lines_are_dropped_only_when_ticked(conflicting, editor):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))
    typed = form.values | {form.conflicts[0]: "mine", "do": "rebase"}

    refused = editor.post(url("rebase", change), typed)

    assert refused.status_code == 409
    assert "1 line that others added is left out" in shown(refused) and "LIMIT 50" in shown(refused)
    assert Form(refused).values[form.conflicts[0]] == "mine"
    assert change.revisions.count() == 1
    drops = form.ticks(refused, "drops")
    assert editor.post(url("rebase", change), typed | {"drops": drops}).status_code == 302
    assert "Drops 1 line" in last_event(change).text
    assert last_entry("change.rebased").after["drops"][0]["text"] == "LIMIT 50"


def test_the_whole_text_is_held_to_the_same(conflicting, editor):
    change = conflicting()
    form = Form(editor.get(url("rebase", change)))
    typed = form.values | {"query": MINE, "do": "text"}

    refused = editor.post(url("rebase", change), typed)

    assert (refused.status_code, Form(refused).values["query"]) == (409, MINE)
    drops = form.ticks(refused, "drops_text")
    assert editor.post(url("rebase", change), typed | {"drops_text": drops}).status_code == 302
    change.refresh_from_db()
    assert change.state == State.IN_REVIEW


def test_reviewers_are_told_what_is_left_out(conflicting, author, reviewer, client_of, connection):
    change = conflicting()
    sync(connection)
    services.rebase(change, author, MINE)

    page = shown(client_of(reviewer).get(url("detail", change)))

    assert "1 line that others added is left out" in page
    assert "currency," in page and "ana" in page
    moved = shown(client_of(reviewer).get(url("moved", change, 2)))
    assert url("moved", change, 2) in page and "currency" in moved


def test_when_posthog_moves_once_more_choices_and_texts_are_kept(conflicting, editor, sandbox, based):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))
    sandbox.world.edit_outside(based.name, CLASH.replace("  amount\n", "  amount,\n  status\n"))
    typed = form.values | {form.conflicts[0]: "edit", form.edits[0]: "LIMIT 75", "do": "rebase"}

    refused = editor.post(url("rebase", change), typed)

    again = Form(refused)
    assert refused.status_code == 409
    assert "status" in shown(refused) and "What you had put together" in shown(refused)
    assert again.values[form.conflicts[0]] == "edit" and "LIMIT 75" in shown(refused)
    assert again.values["base"] != form.values["base"]
    assert change.revisions.count() == 1


def test_a_preview_saves_nothing_and_answers_htmx_with_the_result_alone(conflicting, editor):
    change = conflicting()
    form = Form(editor.get(url("rebase", change)))

    page = editor.post(url("rebase", change), form.values | {"do": "preview"})
    fragment = editor.post(url("rebase", change), form.values | {"do": "preview"}, headers={"HX-Request": "true"})

    assert "<html" in shown(page) and "<html" not in shown(fragment)
    assert 'id="merged"' in shown(fragment)
    assert change.revisions.count() == 1


def test_replacing_has_to_be_meant(conflicting, editor, connection):
    change = conflicting()
    sync(connection)
    page = editor.get(url("rebase", change))
    form = Form(page)
    assert "ana" in shown(page)

    refused = editor.post(url("rebase", change), form.values | {"do": "replace"})
    assert refused.status_code == 422
    assert change.revisions.count() == 1

    answer = editor.post(url("rebase", change), form.values | {"do": "replace", "overwrite": "yes"})
    assert answer.status_code == 302
    assert last_event(change).text.startswith("Overwrites what ana")
    assert trail("change.remote_replaced") == [("change.remote_replaced", "ok")]


def test_giving_way_asks_first_and_closes_the_change(conflicting, editor):
    change = conflicting()
    assert "closed" in shown(editor.get(url("drop", change)))

    assert editor.post(url("drop", change)).status_code == 302

    change.refresh_from_db()
    assert change.state == State.SUPERSEDED
    assert trail("change.dropped") == [("change.dropped", "ok")]


def test_what_is_known_is_shown_while_posthog_cannot_be_read(conflicting, editor, sandbox):
    change = conflicting()
    sandbox.world.faults.add(Fault("status_500", "GET", "saved_queries"))

    page = editor.get(url("rebase", change))

    assert page.status_code == 200
    assert "PostHog could not be asked just now" in shown(page) and "currency" in shown(page)


def test_line_ends_and_a_missing_newline_at_the_end_are_kept(conflicting, editor):
    windows = BASE.replace("\n", "\r\n")
    change = conflicting(windows.replace("LIMIT 10", "LIMIT 99"), BASE.replace("  amount\n", "  fee,\n  amount\n"))
    form = Form(editor.get(url("rebase", change)))
    choices = {name: "mine" if "mine" in values else "theirs" for name, values in form.radios.items()}

    page = editor.post(url("rebase", change), form.values | choices | {"do": "rebase"})

    ticked = form.ticks(page, "drops") if page.status_code == 409 else ""
    assert editor.post(url("rebase", change), form.values | choices | {"do": "rebase", "drops": ticked})
    assert change.revisions.last().proposal["query"] == windows.replace("LIMIT 10", "LIMIT 99")


def test_of_a_deleted_view_both_pages_say_so_and_offer_the_new_one(remade, editor, author):
    for name in ("detail", "rebase"):
        page = shown(editor.get(url(name, remade)))
        assert "was deleted in PostHog and made anew" in page
        assert url("carry-over", remade) in page

    answer = editor.post(url("carry-over", remade))

    made = ChangeRequest.objects.latest("pk")
    assert answer.url == url("detail", made)
    assert made.author == author and f"#{remade.pk}" in shown(editor.get(answer.url))
    assert trail("change.carried_over") == [("change.carried_over", "ok")]


def test_of_a_view_deleted_just_now_the_page_says_that_nothing_came_instead(conflicting, editor, sandbox, based):
    change = conflicting()
    sandbox.world.delete_outside(based.name)

    page = shown(editor.get(url("rebase", change)))

    assert "nothing has come in its place" in page
    assert "99" in page and url("carry-over", change) not in page


def test_only_the_author_sees_the_page(conflicting, client_of, reviewer):
    assert client_of(reviewer).get(url("rebase", conflicting())).status_code == 403
    assert trail("change.rebased") == [("change.rebased", "denied")]


@pytest.mark.parametrize("sent", [{}, {"do": "text"}, {"do": "no such button", "query": "SELECT 1 AS one"}])
def test_a_form_that_lost_fields_on_its_way_does_nothing_and_keeps_the_page(sent, conflicting, editor):
    change = conflicting()
    before = trail("change.")
    answer = editor.post(url("rebase", change), sent)
    change.refresh_from_db()
    assert answer.status_code == 422
    assert "damaged on its way" in shown(answer)
    assert (change.state, change.revision_number) == (State.NEEDS_REBASE, 1)
    assert trail("change.") == before


def test_without_a_conflict_there_is_no_such_page(client_of, author, proposed):
    change = proposed()

    answer = client_of(author).get(reverse("changes:rebase", args=[change.pk]), follow=True)

    assert answer.redirect_chain == [(reverse("changes:detail", args=[change.pk]), 302)]
    assert "there is nothing to resolve" in answer.content.decode()


# --- a page that was left open in a second tab


def test_a_second_tab_is_told_that_it_was_rebased_already_and_by_whom(conflicting, editor, author):
    change = conflicting()
    form = Form(editor.get(url("rebase", change)))
    assert editor.post(url("rebase", change), form.values | {"do": "rebase"}).status_code == 302

    answer = editor.post(url("rebase", change), form.values | {"do": "rebase"}, follow=True)

    done = f"author has put #{change.pk} on what PostHog holds now already: that is r2."
    assert answer.redirect_chain == [(url("detail", change), 302)]
    assert f"{done} It is the text that you had here, so nothing was saved again." in shown(answer)
    again = editor.get(url("rebase", change), follow=True)
    assert answer.redirect_chain[0][0] == again.redirect_chain[0][0] and done in shown(again)
    assert change.revisions.count() == 2
    assert trail("change.rebased") == [("change.rebased", "ok")]


@pytest.mark.parametrize("do", ["rebase", "text", "replace"])
def test_what_a_second_tab_had_put_together_is_kept_and_can_become_a_revision(do, conflicting, editor, author):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))
    services.rebase(change, author, BASE.replace("LIMIT 10", "LIMIT 60"))
    mine = {"rebase": "LIMIT 75", "text": "LIMIT 80", "replace": "LIMIT 99"}[do]
    typed = form.values | {"do": do, "query": BASE.replace("LIMIT 10", "LIMIT 80")}
    if do == "rebase":
        typed |= {form.conflicts[0]: "edit", form.edits[0]: "LIMIT 75"}

    late = editor.post(url("rebase", change), typed)

    assert late.status_code == 409
    assert f"author has put #{change.pk} on what PostHog holds now already: that is r2." in shown(late)
    assert "holds the text that this was written against again" not in shown(late)
    assert Form(late).values["query"] == BASE.replace("LIMIT 10", mine)
    assert change.revisions.count() == 2
    sent = Form(late).values | {"reason": "because", "do": "revise"}
    assert editor.post(url("revise", change), sent).status_code == 302
    assert change.revisions.get(number=3).proposal["query"] == BASE.replace("LIMIT 10", mine)


def test_a_second_tab_that_goes_on_choosing_is_told_and_keeps_its_page(conflicting, editor, author):
    change = conflicting()
    form = Form(editor.get(url("rebase", change)))
    services.rebase(change, author, BOTH.replace("99", "98"))

    answer = editor.post(url("rebase", change), form.values | {"do": "preview"}, headers={"HX-Request": "true"})

    assert answer.status_code == 200 and 'id="merged"' in shown(answer) and "<html" not in shown(answer)
    assert "already: that is r2. What you have here stays on this page." in shown(answer)


def test_a_second_tab_is_told_of_what_can_no_longer_be_edited_with_its_text_to_copy(
    conflicting, editor, author, approve
):
    change = conflicting()
    form = Form(editor.get(url("rebase", change)))
    approve(services.rebase(change, author, BOTH))

    late = editor.post(url("rebase", change), form.values | {"do": "text", "query": MINE})

    assert late.status_code == 409 and "LIMIT 99" in shown(late)
    assert "cannot be edited where it stands now" in shown(late)


def test_a_wish_without_sql_that_was_rebased_already_says_so(
    view, sandbox, remote, author, client_of, reviewer, committed
):
    change = services.create(
        author=author, action="rename", saved_query=view, name="mine", reason="because", submit=True
    )
    sandbox.world.rename_outside(remote.name, "theirs")
    with committed():
        services.approve(change, reviewer)
    editor = client_of(author)
    assert editor.post(url("rebase", change)).status_code == 302

    answer = editor.post(url("rebase", change))

    assert answer.status_code == 409
    assert f"author has put #{change.pk} on what PostHog holds now already: that is r2." in shown(answer)
    api = editor.post(f"/api/v1/changes/{change.pk}/rebase/", {}, "application/json")
    assert (api.status_code, "already: that is r2" in api.json()["detail"]) == (409, True)


# --- a result that is no SQL


def test_a_merged_text_with_a_syntax_error_says_so_and_where_before_it_is_confirmed(conflicting, editor):
    change = conflicting(MINE, CLASH)
    form = Form(editor.get(url("rebase", change)))
    typed = form.values | {form.conflicts[0]: "edit", form.edits[0]: "LIMIT LIMIT 75"}

    for headers in ({}, {"HX-Request": "true"}):
        told = shown(editor.post(url("rebase", change), typed | {"do": "preview"}, headers=headers))
        assert 'id="merged-problems"' in told and "Line 6, column 13: " in told

    whole = shown(editor.post(url("rebase", change), typed | {form.edits[0]: "LIMIT 75", "do": "preview"}))
    assert 'id="merged-problems"' not in whole
    refused = editor.post(url("rebase", change), typed | {"do": "rebase"})
    assert refused.status_code == 422 and "Line 6, column 13: " in shown(refused)
    assert change.revisions.count() == 1


def test_over_rest_a_rebase_to_no_sql_is_refused_with_its_place(conflicting, editor):
    change = conflicting()

    answer = editor.post(
        f"/api/v1/changes/{change.pk}/rebase/", {"query": MINE.replace("LIMIT", "LIMIT LIMIT")}, "application/json"
    )

    assert answer.status_code == 400
    assert answer.json()["errors"]["query"][0].startswith("Line 6, column 13: ")
    change.refresh_from_db()
    assert change.state == State.NEEDS_REBASE
