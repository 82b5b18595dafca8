"""What PostHog manages itself is locked, whoever asks and by whatever way, and each place says why."""

from __future__ import annotations

import pytest
from django.urls import reverse

from warehouse_admin.changes.actions import ACTIONS
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery

OF_VIEWS = [action for action in ACTIONS.values() if not action.of_tables and not action.makes]
VALUES = {
    "query": "SELECT 1 AS one",
    "name": "other_name",
    "sync_frequency": "24hour",
    "description": "x",
    "folder_id": "",
}


@pytest.mark.parametrize("action", OF_VIEWS, ids=lambda action: action.name)
def test_every_action_on_a_managed_view_is_refused_with_the_reason(action, generation, author, client_of, sandbox):
    generation("D")
    view = SavedQuery.objects.present().exclude(managed_viewset_kind="").order_by("name").first()
    client = client_of(author)
    body = {"action": action.name, "saved_query": str(view.posthog_id), "reason": "why", "submit": True}
    body |= {name: VALUES[name] for name in action.fields}

    answer = client.post("/api/v1/changes/", body, content_type="application/json")

    assert answer.status_code == 409, answer.content
    assert "managed by PostHog" in answer.json()["detail"]
    assert not ChangeRequest.objects.exists()
    assert sandbox.world.writes() == 0
    page = client.get(reverse("mirror:view-detail", args=[view.posthog_id])).content.decode()
    assert "PostHog manages this view; it cannot be changed." in page
    if not action.has_sql:
        assert reverse("changes:propose-action", args=[view.posthog_id, action.name]) not in page
