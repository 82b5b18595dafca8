"""Lint around a change: in the way of a review where it weighs so much, shown to reviewers, kept on record."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.conftest import NEW_SQL
from tests.changes.pages import shown, textarea, url, words
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.errors import LintForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import UserError
from warehouse_admin.lineage.lint import services as lint
from warehouse_admin.lineage.lint.models import LintExemption

pytestmark = pytest.mark.django_db

TWICE = "SELECT order_id, 1 AS order_id\nFROM stg_app_orders"
STAR = "SELECT *\nFROM stg_app_orders"
PLACE = "Line 1, column 18: The view has a column order_id already."


@pytest.fixture
def strict(connection, admin) -> None:
    lint.set_level(actor=admin, connection=connection, rule="select-star", level="error", reason="our way")


def test_an_error_stands_in_the_way_of_a_review_and_not_of_a_draft(proposed, view, author):
    with pytest.raises(LintForbids, match=PLACE) as refused:
        proposed(TWICE)
    assert list(refused.value.errors) == ["query"]
    assert not ChangeRequest.objects.exists()

    draft = proposed(TWICE, submit=False)

    with pytest.raises(UserError, match=PLACE) as held:
        services.submit(draft, author)
    assert held.value.blockers[0]["who"] == author.display_name
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_revision_under_review_is_held_to_it_too(proposed, author):
    change = proposed()

    with pytest.raises(LintForbids):
        services.revise(change, author, TWICE, revision=1)

    change.refresh_from_db()
    assert change.revision_number == 1


def test_an_exemption_lets_it_pass_and_is_told_to_reviewers(proposed, view, reviewer, client_of, strict):
    lint.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy on purpose")

    change = proposed(STAR)

    assert change.state == "in_review"
    page = words(client_of(reviewer).get(reverse("changes:detail-lint", args=[change.pk])))
    assert "a copy on purpose" in page and "Exempt by reviewer" in page
    kept = AuditEntry.objects.filter(action="change.created").get().after["lint"]
    assert [(one["rule"], one["weight"]) for one in kept["findings"]] == [("select-star", "exempt")]


def test_nobody_passes_by_their_own_exemption(view, reviewer, author, proposed, strict):
    lint.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy")

    with pytest.raises(LintForbids, match="whoever granted it wrote this"):
        proposed(STAR, author=reviewer)

    assert proposed(STAR, author=author).state == "in_review"


def test_a_rollback_is_never_held_up(applied, author, view, remote, committed, reviewer, connection, admin):
    second = services.create(
        author=author, saved_query=view, query="SELECT order_id\nFROM stg_app_orders", reason="r", submit=True
    )
    with committed():
        services.approve(second, reviewer)
    lint.set_level(actor=admin, connection=connection, rule="naming", level="error", reason="r")
    lint.set_level(actor=admin, connection=connection, rule="unnamed-column", level="error", reason="r")
    lint.set_level(actor=admin, connection=connection, rule="unused-cte", level="error", reason="r")

    undone = services.rollback(second, author, "put it back")

    assert undone.state == "in_review"


def test_an_exemption_of_a_name_goes_over_to_the_view_that_is_made(
    connection, author, reviewer, committed, strict, sandbox
):
    wanted = {"author": author, "action": "create_view", "connection": connection, "name": "copy_of_orders"}
    with pytest.raises(LintForbids):
        services.create(**wanted, query=STAR, reason="r", submit=True)
    lint.exempt(actor=reviewer, rule="select-star", connection=connection, name="copy_of_orders", reason="a copy")
    change = services.create(**wanted, query=STAR, reason="r", submit=True)

    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert (change.state, change.problem) == ("applied", "")
    assert LintExemption.objects.get().saved_query == change.saved_query
    assert AuditEntry.objects.filter(action="lint.exemption_followed").exists()


def test_what_changes_after_the_submission_is_told_and_leaves_the_votes(
    proposed, view, reviewer, client_of, connection, admin
):
    change = proposed(STAR)
    digest = change.revisions.get().digest
    judge = client_of(reviewer)
    address = reverse("changes:detail-lint", args=[change.pk])
    assert "Not as it was" not in words(judge.get(address))

    lint.set_level(actor=admin, connection=connection, rule="select-star", level="error", reason="our way")

    page = words(judge.get(address))
    assert "Not as it was when r1 went on record" in page
    assert "select-star (error)" in page and "select-star (warning)" in page
    assert change.revisions.get().digest == digest


def test_the_checks_are_a_fragment_and_a_page_of_their_own(proposed, reviewer, client_of):
    change = proposed(f"{NEW_SQL}\nLIMIT 5")
    judge, address = client_of(reviewer), reverse("changes:detail-lint", args=[change.pk])

    assert f'hx-get="{address}?revision=1"' in judge.get(url("detail", change)).content.decode()
    fragment = judge.get(address, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode() and "<html" in judge.get(address).content.decode()
    told = words(fragment)
    assert "Line 3: Which rows this LIMIT keeps is up to chance." in told
    assert "rules passed" in told


def test_a_change_without_sql_has_no_checks(view, author, reviewer, client_of):
    change = services.create(
        author=author, action="rename", saved_query=view, name="other_name", reason="r", submit=True
    )

    assert "detail-lint" not in shown(client_of(reviewer).get(url("detail", change)))
    assert "lint" not in AuditEntry.objects.filter(action="change.created").get().after


# --- the editor


def typed(client: Client, view, query: str, **more: str):
    address = f"{reverse('changes:validate')}?connection=demo&view={view.posthog_id}"
    return client.post(address, {"query": query, **more}).json()


def test_the_editor_is_told_while_somebody_types(client_of, author, reviewer, view):
    told = typed(client_of(author), view, STAR)

    assert [(one["rule"], one["level"], one["line"], one["column"]) for one in told["lint"]] == [
        ("select-star", "warning", 1, 8)
    ]
    assert told["lint"][0]["url"] == "/lint/select-star/"
    assert 'href="/lint/select-star/"' in told["findings"] and "Ask for an exemption" in told["findings"]
    lint.exempt(actor=reviewer, rule="select-star", view=view, reason="a <i>copy</i>")
    told = typed(client_of(author), view, STAR)
    assert told["lint"][0]["exemption"]["by"] == "reviewer"
    assert "a &lt;i&gt;copy" in told["findings"]
    assert typed(client_of(author), view, "SELECT a FROM")["lint"] == []
    assert typed(client_of(author), view, "SELECT order_id FROM stg_app_orders")["findings"] == ""


@pytest.mark.parametrize("view_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_view_in_the_address_harms_nothing(view_id, client_of, author, connection):
    address = f"{reverse('changes:validate')}?connection=demo&view={view_id}"

    assert client_of(author).post(address, {"query": STAR}).json()["lint"][0]["rule"] == "select-star"


def test_a_new_view_is_looked_at_by_the_name_it_will_have(client_of, author, connection):
    answer = client_of(author).post(
        reverse("changes:validate"), {"query": "SELECT 1 AS one", "connection": "demo", "name": "MyView"}
    )

    assert [one["rule"] for one in answer.json()["lint"]] == ["naming"]


def test_the_form_says_which_rule_stands_in_the_way_and_keeps_the_text(client_of, author, edit_url):
    page = client_of(author).post(edit_url, {"query": TWICE, "reason": "because", "do": "propose"})

    assert page.status_code == 422
    assert PLACE in words(page) and 'href="/lint/duplicate-column/"' in shown(page)
    assert textarea(page) == TWICE


def test_the_button_formats_without_a_script_and_saves_nothing(client_of, author, edit_url):
    sent = {"query": "select order_id,1 as one\r\nfrom stg_app_orders", "reason": "because", "do": "format"}

    page = client_of(author).post(edit_url, sent)

    assert page.status_code == 200
    assert textarea(page) == "SELECT order_id, 1 AS one FROM stg_app_orders"
    assert textarea(page, "reason") == "because"
    assert "Nothing is saved yet" in words(page)
    page = client_of(author).post(edit_url, {**sent, "query": "select a from"})
    assert textarea(page) == "select a from"
    assert "syntax error on line 1" in words(page)
    assert not ChangeRequest.objects.exists()


def test_the_button_works_on_every_form_with_sql(client_of, author, proposed, connection):
    editor, change = client_of(author), proposed()
    sent = {
        "query": "select 1 as one,2 as two",
        "do": "format",
        "connection": "demo",
        "name": "made_here",
    }

    for address in (url("revise", change), reverse("changes:new-view")):
        page = editor.post(address, {**sent, "revision": "1"})
        assert textarea(page) == "SELECT 1 AS one, 2 AS two", address
    change.refresh_from_db()
    assert change.revision_number == 1


def test_the_script_gets_the_text_or_a_sentence(client_of, author, viewer, connection):
    address = reverse("changes:format")

    good = client_of(author).post(address, {"query": "select a from t"})
    bad = client_of(author).post(address, {"query": "select a from"})

    assert good.json() == {"query": "SELECT a FROM t"}
    assert (bad.status_code, "syntax error" in bad.json()["message"]) == (422, True)
    assert client_of(viewer).post(address, {"query": "select a from t"}).status_code == 403


def test_a_preview_says_that_the_text_has_no_limit(client_of, author, view, sandbox):
    address = reverse("changes:view-preview", args=[view.posthog_id])

    without = words(client_of(author).post(address, {"query": NEW_SQL}))
    limited = words(client_of(author).post(address, {"query": f"{NEW_SQL}\nORDER BY order_id\nLIMIT 5"}))

    assert "The text has no LIMIT of its own" in without and "no LIMIT of its own" not in limited


def test_a_reviewer_who_is_no_writer_grants_and_everybody_reads_it(view, proposed, strict, person, client_of):
    both = person("both", Role.REVIEWER)
    give_role(both, Role.EDITOR)
    lint.exempt(actor=both, rule="select-star", view=view, reason="a copy")
    change = proposed(STAR)

    told = client_of(person("watching", Role.VIEWER)).get(f"/api/v1/changes/{change.pk}/").json()["lint"]

    assert told["counts"] == {"error": 0, "warning": 0, "note": 0, "exempt": 1}
    assert json.dumps(told["findings"][0]["exemption"]).count("a copy") == 1
