"""Too much vanished at once: a person decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import attention, progress
from warehouse_admin.mirror.errors import SyncNotOpen
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

Sync = Callable[..., SyncRun]


@pytest.fixture
def waiting(synced: Connection, sync: Sync, sandbox: SandboxServer) -> SyncRun:
    """A sync whose list lost half of its views; four of them are really gone."""
    sandbox.world.faults.add(Fault("shrink_list", path_regex=r"/warehouse_saved_queries/?$", keep=0.5))
    done = sync()
    assert done.state == "needs_attention"
    missing = SavedQuery.objects.filter(posthog_id__in=done.vanished, managed_viewset_kind="", is_materialized=False)
    for view in missing[:4]:
        sandbox.world.delete_outside(view.name)
    return done


def test_confirming_tombstones_only_what_is_really_gone(
    waiting: SyncRun, admin: User, client_of: Callable[[User], Client]
) -> None:
    before = SavedQuery.objects.present().count()
    page = client_of(admin).get(reverse("mirror:sync-detail", args=[waiting.pk])).content.decode()
    assert "They are gone" in page and SavedQuery.objects.get(posthog_id=waiting.vanished[0]).name in page

    client_of(admin).post(reverse("mirror:sync-confirm", args=[waiting.pk]))
    attention.carry_out(waiting.pk)

    waiting.refresh_from_db()
    assert waiting.state == "succeeded"
    assert SavedQuery.objects.present().count() == before - 4
    assert (waiting.counts["tombstoned"], waiting.counts["still_there"]) == (4, len(waiting.vanished) - 4)
    assert AuditEntry.objects.get(action="sync.vanished_confirmed").actor == admin
    assert AuditEntry.objects.filter(action="sync.tombstoned").count() == 4


def test_however_many_vanished_they_are_looked_at_page_by_page(
    waiting: SyncRun, viewer: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse_admin.mirror.paging.DEFAULT", 10)
    names = [SavedQuery.objects.get(posthog_id=key).name for key in waiting.vanished]
    address = reverse("mirror:sync-detail", args=[waiting.pk])
    portal = client_of(viewer)
    pages = [portal.get(f"{address}?page={number}") for number in (1, 2)]

    assert names == sorted(names)
    assert [[found.name for _, found in page.context["vanished"]] for page in pages] == [names[:10], names[10:20]]
    assert f"1–10 of {len(names)} objects" in pages[0].content.decode()
    told = portal.get(reverse("api:sync-detail", args=[waiting.pk])).json()
    assert told["vanished"] == waiting.vanished


def test_a_later_sync_that_looks_again_leaves_nothing_to_decide(waiting: SyncRun, sync: Sync, admin: User) -> None:
    later = sync()

    waiting.refresh_from_db()
    assert (later.state, waiting.state) == ("succeeded", "stopped")
    assert "nothing is left to decide" in waiting.error
    assert AuditEntry.objects.filter(action="sync.finished", reason=waiting.error).count() == 1
    with pytest.raises(SyncNotOpen):
        attention.confirm_vanished(sync=waiting, user=admin)


def test_the_time_a_person_takes_to_decide_is_not_the_syncs(waiting: SyncRun, admin: User) -> None:
    created = timezone.now() - timedelta(hours=9)
    SyncRun.objects.filter(pk=waiting.pk).update(created_at=created, started_at=created)

    attention.confirm_vanished(sync=waiting, user=admin)
    done = attention.carry_out(waiting.pk)

    assert done is not None and (done.state, done.created_at) == ("succeeded", created)
    assert done.duration is not None and done.duration < timedelta(minutes=5)
    assert "admin said that the objects are gone." in progress.notes(done)


def test_dismissing_keeps_them_all(waiting: SyncRun, admin: User, client_of: Callable[[User], Client]) -> None:
    before = SavedQuery.objects.present().count()

    client_of(admin).post(reverse("mirror:sync-dismiss", args=[waiting.pk]))

    waiting.refresh_from_db()
    assert (waiting.state, SavedQuery.objects.present().count()) == ("stopped", before)
    assert AuditEntry.objects.get(action="sync.vanished_dismissed").actor == admin
    again = client_of(admin).post(reverse("mirror:sync-confirm", args=[waiting.pk]), follow=True)
    assert "does not wait for a decision" in again.content.decode()


def test_a_viewer_decides_nothing(waiting: SyncRun, viewer: User, client_of: Callable[[User], Client]) -> None:
    for name in ("mirror:sync-confirm", "mirror:sync-dismiss"):
        assert client_of(viewer).post(reverse(name, args=[waiting.pk])).status_code == 403

    waiting.refresh_from_db()
    assert waiting.state == "needs_attention"


def test_small_warehouses_may_lose_a_few_without_asking(synced: Connection, sync: Sync, sandbox: SandboxServer) -> None:
    synced.vanish_limit_percent = 1
    synced.save()
    for view in SavedQuery.objects.filter(managed_viewset_kind="", is_materialized=False)[:3]:
        sandbox.world.delete_outside(view.name)

    assert sync().state == "succeeded"
    assert SavedQuery.objects.tombstones().count() == 3
