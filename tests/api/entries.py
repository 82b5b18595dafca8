"""An entry of the inbox that the tests of its REST calls deal with."""

from __future__ import annotations

from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.models import ActivityEntry


def outside_edit() -> ActivityEntry:
    """Ana's edit of `orders` in PostHog itself, which waits for a review."""
    here = Connection.objects.create(slug="demo", name="Demo", host="http://127.0.0.1:1", project_id="1", api_key="k")
    return ActivityEntry.objects.create(
        connection=here,
        saved_query=make_view(here, "orders"),
        source="outside",
        kind="edited",
        object_name="orders",
        author="ana@example.com",
        before={"query": "SELECT 1"},
        after={"query": "SELECT 2"},
        occurred_at=timezone.now(),
        needs_review=True,
    )
