"""Whatever people and PostHog write, a page shows it as it is, stays small, and gives the whole of it as a file."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.changes.conftest import NEW_SQL
from tests.changes.pages import shown, textarea, url
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import comments, services
from warehouse_admin.mirror.models import SavedQuery

TURNED = "safe \u202e txt.exe"
SIGNED = "safe \u27e8U+202E\u27e9 txt.exe"
ONE_LINE = "SELECT order_id, '" + "x" * 1_000_000 + "' AS one FROM stg_app_orders"


def whole(change, revision, side):
    return reverse("changes:whole", args=[change.pk, revision, side])


@pytest.fixture
def turned(proposed, author, reviewer):
    """A change full of it: its reason, its author's name, a comment and a request for changes."""
    author.first_name, author.last_name = "Er\u202ein", "\u2067Mallory"
    author.save()
    change = proposed(reason=TURNED)
    comments.comment(change, author, f"comment {TURNED}")
    services.request_changes(change, reviewer, comment=f"objection {TURNED}")
    return change


@pytest.mark.parametrize("page", ["changes:list", "dashboard:home", "audit:list", "activity:list", "schedules:list"])
def test_no_list_shows_what_turns_text_around(page, client_of, admin, turned):
    body = shown(client_of(admin).get(reverse(page)))

    assert "\u202e" not in body and "\u2067" not in body


def test_the_page_of_a_change_shows_it_with_signs_everywhere(client_of, admin, turned):
    body = shown(client_of(admin).get(url("detail", turned)))

    assert "\u202e" not in body and "\u2067" not in body
    assert body.count(SIGNED) >= 3, "the reason, the comment, the objection"
    assert f"comment {SIGNED}" in body and f"objection {SIGNED}" in body
    assert "Er\u27e8U+202E\u27e9in" in body


def test_the_trail_keeps_the_text_and_its_page_signs_it(client_of, auditor, turned):
    entry = AuditEntry.objects.filter(action="change.created").latest("pk")
    assert entry.reason == TURNED

    body = shown(client_of(auditor).get(reverse("audit:detail", args=[entry.sequence])))
    assert SIGNED in body
    data = client_of(auditor).get(f"/api/v1/changes/{turned.pk}/")
    assert data.json()["reason"] == TURNED, "data stays as it is"


def test_an_editor_gives_back_what_it_was_given(client_of, author, proposed):
    change = proposed(query=f"{NEW_SQL} -- {TURNED}", reason=TURNED)

    page = client_of(author).get(url("revise", change))

    assert textarea(page) == f"{NEW_SQL} -- {TURNED}"


def test_a_review_of_one_line_of_a_megabyte_is_small_and_offers_the_whole(client_of, reviewer, proposed, view):
    change = proposed(query=ONE_LINE)
    judge = client_of(reviewer)

    for look in ("", "?view=unified"):
        page = shown(judge.get(url("detail", change) + look))
        assert len(page) < 150_000
        assert "more characters" in page
        assert f'href="{whole(change, 1, "proposal")}"' in page and f'href="{whole(change, 1, "base")}"' in page

    answer = judge.get(whole(change, 1, "proposal"))
    assert answer.content.decode() == ONE_LINE
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in answer or answer["Content-Disposition"].startswith("inline")
    saved = judge.get(whole(change, 1, "base") + "?download=1")
    assert saved["Content-Disposition"].startswith("attachment") and saved.content.decode() == view.query


@pytest.mark.parametrize(("revision", "side"), [(7, "base"), (1, "elsewhere")])
def test_there_is_no_text_but_those_of_the_change(revision, side, client_of, reviewer, proposed):
    assert client_of(reviewer).get(whole(proposed(), revision, side)).status_code == 404


def test_nobody_reads_the_text_of_a_draft_that_they_may_not_see(client_of, author, reviewer, proposed):
    draft = proposed(submit=False)

    assert client_of(reviewer).get(whole(draft, 1, "proposal")).status_code == 404
    assert client_of(author).get(whole(draft, 1, "proposal")).status_code == 200


def test_the_page_of_a_view_with_one_long_line_is_small_and_offers_the_whole(client_of, viewer, view, sandbox):
    SavedQuery.objects.filter(pk=view.pk).update(query=ONE_LINE)
    reader = client_of(viewer)

    page = shown(reader.get(reverse("mirror:view-detail", args=[view.posthog_id])))

    text = reverse("mirror:view-text", args=[view.posthog_id])
    assert len(page) < 100_000 and "more characters" in page and f'href="{text}"' in page
    assert reader.get(text).content.decode() == ONE_LINE


def test_every_version_of_a_view_is_a_file(client_of, viewer, view):
    reader = client_of(viewer)
    newest = view.versions.latest("number")
    address = reverse("mirror:view-version-text", args=[view.posthog_id, newest.number])

    assert reader.get(address).content.decode() == newest.query
    assert reader.get(reverse("mirror:view-version-text", args=[view.posthog_id, 999])).status_code == 404


def test_people_are_shown_by_their_names_and_their_addresses_are_a_hint(client_of, reviewer, author, view):
    """The portal's own name for somebody goes before PostHog's."""
    author.email, author.first_name, author.last_name = "erin@harborgoods.example", "Erin", "Okafor"
    author.save()
    SavedQuery.objects.filter(pk=view.pk).update(created_by_email="ana@harborgoods.example", created_by_name="Ana Ruiz")
    newest = view.versions.latest("number")
    reader = client_of(reviewer)
    history = f"{reverse('mirror:view-detail', args=[view.posthog_id])}?tab=history"

    for address, name in (("Ana@harborgoods.example", "Ana Ruiz"), ("erin@harborgoods.example", "Erin Okafor")):
        cache.clear()
        view.versions.filter(pk=newest.pk).update(author_name=address)
        assert f'<bdi title="{address}">{name}</bdi>' in shown(reader.get(history))
    view.versions.filter(pk=newest.pk).update(author_name="nobody@elsewhere.example")
    assert "<bdi>nobody@elsewhere.example</bdi>" in shown(reader.get(history))
