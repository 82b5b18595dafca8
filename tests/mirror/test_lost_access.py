"""A key that lost access, and a server that leads elsewhere or does not answer: never a deletion, never a flood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.services import clients
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import fetch
from warehouse_admin.sandbox import pagination
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.messages import Request
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]

LIST = r"/warehouse_saved_queries/?$"


def strike(sandbox: SandboxServer, kind: str, path: str, **options: object) -> None:
    sandbox.world.faults.add(Fault(kind, path_regex=path, **options))


def test_a_key_that_may_no_longer_list_fails_the_sync(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.keys[sandbox.key].scopes = ["warehouse_table:read"]

    failed = sync()

    assert failed.state == "failed" and "lacks the scope warehouse_view:read" in failed.error
    assert differs() == {}


def test_an_empty_list_is_taken_for_lost_access_until_a_person_says_otherwise(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    strike(sandbox, "empty_list", LIST)

    done = sync()

    assert done.state == "needs_attention" and "the key lost its access" in done.error
    assert "emptied" not in done.counts.get("notes", {})
    assert len(done.vanished) == SavedQuery.objects.present().count()
    assert differs() == {}


def test_even_a_single_view_is_not_called_gone_by_an_empty_list(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    kept = SavedQuery.objects.exclude(origin="endpoint").filter(managed_viewset_kind="").order_by("pk")[0]
    for view in sandbox.world.views.values():
        view.deleted = view.deleted or view.id != str(kept.posthog_id)
    sandbox.world.reindex()
    SavedQuery.objects.exclude(pk=kept.pk).update(deleted_at=timezone.now())
    strike(sandbox, "empty_list", LIST)

    done = sync()

    assert (done.state, done.vanished) == ("needs_attention", [str(kept.posthog_id)])


def test_a_revoked_key_is_not_tried_again_and_again(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    SavedQuery.objects.update(needs_detail=True)
    strike(sandbox, "revoke_key", r"/warehouse_saved_queries/[0-9a-f-]{36}/?$", after=10)

    assert sync().state == "failed"
    refused = [request for request in sandbox.world.requests if request.status == 401]
    assert 1 <= len(refused) <= fetch.THREADS
    assert AuditEntry.objects.filter(action="sync.finished", result="failed").count() == 1

    sandbox.world.requests.clear()
    for _ in range(5):
        tasks.start_due_syncs.apply()
    assert (SyncRun.objects.filter(state="queued").count(), len(sandbox.world.requests)) == (0, 0)


def test_each_failure_in_a_row_makes_the_next_sync_wait_longer_and_asks_once(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sandbox.world.revoke_key(sandbox.key)
    sandbox.world.requests.clear()
    for _ in range(3):
        assert sync().state == "failed"
    assert len(sandbox.world.requests) == 3

    ended = timezone.now() - timedelta(minutes=12)
    SyncRun.objects.update(finished_at=ended)
    tasks.start_due_syncs.apply()
    assert not SyncRun.objects.filter(state="queued").exists()

    SyncRun.objects.update(finished_at=ended - timedelta(minutes=10))
    tasks.start_due_syncs.apply()
    assert SyncRun.objects.filter(state="queued").count() == 1


def test_links_to_another_host_are_not_followed(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pagination.link
    with SandboxServer(size=1) as elsewhere:

        def astray(request: Request, **changes: Any) -> str:
            return real(request, **changes).replace(sandbox.url, elsewhere.url)

        monkeypatch.setattr(pagination, "link", astray)
        sandbox.world.page_size = 20
        sandbox.world.create_outside("brand_new", "SELECT 2 AS two")

        done = sync(SyncRun.Kind.FULL)

        assert (done.state, differs()) == ("succeeded", {})
        assert elsewhere.world.requests == []


@pytest.mark.parametrize("path", [LIST, r"/warehouse_tables/?$", r"/data_modeling_jobs/?$", r"/activity_log/?$"])
def test_a_server_that_hangs_fails_the_sync_in_words(
    synced: Connection,
    sync: Sync,
    sandbox: SandboxServer,
    differs: Differs,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.setattr(clients, "BACKGROUND_READ_TIMEOUT", 0.2)
    monkeypatch.setattr("warehouse_admin.posthog.client.BACKOFF", 0.01)
    strike(sandbox, "slow", path, times=None, seconds=5)

    failed = sync()

    assert failed.state == "failed" and "did not answer in time" in failed.error
    assert differs() == {}
    sandbox.world.faults.clear()
    monkeypatch.setattr(clients, "BACKGROUND_READ_TIMEOUT", 30.0)
    assert (sync().state, differs()) == ("succeeded", {})
