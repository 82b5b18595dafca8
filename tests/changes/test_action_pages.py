"""The pages of actions without an editor, and of a new view: by plain forms, with what follows said beforehand."""

from __future__ import annotations

import re
import uuid

import pytest
from django.urls import reverse

from tests.changes.conftest import trail
from tests.changes.pages import hidden, words
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State
LEAF, READ, TABLE = "mart_refunds_disputes", "stg_app_orders", "int_order_margins"


@pytest.fixture
def page_of(generation):
    """The address of an action's page on a view of a warehouse of some generation."""

    def address(action: str, name: str = LEAF, of: str = "D", suffix: str = "") -> str:
        lineage.refresh(generation(of))
        view = SavedQuery.objects.present().get(name=name)
        return reverse("changes:propose-action", args=[view.posthog_id, action]) + suffix

    return address


def filled(response, **fields: str) -> dict[str, str]:
    return {name: hidden(response, name) for name in ("base", "nonce")} | {"reason": "because", **fields}


def test_a_rename_is_proposed_by_form_and_reviewed_with_its_request(page_of, client_of, author, reviewer, committed):
    address, editor, judge = page_of("rename"), client_of(author), client_of(reviewer)
    form = editor.get(address)
    assert form.status_code == 200

    answer = editor.post(address, filled(form, name="mart_refunds"), follow=True)

    change = ChangeRequest.objects.get()
    assert (change.action, change.state) == ("rename", State.IN_REVIEW)
    assert f"Rename {LEAF} to mart_refunds" in words(answer)
    seen = judge.get(reverse("changes:detail", args=[change.pk]))
    assert "PATCH /api/projects/" in words(seen)
    with committed():
        judge.post(
            reverse("changes:approve", args=[change.pk]),
            {"revision": 1, "digest": change.revisions.get().digest},
        )
    change.refresh_from_db()
    assert change.state == State.APPLIED
    assert ("saved_query.rename", "ok") in trail("saved_query.")


def test_the_preview_follows_what_is_typed_and_writes_nothing(page_of, client_of, author):
    address = page_of("rename")

    told = words(client_of(author).post(address + "preview/", {"name": "mart_refunds"}))

    assert "mart_refunds" in told and "What is sent to PostHog" in told
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize(("server", "sent"), [("D", "sync_frequency 12hour"), ("C", "Body none")])
def test_the_preview_of_a_materialization_shows_the_cadence_where_it_is_sent_with_it(
    page_of, client_of, author, server, sent
):
    address = page_of("materialize", READ, of=server)

    assert sent in words(client_of(author).post(address + "preview/", {"sync_frequency": "12hour"}))


def test_a_preview_of_nonsense_says_to_fill_in_the_form(page_of, client_of, author):
    assert "Fill in the form" in words(client_of(author).post(page_of("rename", suffix="preview/"), {"name": "a b"}))


def test_a_wrong_name_answers_422_with_the_form_as_it_was_typed(page_of, client_of, author):
    address, editor = page_of("rename"), client_of(author)

    answer = editor.post(address, filled(editor.get(address), name="nice name"))

    assert answer.status_code == 422
    assert 'value="nice name"' in answer.content.decode() and "because" in words(answer)
    assert "Use letters, digits" in words(answer)
    assert not ChangeRequest.objects.exists()


def test_deleting_what_others_read_names_them_before_anything_is_proposed(page_of, client_of, author):
    address, editor = page_of("delete", READ), client_of(author)
    form = editor.get(address)
    assert "int_orders_enriched" in words(form)

    answer = editor.post(address, filled(form))

    assert answer.status_code == 409
    assert "PostHog refuses to delete it" in words(answer) and "because" in words(answer)
    assert not ChangeRequest.objects.exists()


def test_what_the_server_offers_to_no_key_has_a_button_that_says_so(page_of, client_of, author):
    told = client_of(author).get(page_of("materialize", READ, of="B"))

    assert "does not let API keys" in words(told)
    assert re.search(r'value="propose"[^>]*disabled', told.content.decode())


def test_a_cadence_is_chosen_and_never_begun_with_the_present_one(page_of, client_of, author):
    address, editor = page_of("set_cadence", TABLE), client_of(author)
    form = editor.get(address)
    assert "Now: every 6 h." in words(form)
    [options] = re.findall(r'<select name="sync_frequency".*?</select>', form.content.decode(), re.DOTALL)
    assert re.findall(r'<option value="([^"]*)" selected>([^<]*)', options) == [("", "Choose…")]
    assert "Fill in the form" in words(editor.post(address + "preview/", {"sync_frequency": ""}))

    refused = editor.post(address, filled(form, sync_frequency=""))

    assert refused.status_code == 422
    assert "Choose a cadence." in words(refused) and "because" in words(refused)
    assert not ChangeRequest.objects.exists()
    assert editor.post(address, filled(refused, sync_frequency="12hour")).status_code == 302
    change = ChangeRequest.objects.get()
    revised = editor.get(reverse("changes:revise", args=[change.pk]))
    assert re.search(r'<option value="12hour" selected>', revised.content.decode())


