"""Views that PostHog answers for by id but does not list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]


@pytest.fixture
def endpoint(synced: Connection, sync: Sync, sandbox: SandboxServer) -> View:
    """A listed view that became an endpoint, which this server does not list."""
    plain = SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False, origin="data_warehouse")
    view = sandbox.world.views[str(plain.order_by("name")[0].posthog_id)]
    view.origin = "endpoint"
    sync()
    return view


def row(view: View) -> SavedQuery:
    return SavedQuery.objects.get(posthog_id=view.id)


def asked_for(sandbox: SandboxServer, view: View) -> int:
    return len(sandbox.world.requests_to(view.id))


def days_pass(view: View, days: float) -> None:
    """As if we had last heard of it so long ago."""
    kept = row(view)
    past = timedelta(days=days)
    SavedQuery.objects.filter(pk=kept.pk).update(
        hidden_at=kept.hidden_at - past, synced_at=kept.synced_at - past, detail_synced_at=timezone.now()
    )


def test_it_is_kept_and_said_to_be_unlisted(endpoint: View, client_of: Callable[[User], Client], viewer: User) -> None:
    kept = row(endpoint)
    assert kept.deleted_at is None and kept.hidden_at is not None
    page = client_of(viewer).get(reverse("mirror:view-detail", args=[endpoint.id])).content.decode()
    assert "not listed by PostHog" in page


def test_it_is_asked_for_once_a_day_not_at_every_sync(endpoint: View, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.world.requests.clear()
    sync()
    sync()
    assert asked_for(sandbox, endpoint) == 0

    days_pass(endpoint, 1.1)
    sync()
    sync()

    assert asked_for(sandbox, endpoint) == 1


def test_its_deletion_is_seen_at_once_where_the_log_tells(endpoint: View, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.world.delete_outside(endpoint.id)

    sync()

    assert row(endpoint).deleted_at is not None


def test_its_edits_are_read_where_the_log_tells(endpoint: View, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.world.edit_outside(endpoint.id, "SELECT 4 AS four")

    sync()

    assert row(endpoint).query == "SELECT 4 AS four"


def test_its_silent_deletion_is_seen_within_a_day(endpoint: View, sync: Sync, sandbox: SandboxServer) -> None:
    endpoint.deleted = True
    sandbox.world.reindex()
    sync()
    assert row(endpoint).deleted_at is None

    days_pass(endpoint, 1.1)
    sync()

    assert row(endpoint).deleted_at is not None


def test_a_listed_view_is_no_longer_hidden(endpoint: View, sync: Sync, sandbox: SandboxServer) -> None:
    endpoint.origin = "data_warehouse"

    sync()

    assert row(endpoint).hidden_at is None


def test_a_view_that_one_bad_list_lacked_is_asked_for_again_at_the_next_sync(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("shrink_list", path_regex=r"/warehouse_saved_queries/?$", keep=0.98))
    sync()
    missed = SavedQuery.objects.exclude(hidden_at=None).first()
    assert missed is not None
    sandbox.world.views[str(missed.posthog_id)].deleted = True
    sandbox.world.reindex()

    sync()

    missed.refresh_from_db()
    assert missed.deleted_at is not None
