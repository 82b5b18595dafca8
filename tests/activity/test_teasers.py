"""Two lines of what differs, in the list; and what an edit does to those that read the view, in the pane."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from tests.activity.conftest import EDITED, sync
from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import Observation, RemoteActivity, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def entry(connection: Connection) -> Callable[..., ActivityEntry]:
    def make(before: Any, after: Any, **more: Any) -> ActivityEntry:
        given = {"source": "outside", "kind": "edited", "object_name": "orders", "needs_review": True, **more}
        given |= {"before": before, "after": after, "occurred_at": timezone.now(), "connection": connection}
        return ActivityEntry.objects.create(**given)

    return make


def sql(text: str) -> dict[str, str]:
    return {"query": text}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (sql("SELECT a,\n  b\nFROM t"), sql("SELECT a,\n  c\nFROM t"), [["-", "b"], ["+", "c"]]),
        (sql("SELECT a\nFROM t"), sql("SELECT a\nFROM t\nLIMIT 5"), [["+", "LIMIT 5"]]),
        (sql("SELECT a\nFROM t\nLIMIT 5"), sql("SELECT a\nFROM t"), [["-", "LIMIT 5"]]),
        (sql("SELECT  a\n\nFROM t"), sql("SELECT a\nFROM t"), []),
        (sql("x" * 500), sql("y"), [["-", "x" * 79 + "…"], ["+", "y"]]),
        ({"name": "orders"}, {"name": "orders_v2"}, [["", "name: orders → orders_v2"]]),
        ({"sync_frequency": "24hour"}, {"sync_frequency": None}, [["", "sync frequency: 24hour → none"]]),
        ({"certified_by": "remy"}, {"why": "it changed"}, []),
        (None, {"query": "SELECT 1"}, []),
        (sql("SELECT 1"), {"deleted": True}, []),
        ({"query": None}, sql("SELECT 1"), []),
    ],
)
def test_the_first_line_that_went_and_the_first_that_came(entry: Any, before: Any, after: Any, told: Any) -> None:
    assert ActivityEntry.objects.get(pk=entry(before, after).pk).teaser == told


def test_it_is_in_the_list_and_escaped(entry: Any, reviewer: User, client_of: ClientOf) -> None:
    entry(sql("SELECT 1"), sql("SELECT '<script>'"))
    page = client_of(reviewer).get("/activity/").content.decode()
    assert '<del class="teaser">- SELECT 1</del><ins class="teaser">+ SELECT &#x27;&lt;script&gt;&#x27;</ins>' in page


def test_it_follows_what_becomes_known_later(known: Connection, sandbox: SandboxServer) -> None:
    """The log tells of the edit first, and the sync of the text before it."""
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one", by="ana")
    sync(known)
    found = ActivityEntry.objects.get(kind="edited", object_name=EDITED, needs_review=True)
    assert ["+", "SELECT 1 AS one"] in found.teaser
    assert [sign for sign, _ in found.teaser] == ["-", "+"]


def test_what_is_dealt_with_keeps_it(entry: Any, reviewer: User, client_of: ClientOf) -> None:
    made = entry(sql("SELECT 1"), sql("SELECT 2"))
    client_of(reviewer).post(f"/activity/{made.pk}/review/", {"verdict": "accepted"})
    made.refresh_from_db()
    assert (made.verdict, len(made.teaser)) == ("accepted", 2)


def test_entries_from_before_get_theirs(entry: Any) -> None:
    made = entry(sql("SELECT 1"), sql("SELECT 2"))
    bare = entry(None, None)
    ActivityEntry.objects.update(teaser=[])
    migration = import_module("warehouse_admin.activity.migrations.0005_teasers_and_asked")
    migration.write(apps, SimpleNamespace(connection=database))
    made.refresh_from_db()
    bare.refresh_from_db()
    assert (made.teaser, bare.teaser) == ([["-", "SELECT 1"], ["+", "SELECT 2"]], [])


# --- what it does to those that read the view --------------------------------------------------------------------


def test_the_pane_grades_an_edit(synced: Connection, entry: Any, viewer: User, client_of: ClientOf) -> None:
    lineage.refresh(synced)
    view = SavedQuery.objects.get(connection=synced, name="stg_stripe_customers")
    before = view.query or ""
    after = "\n".join(line for line in before.splitlines() if "AS customer_name" not in line)
    made = entry(sql(before), sql(after), saved_query=view, object_name=view.name)
    client = client_of(viewer)
    assert f'hx-get="/activity/{made.pk}/impact/"' in client.get(f"/activity/{made.pk}/").content.decode()

    box = client.get(f"/activity/{made.pk}/impact/", headers={"HX-Request": "true"}).content.decode()
    assert "Breaks" in box and "finance.open_invoices" in box and "customer_name" in box
    assert "<html" not in box
    assert "<html" in client.get(f"/activity/{made.pk}/impact/").content.decode()


def test_what_cannot_be_graded_has_no_box(
    entry: Any, connection: Connection, viewer: User, client_of: ClientOf
) -> None:
    gone = make_view(connection, "gone", "SELECT 2", deleted_at=timezone.now())
    view = make_view(connection, "there", "SELECT 2")
    client = client_of(viewer)
    for made in (
        entry(sql("SELECT 1"), sql("SELECT 2")),
        entry(sql("SELECT 1"), sql("SELECT 2"), saved_query=gone),
        entry({"name": "a"}, {"name": "b"}, saved_query=view, kind="renamed"),
        entry(None, sql("SELECT 2"), saved_query=view, kind="created"),
    ):
        assert "/impact/" not in client.get(f"/activity/{made.pk}/").content.decode()
        assert client.get(f"/activity/{made.pk}/impact/").status_code == 404
    assert client.get("/activity/999999/impact/").status_code == 404


# --- what becomes known only after the entry was made ------------------------------------------------------------


def test_a_sync_that_saw_the_texts_completes_what_the_log_did_not_tell(connection: Connection) -> None:
    view = make_view(connection, "orders", "SELECT 2")
    now = timezone.now()
    change = {"type": "SavedQuery", "field": "query", "action": "changed", "after": "SELECT 2"}
    RemoteActivity.objects.create(
        connection=connection,
        posthog_id=view.posthog_id,
        entry_key="1",
        activity="updated",
        detail={"name": "orders", "changes": [change]},
        created_at=now,
    )
    services.ingest(connection)
    assert ActivityEntry.objects.get().teaser == []

    after = {"query": "SELECT 2", "query_hash": text_digest("SELECT 2")}
    seen = {"connection": connection, "saved_query": view, "kind": "edited", "seen_at": now + timedelta(seconds=9)}
    Observation.objects.create(before=sql("SELECT 1"), after=after, **seen)
    services.ingest(connection)
    assert ActivityEntry.objects.get().teaser == [["-", "SELECT 1"], ["+", "SELECT 2"]]


def test_so_does_the_end_of_a_write_that_was_not_known(
    known: Connection, sandbox: SandboxServer, edit_here: Callable[..., Mutation]
) -> None:
    view = SavedQuery.objects.get(connection=known, name=EDITED)
    mutation = edit_here(view, "SELECT 7 AS seven", send=False)
    Mutation.objects.filter(pk=mutation.pk).update(state="unconfirmed", sent_at=timezone.now())
    services.ingest(known)
    assert ActivityEntry.objects.get(mutation=mutation).outcome == "unknown"

    before = {"query": "SELECT 1 AS one"}
    Mutation.objects.filter(pk=mutation.pk).update(state="happened", finished_at=timezone.now(), before=before)
    services.ingest(known)
    found = ActivityEntry.objects.get(mutation=mutation)
    assert (found.outcome, found.teaser) == ("", [["-", "SELECT 1 AS one"], ["+", "SELECT 7 AS seven"]])