def test_a_view_that_moved_since_the_page_was_opened_asks_again_with_what_it_is_now(
    page_of, client_of, author, sandbox
):
    address, editor = page_of("rename"), client_of(author)
    form = editor.get(address)
    sandbox.world.rename_outside(LEAF, "renamed_by_ana")

    answer = editor.post(address, filled(form, name="mart_refunds"))

    assert answer.status_code == 409
    assert "renamed_by_ana" in words(answer) and 'value="mart_refunds"' in answer.content.decode()
    again = editor.post(address, filled(answer, name="mart_refunds"))
    assert again.status_code == 302, "the page carries what PostHog holds now"


def test_a_double_click_makes_one_change(page_of, client_of, author):
    address, editor = page_of("delete"), client_of(author)
    once = filled(editor.get(address))

    assert editor.post(address, once)["Location"] == editor.post(address, once)["Location"]
    assert ChangeRequest.objects.count() == 1


def test_a_viewer_neither_sees_the_form_nor_sends_it_and_that_is_recorded(page_of, client_of, viewer):
    address = page_of("delete")

    assert client_of(viewer).get(address).status_code == 403
    assert client_of(viewer).post(address, {"reason": "x"}).status_code == 403
    assert trail("change.") == [("change.created", "denied")] * 2


@pytest.mark.parametrize("action", ["edit_query", "drop", "run"])
def test_there_are_no_such_pages_for_other_words(action, page_of, client_of, author):
    assert client_of(author).get(page_of(action)).status_code == 404


def test_the_menu_of_a_view_offers_what_makes_sense_and_says_why_not(page_of, client_of, author, viewer):
    page_of("rename")
    table = SavedQuery.objects.present().filter(is_materialized=True, managed_viewset_kind="").first()
    address = reverse("mirror:view-detail", args=[table.posthog_id])

    offered = client_of(author).get(address).content.decode()

    assert "propose/rename/" in offered and "propose/unmaterialize/" in offered and "propose/set_cadence/" in offered
    assert "propose/materialize/" not in offered
    refused = client_of(viewer).get(address).content.decode()
    assert "propose/rename/" not in refused and "Your role may not propose changes" in refused


def test_a_proposed_value_is_revised_by_form_and_its_votes_go(page_of, client_of, author, reviewer, connection):
    address, editor = page_of("rename"), client_of(author)
    connection.apply_policy = "manual"
    connection.save()
    editor.post(address, filled(editor.get(address), name="one"))
    change = ChangeRequest.objects.get()
    services.approve(change, reviewer)

    revise = reverse("changes:revise", args=[change.pk])
    assert editor.get(revise).status_code == 200
    answer = editor.post(revise, {"name": "two", "reason": "because", "revision": 1, "do": "revise"})

    assert answer.status_code == 302
    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)
    assert [revision.proposal for revision in change.revisions.all()] == [{"name": "one"}, {"name": "two"}]


def test_a_moved_value_is_rebased_on_a_page_that_asks_once(page_of, client_of, author, reviewer, committed, sandbox):
    address, editor = page_of("rename"), client_of(author)
    editor.post(address, filled(editor.get(address), name="mart_refunds"))
    change = ChangeRequest.objects.get()
    sandbox.world.rename_outside(LEAF, "renamed_by_ana")
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert change.state == State.NEEDS_REBASE

    rebase = reverse("changes:rebase", args=[change.pk])
    assert "on top of what PostHog holds now" in words(editor.get(rebase))
    editor.post(rebase, {})

    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)
    assert change.revisions.get(number=2).base["name"] == "renamed_by_ana"
    assert ("change.rebased", "ok") in trail("change.")


def test_a_new_view_is_written_and_proposed_by_form(generation, client_of, author):
    connection, editor = generation("D"), client_of(author)
    address = reverse("changes:new-view")
    form = editor.get(address)

    answer = editor.post(
        address,
        {
            "nonce": hidden(form, "nonce"),
            "connection": connection.slug,
            "name": "kpi_new",
            "query": "SELECT 1 AS one",
            "reason": "because",
        },
        follow=True,
    )

    change = ChangeRequest.objects.get()
    assert (change.action, change.object_name, change.state) == ("create_view", "kpi_new", State.IN_REVIEW)
    assert "Create kpi_new" in words(answer)
    assert editor.get(reverse("changes:list")).status_code == 200
    assert editor.get(reverse("changes:revise", args=[change.pk])).status_code == 200


def test_a_new_view_keeps_what_was_typed_on_every_error(generation, client_of, author):
    connection, editor = generation("D"), client_of(author)
    typed = {"nonce": uuid.uuid4().hex, "connection": connection.slug, "name": "no good", "query": "SELEC 1"}

    answer = editor.post(reverse("changes:new-view"), typed)

    assert answer.status_code == 422
    body = answer.content.decode()
    assert 'value="no good"' in body and "SELEC 1" in body
    assert "Use letters, digits" in words(answer) and "Line 1" in words(answer)


def test_without_a_project_the_page_of_a_new_view_says_so(client_of, author):
    assert "No project is connected" in words(client_of(author).get(reverse("changes:new-view")))
