"""A key that lost access, and a server that leads elsewhere or does not answer: never a deletion, never a flood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.mirror.paths import LIST
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.services import clients
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import attention, services, tasks
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import fetch
from warehouse_admin.sandbox import pagination
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.messages import Request
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]
Differs = Callable[[], dict[str, object]]


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
    assert list(failures()) == ["connection.key_refused", "sync.finished"]


def failures() -> Any:
    return AuditEntry.objects.filter(result="failed").order_by("sequence").values_list("action", flat=True)


def test_no_sync_is_started_with_a_refused_key_and_one_check_an_hour_finds_out_when_it_works_again(
    synced: Connection, sync: Sync, sandbox: SandboxServer, differs: Differs
) -> None:
    sandbox.world.revoke_key(sandbox.key)
    assert sync().state == "failed"
    sandbox.world.requests.clear()
    known = (SyncRun.objects.count(), list(failures()))

    for minutes in (6, 30, 59):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            tasks.start_due_syncs.apply()
    assert sandbox.world.requests == []
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        tasks.start_due_syncs.apply()
        tasks.start_due_syncs.apply()
    assert [request.status for request in sandbox.world.requests] == [401]
    assert (SyncRun.objects.count(), list(failures())) == known

    sandbox.world.restore_key(sandbox.key)
    with time_machine.travel(timezone.now() + timedelta(minutes=123)):
        tasks.start_due_syncs.apply()
        services.run_sync(SyncRun.objects.get(state="queued").pk)
    assert (SyncRun.objects.first().state, differs()) == ("succeeded", {})
    assert AuditEntry.objects.filter(action="connection.key_accepted", result="ok").count() == 1


def test_a_refused_key_of_one_connection_stops_no_other(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.world.add_key("phx_another_working_1")
    other = Connection.objects.create(
        slug="other", name="Other", host=sandbox.url, project_id=synced.project_id, api_key="phx_another_working_1"
    )
    sandbox.world.revoke_key(sandbox.key)
    sync()

    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        tasks.start_due_syncs.apply()

    assert list(SyncRun.objects.filter(state="queued").values_list("connection", flat=True)) == [other.pk]


def test_whoever_starts_a_sync_with_a_refused_key_is_refused_in_words(
    synced: Connection, sync: Sync, sandbox: SandboxServer, operator: User, client_of: Callable[[User], Client]
) -> None:
    sandbox.world.revoke_key(sandbox.key)
    sync()
    sandbox.world.requests.clear()
    client = client_of(operator)
    known = (SyncRun.objects.count(), AuditEntry.objects.count())

    page = client.post(reverse("mirror:sync-start"), {"connection": "demo"})
    assert page.status_code == 409 and "store a working key" in page.content.decode()
    answer = client.post("/api/v1/sync/", {}, "application/json")
    assert answer.status_code == 409 and "PostHog refuses the API key of Demo" in answer.json()["detail"]
    with pytest.raises(KeyRefused):
        services.start_sync(connection=synced)

    assert (SyncRun.objects.count(), AuditEntry.objects.count()) == known
    assert sandbox.world.requests == []


def test_a_decision_that_needs_posthog_waits_for_a_key_that_works(
    synced: Connection, sync: Sync, sandbox: SandboxServer, admin: User
) -> None:
    strike(sandbox, "empty_list", LIST)
    waiting = sync()
    Connection.objects.update(key_refused_at=timezone.now())

    with pytest.raises(KeyRefused):
        attention.confirm_vanished(sync=waiting, user=admin)

    waiting.refresh_from_db()
    assert waiting.state == "needs_attention"


def test_a_key_refused_while_what_vanished_is_confirmed_is_noted_too(
    synced: Connection, sync: Sync, sandbox: SandboxServer, admin: User
) -> None:
    strike(sandbox, "empty_list", LIST)
    waiting = sync()
    sandbox.world.revoke_key(sandbox.key)

    attention.confirm_vanished(sync=waiting, user=admin)
    attention.carry_out(waiting.pk)

    assert Connection.objects.get().key_refused_at is not None
    assert list(failures()) == ["connection.key_refused", "sync.finished"]


def test_what_a_key_may_do_is_found_out_anew_once_a_day(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    scopes = sandbox.world.keys[sandbox.key].scopes
    sandbox.world.keys[sandbox.key].scopes = ["warehouse_view:read"]
    sync()
    sandbox.world.keys[sandbox.key].scopes = scopes
    sync()
    synced.refresh_from_db()
    assert accounts.capability(synced, "tables").state == "no"
    sandbox.world.requests.clear()
    sync()
    ordinary = len(sandbox.world.requests)

    Connection.objects.update(checked_at=timezone.now() - timedelta(hours=25))
    sandbox.world.requests.clear()
    assert sync().state == "succeeded"

    synced.refresh_from_db()
    assert accounts.capability(synced, "tables").state == "yes"
    assert ordinary < len(sandbox.world.requests) <= ordinary + 10
    sandbox.world.requests.clear()
    sync()
    assert len(sandbox.world.requests) <= 15
    assert not sandbox.world.requests_to("personal_api_keys")


def test_each_failure_in_a_row_makes_the_next_sync_wait_longer_and_asks_once(
    synced: Connection, sync: Sync, sandbox: SandboxServer
) -> None:
    sandbox.world.keys[sandbox.key].scopes = []
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
