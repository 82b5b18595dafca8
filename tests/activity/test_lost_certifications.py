"""A certification that holds no more is told once in the inbox, until somebody decides anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.activity.conftest import EDITED
from tests.mirror.builders import make_view
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services, tasks
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.catalog import services as catalog
from warehouse_admin.catalog import trusting
from warehouse_admin.catalog.models import Trust
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def view(one: Connection, reviewer: User) -> SavedQuery:
    view = make_view(one, "orders", "SELECT id FROM raw")
    trusting.certify(user=reviewer, subject=view, note="Checked")
    return view


def edited(view: SavedQuery, sql: str = "SELECT id, amount FROM raw") -> None:
    view.query, view.query_hash = sql, text_digest(sql)
    view.save()
    trusting.review(view.connection)


def lost() -> list[ActivityEntry]:
    tasks.watch_certifications()
    return list(ActivityEntry.objects.filter(kind="certification_lost").order_by("pk"))


def pane(client: Client, entry: ActivityEntry) -> str:
    return client.get(f"/activity/{entry.pk}/").content.decode()


def test_an_edit_outside_brings_one_entry_after_the_next_sync(
    synced: Connection,
    sandbox: SandboxServer,
    reviewer: User,
    client_of: ClientOf,
    django_capture_on_commit_callbacks: Callable,
) -> None:
    view = SavedQuery.objects.get(connection=synced, name=EDITED)
    trusting.certify(user=reviewer, subject=view, note="Checked")
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one", by="ana")
    with django_capture_on_commit_callbacks(execute=True):
        sync(synced)

    (entry,) = ActivityEntry.objects.filter(kind="certification_lost")
    assert (entry.saved_query, entry.source, entry.needs_review) == (view, "system", True)
    suspended = AuditEntry.objects.get(action="catalog.certification_suspended")
    assert (suspended.object_id, suspended.actor_name) == (str(view.posthog_id), "system")
    client = client_of(reviewer)
    listed = client.get("/activity/?folder=trust").content.decode()
    assert f"The certification of {EDITED} does not hold any more" in listed
    assert "Certification suspended" in pane(client, ActivityEntry.objects.get(kind="edited", saved_query=view))
    told = pane(client, entry)
    assert "Its SQL has changed since it was certified." in told and "certified it at" in told


def test_it_is_told_once_and_waits_no_more_when_somebody_decides_anew(
    view: SavedQuery, reviewer: User, client_of: ClientOf
) -> None:
    assert lost() == []
    edited(view)
    (entry,) = lost()
    assert len(lost()) == 1 and entry.needs_review

    trusting.certify(user=reviewer, subject=view)
    (entry,) = lost()
    assert not entry.needs_review and not entry.verdict
    assert "somebody decided anew since" in pane(client_of(reviewer), entry)

    edited(view, "SELECT 3")
    assert [one.needs_review for one in lost()] == [False, True]


def test_deciding_is_noticed_without_waiting_for_the_next_look(
    view: SavedQuery, reviewer: User, django_capture_on_commit_callbacks: Callable
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        edited(view)
    entry = ActivityEntry.objects.get(kind="certification_lost")
    with django_capture_on_commit_callbacks(execute=True):
        trusting.take_back(user=reviewer, subject=view)
    entry.refresh_from_db()
    assert not entry.needs_review


def test_what_a_person_has_said_of_it_stays(view: SavedQuery, reviewer: User) -> None:
    edited(view)
    (entry,) = lost()
    services.review(user=reviewer, entry=entry, verdict="flagged", note="ask finance")
    trusting.deprecate(user=reviewer, subject=view, note="wrong since May")
    (entry,) = lost()
    assert (entry.verdict, entry.note, entry.needs_review) == ("flagged", "ask finance", True)


def test_the_last_day_of_a_certification_is_told_too(view: SavedQuery, reviewer: User) -> None:
    today = timezone.now().date()
    trusting.certify(user=reviewer, subject=view, until=today + timedelta(days=3))
    assert lost() == []
    with time_machine.travel(timezone.now() + timedelta(days=5)):
        (entry,) = lost()
        tasks.watch_overdue()
        assert ActivityEntry.objects.filter(kind="certification_lost").count() == 1
    begin = datetime.combine(today + timedelta(days=4), datetime.min.time(), tzinfo=UTC)
    assert entry.occurred_at == begin


def test_a_table_loses_its_certification_too(one: Connection, reviewer: User, client_of: ClientOf) -> None:
    columns = [{"name": "id", "type": "integer"}]
    table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="raw_orders", columns=columns)
    trusting.certify(user=reviewer, subject=table)
    table.columns = [*columns, {"name": "extra", "type": "string"}]
    table.save()
    trusting.review(one)
    (entry,) = lost()
    assert (entry.saved_query, entry.object_name) == (None, "raw_orders")
    assert "Its columns have changed" in pane(client_of(reviewer), entry)


def test_it_can_be_neither_adopted_nor_reverted(view: SavedQuery, reviewer: User, client_of: ClientOf) -> None:
    edited(view)
    (entry,) = lost()
    client = client_of(reviewer)
    for deed, said in (("adopt", "can be adopted"), ("revert", "Nothing was changed")):
        assert said in client.post(f"/activity/{entry.pk}/{deed}/", HTTP_HX_REQUEST="true").content.decode()
    entry.refresh_from_db()
    assert not entry.verdict


@pytest.mark.parametrize(("state", "found"), [("certified", ["b"]), ("suspended", ["a"]), ("deprecated", ["c"])])
def test_the_inbox_is_filtered_by_trust_and_by_owner(
    one: Connection, reviewer: User, operator: User, client_of: ClientOf, state: str, found: list[str]
) -> None:
    views = {name: make_view(one, name, "SELECT 1") for name in "abcd"}
    trusting.certify(user=reviewer, subject=views["a"])
    trusting.certify(user=reviewer, subject=views["b"])
    trusting.deprecate(user=reviewer, subject=views["c"], note="old")
    edited(views["a"])
    catalog.describe(user=reviewer, subject=views["d"], owner="operator")
    for view in views.values():
        ActivityEntry.objects.create(
            connection=one,
            saved_query=view,
            source="outside",
            kind="edited",
            object_name=view.name,
            occurred_at=timezone.now(),
            needs_review=True,
        )
    client = client_of(reviewer)

    def listed(query: str) -> list[str]:
        rows = client.get(f"/activity/?kind=edited&{query}").context["rows"]
        return sorted(row.entry.object_name for row in rows)

    assert listed(f"trust={state}") == found
    assert listed("trust=nonsense") == ["a", "b", "c", "d"]
    assert (listed("owner=operator"), listed("owner=none")) == (["d"], ["a", "b", "c"])
    kept = client.post("/activity/searches/", {"name": "mine", "query": "owner=operator&trust=certified"})
    assert kept.status_code in (200, 302)
    assert client.get("/activity/").context["searches"][0].query == "owner=operator&trust=certified"


def test_the_timeline_of_a_view_tells_who_said_what_and_that_it_fell(
    view: SavedQuery, reviewer: User, client_of: ClientOf
) -> None:
    edited(view)
    lost()
    trusting.deprecate(user=reviewer, subject=view, note="wrong since May")
    assert Trust.objects.get().word == Trust.Word.DEPRECATED
    url = f"/saved-queries/{view.posthog_id}/?tab=history"
    whole = client_of(reviewer).get(url).content.decode()
    for said in ("certified it", "deprecated it", "wrong since May", "does not hold any more"):
        assert said in whole
    trust_alone = client_of(reviewer).get(f"{url}&kinds=trust").content.decode()
    assert "deprecated it" in trust_alone and "does not hold any more" in trust_alone
