"""Drafts through the front door: the editor, its autosaving, and the list of one's own."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from tests.changes.conftest import NEW_SQL, trail
from tests.changes.pages import hidden, shown, textarea
from warehouse_admin.accounts.roles import Role, take_role
from warehouse_admin.changes import drafts, services
from warehouse_admin.changes.models import ChangeRequest, Draft
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery

HALF = "SELECT order_id FROM"


def typed(page, **more: object) -> dict[str, object]:
    return {name: hidden(page, name) for name in ("base", "nonce")} | more


def test_what_was_typed_is_there_again_in_another_browser(client_of, author, edit_url, draft_url):
    page = client_of(author).get(edit_url)
    answer = client_of(author).post(draft_url, typed(page, query=HALF, reason="bec", draft=0))
    assert answer.status_code == 200

    again = client_of(author).get(edit_url)

    assert textarea(again) == HALF
    assert textarea(again, "reason") == "bec"
    assert hidden(again, "draft") == str(answer.json()["version"])
    assert "Your draft, saved" in shown(again)
    view_page = client_of(author).get(edit_url.removesuffix("edit/"))
    assert "Continue draft" in shown(view_page)


def test_a_second_tab_is_answered_with_the_text_of_the_first(client_of, author, draft_url):
    client = client_of(author)
    kept = client.post(draft_url, {"query": "first tab", "draft": 0}).json()

    answer = client.post(draft_url, {"query": "second tab", "draft": 0})

    assert answer.status_code == 409
    assert answer.json()["other"]["query"] == "first tab"
    assert answer.json()["other"]["version"] == kept["version"]


def test_newlines_are_kept_as_the_view_has_them(client_of, author, view, draft_url):
    SavedQuery.objects.filter(pk=view.pk).update(query="SELECT 1 AS a,\r\n2 AS b")

    client_of(author).post(draft_url, {"query": "SELECT 1 AS a,\n3 AS b", "draft": 0})

    assert Draft.objects.get().query == "SELECT 1 AS a,\r\n3 AS b"


def test_the_form_that_is_sent_takes_its_draft_along(client_of, author, edit_url, draft_url):
    client = client_of(author)
    page = client.get(edit_url)
    version = client.post(draft_url, typed(page, query=HALF, draft=0)).json()["version"]

    client.post(edit_url, typed(page, query=NEW_SQL, reason="because", do="propose", draft=version))

    assert ChangeRequest.objects.get().state == ChangeRequest.State.IN_REVIEW
    assert not Draft.objects.exists()


def test_a_draft_on_a_moved_base_is_told_and_asked_about_before_it_is_proposed(
    client_of, author, view, edit_url, sandbox, remote
):
    drafts.save(author, view, query=NEW_SQL, reason="because")
    sandbox.world.edit_outside(remote.name, "SELECT 5 AS theirs")
    mirror.read_live(view)
    client = client_of(author)

    page = client.get(edit_url)
    assert "changed in PostHog since you began" in shown(page)
    answer = client.post(edit_url, typed(page, query=NEW_SQL, reason="because", do="propose"))

    assert answer.status_code == 409
    assert "theirs" in shown(answer)
    assert not ChangeRequest.objects.exists()
    assert drafts.own(author, view).query == NEW_SQL


def test_the_draft_of_a_change_opens_in_its_editor(client_of, author, proposed):
    change = proposed()
    client = client_of(author)
    url = reverse("changes:draft", args=[change.pk])
    assert client.post(url, {"query": "SELECT 2 AS two", "reason": "r", "revision": 1, "draft": 0}).status_code == 200
    services.revise(change, author, "SELECT 3 AS three", 1)

    page = client.get(reverse("changes:revise", args=[change.pk]))

    assert textarea(page) == "SELECT 2 AS two"
    assert hidden(page, "revision") == "1", "so that it does not replace r2 unseen"
    assert "A newer revision was saved since you began, by <bdi>author</bdi>" in shown(page)


def test_discarding_by_a_plain_form_brings_the_views_text_back(client_of, author, view, edit_url):
    kept = drafts.save(author, view, query=HALF)
    client = client_of(author)

    answer = client.post(reverse("changes:view-draft-discard", args=[view.posthog_id]), {"draft": kept.version})

    assert answer.url == edit_url
    assert textarea(client.get(edit_url)) == view.query
    assert not Draft.objects.exists()


def test_the_draft_of_a_new_view_is_kept_by_connection(client_of, author, connection):
    url = reverse("changes:new-view-draft", args=[connection.slug])

    assert client_of(author).post(url, {"name": "mart_new", "query": HALF, "draft": 0}).status_code == 200

    assert drafts.own(author, connection).name == "mart_new"
    assert "mart_new" in shown(client_of(author).get(reverse("changes:list") + "?tab=mine"))


def test_an_api_key_is_kept_as_no_name_while_one_types(client_of, author, connection):
    url = reverse("changes:new-view-draft", args=[connection.slug])

    answer = client_of(author).post(url, {"name": "phx_0123456789abcdefABCDEF", "query": HALF, "draft": 0})

    assert (answer.status_code, "API key" in answer.json()["message"]) == (422, True)
    assert drafts.own(author, connection) is None


def test_my_drafts_are_listed_on_the_tab_of_mine_alone(client_of, author, view, edit_url):
    drafts.save(author, view, query=HALF)
    client = client_of(author)

    page = shown(client.get(reverse("changes:list") + "?tab=mine"))

    assert edit_url in page
    assert "90 days" in page
    assert "Your drafts" not in shown(client.get(reverse("changes:list") + "?tab=open"))


def test_the_list_of_drafts_costs_the_same_for_many(
    client_of, author, connection, view, django_assert_num_queries, proposed
):
    client = client_of(author)
    url = reverse("changes:list") + "?tab=mine"
    drafts.save(author, view, query=HALF)
    drafts.save(author, proposed(), query=HALF)
    with django_assert_num_queries(12, exact=False) as few:
        client.get(url)
    for number in range(5):
        drafts.save(author, proposed(f"SELECT {number} AS n"), query=HALF)
    with django_assert_num_queries(len(few)):
        client.get(url)


def test_a_viewer_is_refused_and_the_refusal_recorded(client_of, viewer, draft_url):
    assert client_of(viewer).post(draft_url, {"query": HALF, "draft": 0}).status_code == 403

    assert trail("draft.") == [("draft.saved", "denied")]
    assert not Draft.objects.exists()


def test_without_a_session_nothing_is_kept_and_the_page_learns_of_it(draft_url):
    assert Client().post(draft_url, {"query": HALF, "draft": 0}).status_code == 401

    assert not Draft.objects.exists()


def test_a_draft_needs_the_csrf_token(author, draft_url):
    client = Client(enforce_csrf_checks=True)
    client.force_login(author)

    assert client.post(draft_url, {"query": HALF, "draft": 0}).status_code == 403


def test_who_may_not_propose_any_more_still_discards_their_own(author, view):
    drafts.save(author, view, query=HALF)
    take_role(author, Role.EDITOR)

    assert drafts.discard(author, view)
