"""A former version of a view comes back as a change like any other."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.pages import hidden, textarea
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion


@pytest.fixture
def former(view: SavedQuery) -> SavedQueryVersion:
    """A text that the view had before the one it has."""
    newest = view.versions.latest("number")
    SavedQueryVersion.objects.filter(pk=newest.pk).update(number=newest.number + 1)
    return SavedQueryVersion.objects.create(
        saved_query=view,
        number=newest.number,
        query="SELECT 'former' AS text",
        query_hash=text_digest("SELECT 'former' AS text"),
        origin=SavedQueryVersion.Origin.OUTSIDE,
        seen_at=newest.seen_at,
    )


def test_history_and_comparison_lead_to_the_editor_with_the_old_text(client_of, author, view, former, edit_url):
    editor, where = client_of(author), f"{edit_url}?version={former.number}"
    history = reverse("mirror:view-detail", args=[view.posthog_id])
    compared = reverse("mirror:view-diff", args=[view.posthog_id])

    assert f'href="{where}"' in editor.get(history, {"tab": "history"}).content.decode()
    assert f'href="{where}"' in editor.get(compared, {"from": former.number}).content.decode()
    page = editor.get(where)

    assert textarea(page) == "SELECT 'former' AS text"
    assert f"Restores version {former.number} of" in page.content.decode()
    typed = {name: hidden(page, name) for name in ("base", "nonce")}
    editor.post(where, typed | {"query": textarea(page), "reason": "It counted right", "do": "propose"})
    change = ChangeRequest.objects.get()
    assert change.revisions.get().proposal["query"] == "SELECT 'former' AS text"
    assert AuditEntry.objects.filter(action="change.created", object_id=str(change.pk)).exists()


def test_what_posthog_has_now_is_not_offered(client_of, author, view, former, edit_url):
    compared = reverse("mirror:view-diff", args=[view.posthog_id])
    newest = view.versions.order_by("-number").values_list("number", flat=True)[0]

    page = client_of(author).get(compared, {"from": newest, "to": former.number}).content.decode()

    assert "Restore v" not in page


def test_a_viewer_is_offered_nothing(client_of, viewer, view, former):
    history = reverse("mirror:view-detail", args=[view.posthog_id])
    compared = reverse("mirror:view-diff", args=[view.posthog_id])

    assert "Restore" not in client_of(viewer).get(history, {"tab": "history"}).content.decode()
    assert "Restore" not in client_of(viewer).get(compared, {"from": former.number}).content.decode()


@pytest.mark.parametrize("number", ["0", "99", "x", "1" * 30, "-1"])
def test_a_version_that_is_none_is_said(client_of, author, former, edit_url, number):
    answer = client_of(author).get(edit_url, {"version": number})

    assert answer.status_code == 404
    assert "This view has no such version" in answer.content.decode()


def test_a_draft_is_not_written_over(client_of, author, view, former, edit_url, draft_url):
    editor = client_of(author)
    kept = {"query": "SELECT 'mine' AS text", "reason": "", "version": "0"}
    editor.post(draft_url, kept)

    page = editor.get(edit_url, {"version": former.number})

    assert textarea(page) == "SELECT 'mine' AS text"
    assert "before you restore a version" in page.content.decode()
