"""The pages of the mirror, through the portal's door."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import Run, SavedQuery, SyncRun, WarehouseTable
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]
LISTS = ["mirror:view-list", "mirror:table-list", "mirror:sync-list"]


@pytest.fixture
def portal(viewer: User, client_of: ClientOf) -> Client:
    return client_of(viewer)


def page(portal: Client, name: str, *args: object, **params: str) -> str:
    answer = portal.get(reverse(name, args=args), params)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_the_list_finds_views_by_name_and_by_sql(portal: Client, connection: Connection) -> None:
    make_view(connection, "mart_revenue", "SELECT 1 FROM stg_orders")
    make_view(connection, "mart_people", "SELECT 1 FROM persons")

    assert "mart_revenue" in page(portal, "mirror:view-list", q="REVENUE")
    by_sql = page(portal, "mirror:view-list", q="stg_orders")
    assert "mart_revenue" in by_sql and "mart_people" not in by_sql
    assert "No view matches" in page(portal, "mirror:view-list", q="nothing like this")


def test_the_list_filters_and_sorts_by_the_url(portal: Client, connection: Connection) -> None:
    make_view(connection, "a_plain")
    make_view(connection, "b_late", is_materialized=True, schedule_state="late", sync_frequency="1hour")
    make_view(connection, "c_failing", is_materialized=True, schedule_state="failing", sync_frequency="24hour")
    make_view(connection, "d_gone", deleted_at=timezone.now())

    assert "c_failing" in page(portal, "mirror:view-list", tab="attention")
    assert "b_late" not in page(portal, "mirror:view-list", tab="attention")
    assert "d_gone" not in page(portal, "mirror:view-list")
    assert "d_gone" in page(portal, "mirror:view-list", tab="archived")
    assert "a_plain" not in page(portal, "mirror:view-list", kind="materialized")
    assert "b_late" in page(portal, "mirror:view-list", cadence="1hour")
    urgent_first = page(portal, "mirror:view-list", sort="state")
    assert urgent_first.index("c_failing") < urgent_first.index("b_late")
    assert "No view matches" in page(portal, "mirror:view-list", state="no such state")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("rows", [10, 60])
def test_a_list_costs_the_same_whatever_its_length(
    portal: Client, connection: Connection, name: str, rows: int, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for number in range(rows // 10):
        Connection.objects.create(slug=f"c{number}", name="C", host="http://127.0.0.1:9", project_id="1")
    for number in range(rows):
        view = make_view(connection, f"view_{number}", is_materialized=True, sync_frequency="1hour")
        Run.objects.create(saved_query=view, status="Completed", started_at=now)
        WarehouseTable.objects.create(connection=connection, posthog_id=uuid.uuid4(), name=f"table_{number}")
        SyncRun.objects.create(connection=connection, state="succeeded")

    with django_assert_max_num_queries(12):
        page(portal, name)


def test_a_list_is_scoped_to_one_connection_or_to_all(portal: Client, connection: Connection) -> None:
    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:9", project_id="1")
    make_view(connection, "here")
    make_view(other, "elsewhere")

    scoped = page(portal, "mirror:view-list", connection="other")
    assert "elsewhere" in scoped and ">here<" not in scoped
    assert ">here<" in page(portal, "mirror:view-list", connection="all")


def test_an_empty_list_says_which_kind_of_empty_it_is(portal: Client) -> None:
    assert "No PostHog project is connected yet" in page(portal, "mirror:view-list")
    connection = Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")
    assert "There is no view yet" in page(portal, "mirror:view-list")
    sync = SyncRun.objects.create(connection=connection, state="running", phase="Reading views", done=142, total=412)
    text = page(portal, "mirror:view-list")
    assert "The first sync is under way" in text and "142 of 412" in text
    SyncRun.objects.filter(pk=sync.pk).update(state="failed", error="PostHog could not be reached.")
    assert "PostHog could not be reached." in page(portal, "mirror:view-list")


def test_a_view_shows_its_sql_its_neighbours_its_runs_and_its_versions(
    portal: Client, synced: Connection, sandbox: SandboxServer
) -> None:
    lineage.refresh(synced)
    view = SavedQuery.objects.filter(downstream_edges__gt=0, runs__gt=0, upstream_edges__gt=0).first()
    assert view is not None
    reader = view.downstream_edges.first().downstream

    key = view.posthog_id
    assert "code-line" in page(portal, "mirror:view-detail", key)
    neighbours = page(portal, "mirror:view-detail", key, tab="lineage")
    assert reader.name in neighbours and view.upstream_edges.first().name in neighbours
    assert "Completed" in page(portal, "mirror:view-detail", key, tab="runs")
    assert "First seen" in page(portal, "mirror:view-detail", key, tab="history")
    assert (
        'id="view-runs"'
        in portal.get(reverse("mirror:view-runs", args=[key]), headers={"HX-Request": "true"}).content.decode()
    )
    assert portal.get(reverse("mirror:view-versions", args=[key])).status_code == 302


def test_two_versions_can_be_compared(portal: Client, synced: Connection, sandbox: SandboxServer) -> None:
    view = SavedQuery.objects.exclude(query=None).filter(managed_viewset_kind="").first()
    sandbox.world.edit_outside(view.name, (view.query or "") + "\n-- a new line")
    services.read_live(view)

    for mode in ("split", "unified"):
        text = page(portal, "mirror:view-diff", view.posthog_id, mode=mode)
        assert "a new line" in text and "v1" in text and "v2" in text
    assert "Changed outside the portal" in page(portal, "mirror:view-detail", view.posthog_id)
    missing = portal.get(reverse("mirror:view-diff", args=[view.posthog_id]), {"from": "1", "to": "99"})
    assert missing.status_code == 404


def test_folded_lines_of_two_versions_are_shown_when_asked_for(portal: Client, connection: Connection) -> None:
    lines = [f", {number} AS c{number}" for number in range(40)]
    view = make_view(connection, "long", "\n".join(lines))
    for number, last in ((1, "FROM a"), (2, "FROM b")):
        view.versions.update_or_create(
            number=number, defaults={"query": "\n".join([*lines, last]), "query_hash": last, "seen_at": timezone.now()}
        )

    folded = page(portal, "mirror:view-diff", view.posthog_id, mode="unified")
    opened = page(portal, "mirror:view-diff", view.posthog_id, mode="unified", expand="1-37")

    assert "37 unchanged lines" in folded and "?mode=unified&amp;expand=1-37#view-diff" in folded
    assert "c20" not in folded and "c20" in opened and "unchanged lines" not in opened


def test_a_tombstone_says_so_and_keeps_its_sql(portal: Client, connection: Connection) -> None:
    view = make_view(connection, "old_one", "SELECT 42 AS answer", deleted_at=timezone.now())

    text = page(portal, "mirror:view-detail", view.posthog_id)

    assert "gone from PostHog" in text and "answer" in text
    assert "This view was deleted in PostHog." in text


def test_remote_text_is_escaped(portal: Client, connection: Connection) -> None:
    bad = "<script>alert(1)</script>"
    view = make_view(
        connection, "odd", f"SELECT '{bad}'", description=bad, latest_error=bad, columns=[{"name": bad, "type": bad}]
    )
    make_view(connection, "odd2", description=bad)

    for text in (page(portal, "mirror:view-list"), page(portal, "mirror:view-detail", view.posthog_id)):
        assert bad not in text


def test_unknown_and_malformed_ids_are_not_found(portal: Client) -> None:
    assert portal.get(reverse("mirror:view-detail", args=[uuid.uuid4()])).status_code == 404
    assert portal.get(reverse("mirror:table-detail", args=[uuid.uuid4()])).status_code == 404
    assert portal.get(reverse("mirror:sync-detail", args=[uuid.uuid4()])).status_code == 404
    assert portal.get("/saved-queries/not-an-id/").status_code == 404


def test_a_table_page_shows_columns_and_readers_and_no_secret(portal: Client, synced: Connection) -> None:
    lineage.refresh(synced)
    table = WarehouseTable.objects.filter(downstream_edges__gt=0).first()

    text = page(portal, "mirror:table-detail", table.posthog_id)

    assert table.columns[0]["name"] in text
    assert table.downstream_edges.first().downstream.name in text
    assert table.name in page(portal, "mirror:table-list", q=table.name)


def test_refreshing_reads_the_view_again_and_is_audited(
    author: User, client_of: ClientOf, synced: Connection, sandbox: SandboxServer
) -> None:
    view = SavedQuery.objects.filter(managed_viewset_kind="").exclude(query=None).first()
    sandbox.world.edit_outside(view.name, "SELECT 1 AS edited_outside")

    client_of(author).post(reverse("mirror:view-refresh", args=[view.posthog_id]))

    view.refresh_from_db()
    assert view.query == "SELECT 1 AS edited_outside"
    entry = AuditEntry.objects.get(action="saved_query.refresh")
    assert (entry.actor, entry.result, entry.object_id) == (author, "ok", str(view.posthog_id))


def test_refreshing_a_view_that_is_gone_says_so_and_tombstones_nothing(
    author: User, client_of: ClientOf, synced: Connection, sandbox: SandboxServer
) -> None:
    view = SavedQuery.objects.filter(managed_viewset_kind="").first()
    sandbox.world.delete_outside(view.name)

    answer = client_of(author).post(reverse("mirror:view-refresh", args=[view.posthog_id]), follow=True)

    assert "PostHog no longer has this view" in answer.content.decode()
    view.refresh_from_db()
    assert view.deleted_at is None
    assert AuditEntry.objects.get(action="saved_query.refresh").result == "failed"


def test_a_viewer_may_not_refresh_nor_sync(portal: Client, synced: Connection) -> None:
    view = SavedQuery.objects.first()
    refused = portal.post(reverse("mirror:view-refresh", args=[view.posthog_id]))
    not_started = portal.post(reverse("mirror:sync-start"), {"connection": synced.slug})

    assert (refused.status_code, not_started.status_code) == (403, 403)
    assert AuditEntry.objects.filter(result="denied").count() == 2
    assert SyncRun.objects.count() == 1


def test_a_sync_is_started_watched_and_stopped(author: User, client_of: ClientOf, connection: Connection) -> None:
    portal = client_of(author)
    started = portal.post(reverse("mirror:sync-start"), {"connection": connection.slug, "kind": "full"})
    sync = SyncRun.objects.get()

    assert started.url == reverse("mirror:sync-detail", args=[sync.pk])
    assert (sync.kind, sync.started_by) == ("full", author)
    again = portal.post(reverse("mirror:sync-start"), {"connection": connection.slug})
    assert again.url == started.url
    polled = portal.get(started.url, headers={"HX-Request": "true"})
    assert polled.status_code == 200 and "every 2s" in polled.content.decode()

    portal.post(reverse("mirror:sync-stop", args=[sync.pk]))

    sync.refresh_from_db()
    assert sync.state == "stopped"
    assert portal.get(started.url, headers={"HX-Request": "true"}).status_code == 286
    assert list(
        AuditEntry.objects.filter(action__startswith="sync.").order_by("sequence").values_list("action", flat=True)
    ) == [
        "sync.started",
        "sync.stopped",
    ]
