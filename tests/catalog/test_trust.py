"""Certified and deprecated: who may say so, what it holds for, and when it falls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.mirror.builders import make_view
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.catalog import receivers, trusting
from warehouse_admin.catalog.models import Trust
from warehouse_admin.catalog.selectors import description_of
from warehouse_admin.core import context
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.lineage.lint.report import look
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion, SyncRun, WarehouseTable
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def view(one: Connection) -> SavedQuery:
    return make_view(one, "orders", "SELECT id FROM raw")


def trail(action: str) -> list[tuple[Any, ...]]:
    entries = AuditEntry.objects.filter(action=action).order_by("sequence")
    return list(entries.values_list("actor_name", "result", "reason"))


def make_version(view: SavedQuery, number: int = 1) -> None:
    SavedQueryVersion.objects.create(
        saved_query=view,
        number=number,
        query=view.query,
        query_hash=view.query_hash,
        origin=SavedQueryVersion.Origin.FIRST_SEEN,
        seen_at=timezone.now(),
    )


def edited(view: SavedQuery, sql: str, number: int = 2) -> SavedQuery:
    """Another text, as a sync stores it."""
    view.query, view.query_hash = sql, text_digest(sql)
    view.save()
    make_version(view, number)
    return view


def state(view: SavedQuery | WarehouseTable) -> str:
    return description_of(view).trust


def test_a_certification_holds_for_the_text_that_was_read(reviewer: User, view: SavedQuery) -> None:
    make_version(view)
    trusting.certify(user=reviewer, subject=view, note="Checked against the ledger", seen=view.query_hash)
    assert state(view) == "certified"
    assert trail("catalog.certified") == [("reviewer", "ok", "Checked against the ledger")]

    edited(view, "SELECT id, amount FROM raw")
    assert trusting.review(view.connection) == 1
    assert trusting.review(view.connection) == 0

    said = description_of(view)
    assert (said.trust, said.trust_why) == ("suspended", "Its SQL has changed since it was certified.")
    assert trail("catalog.certification_suspended") == [("system", "ok", "Its SQL has changed since it was certified.")]

    edited_back = SavedQuery.objects.get(pk=view.pk)
    edited_back.query, edited_back.query_hash = "SELECT id FROM raw", text_digest("SELECT id FROM raw")
    edited_back.save()
    trusting.review(view.connection)
    assert state(view) == "suspended"  # somebody has to look at it again

    trusting.certify(user=reviewer, subject=edited_back)
    assert state(view) == "certified"


def test_another_layout_is_no_change(reviewer: User, view: SavedQuery) -> None:
    make_version(view)
    trusting.certify(user=reviewer, subject=view)

    edited(view, "select id\n  from raw -- the ledger")
    assert trusting.review(view.connection) == 0
    assert state(view) == "certified"
    assert trail("catalog.certification_suspended") == []

    edited(view, "SELECT id AS key FROM raw", 3)
    assert trusting.review(view.connection) == 1


def test_it_falls_with_the_view_and_a_text_that_is_not_known_any_more(
    reviewer: User, view: SavedQuery, one: Connection
) -> None:
    other = make_view(one, "other", "SELECT 1 AS one")
    for each in (view, other):
        trusting.certify(user=reviewer, subject=each)
    SavedQuery.objects.filter(pk=view.pk).update(deleted_at=timezone.now())
    other.query, other.query_hash = "select 1 as one", text_digest("select 1 as one")
    other.save()  # no version of what was certified is kept: nobody can tell that it means the same

    assert trusting.review(one) == 2
    assert [description_of(each).trust_why for each in (view, other)] == [
        "It is gone from PostHog.",
        "Its SQL has changed since it was certified.",
    ]


def test_a_table_is_certified_with_its_columns(reviewer: User, one: Connection) -> None:
    columns = [{"name": "id", "type": "Int64"}, {"name": "at", "type": "DateTime"}]
    table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="raw", columns=columns)
    trusting.certify(user=reviewer, subject=table)

    table.columns = [*reversed(columns)]
    table.save()
    assert trusting.review(one) == 0
    table.columns = [{"name": "id", "type": "String"}, columns[1]]
    table.save()
    assert trusting.review(one) == 1
    assert description_of(table).trust_why == "Its columns have changed since it was certified."


def test_it_ends_on_its_day(reviewer: User, view: SavedQuery, client_of: Callable[[User], Client]) -> None:
    today = timezone.now().date()
    trusting.certify(user=reviewer, subject=view, until=today)
    assert state(view) == "certified"

    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert description_of(view).trust_why == f"It was certified up to {today}."
        found = client_of(reviewer).get("/saved-queries/?q=certified:suspended").context["rows"]
        assert [(row.view.name, row.said.trust) for row in found] == [("orders", "suspended")]


@pytest.mark.parametrize("until", [date(2001, 1, 1), date(2999, 1, 1)])
def test_days_that_mean_nothing_are_refused(reviewer: User, view: SavedQuery, until: date) -> None:
    with pytest.raises(InvalidInput) as refused:
        trusting.certify(user=reviewer, subject=view, until=until)
    assert list(refused.value.errors) == ["until"]
    assert not Trust.objects.exists()


def test_what_was_not_read_or_is_gone_is_not_certified(reviewer: User, view: SavedQuery, one: Connection) -> None:
    unread = make_view(one, "unread")
    SavedQuery.objects.filter(pk=unread.pk).update(query=None, query_hash="")
    SavedQuery.objects.filter(pk=view.pk).update(deleted_at=timezone.now())

    with pytest.raises(InvalidInput, match="was not read"):
        trusting.certify(user=reviewer, subject=SavedQuery.objects.get(pk=unread.pk))
    with pytest.raises(InvalidInput, match="gone from PostHog"):
        trusting.certify(user=reviewer, subject=SavedQuery.objects.get(pk=view.pk))


def test_deprecated_says_why_and_what_to_read_instead(reviewer: User, view: SavedQuery, one: Connection) -> None:
    make_view(one, "orders_v2")
    for note, instead, field in (("", "", "note"), ("Old", "nothing_there", "instead"), ("Old", "orders", "instead")):
        with pytest.raises(InvalidInput) as refused:
            trusting.deprecate(user=reviewer, subject=view, note=note, instead=instead)
        assert list(refused.value.errors) == [field]

    trusting.deprecate(user=reviewer, subject=view, note="Counts refunds twice", instead="orders_v2")
    assert state(view) == "deprecated"
    trusting.take_back(user=reviewer, subject=view, reason="Mended")

    assert state(view) == ""
    assert trail("catalog.deprecated") == [("reviewer", "ok", "Counts refunds twice")]
    entry = AuditEntry.objects.get(action="catalog.trust_taken_back")
    assert (entry.reason, entry.after) == ("Mended", None)
    assert entry.before == {"trust": "deprecated", "note": "Counts refunds twice", "instead": "orders_v2"}
    with pytest.raises(InvalidInput, match="Nothing is said"):
        trusting.take_back(user=reviewer, subject=view)


@pytest.mark.parametrize("role", list(Role))
def test_reviewers_and_administrators_may(person: Callable[..., User], view: SavedQuery, role: Role) -> None:
    user = person("somebody", role)
    if role in (Role.REVIEWER, Role.ADMIN):
        assert trusting.certify(user=user, subject=view).said_by == user
        return
    with pytest.raises(NotPermitted):
        trusting.certify(user=user, subject=view)
    assert not Trust.objects.exists()


def test_a_token_cannot_vouch(reviewer: User, view: SavedQuery) -> None:
    with context.use(context.RequestContext(token_name="robot")):
        with pytest.raises(NotPermitted, match="signed-in person"):
            trusting.certify(user=reviewer, subject=view)
        with pytest.raises(NotPermitted):
            trusting.deprecate(user=reviewer, subject=view, note="Old")
    assert not Trust.objects.exists()


def test_a_decision_that_was_taken_meanwhile_is_not_undone(
    reviewer: User, view: SavedQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version(view)
    trusting.certify(user=reviewer, subject=view)
    edited(view, "SELECT 2 AS two")
    why = trusting._why

    def slowly(*about: Any) -> str:
        trusting.certify(user=reviewer, subject=SavedQuery.objects.get(pk=view.pk), note="Read the new one")
        return why(*about)

    monkeypatch.setattr(trusting, "_why", slowly)
    assert trusting.review(view.connection) == 0
    assert (state(view), description_of(view).trust_why) == ("certified", "Read the new one")


class TestPages:
    def test_a_reviewer_certifies_without_a_script_and_everybody_sees_it(
        self, reviewer: User, viewer: User, view: SavedQuery, client_of: Callable[[User], Client]
    ) -> None:
        client, where = client_of(reviewer), f"/saved-queries/{view.posthog_id}/trust/"
        page = client.get(f"/saved-queries/{view.posthog_id}/").content.decode()
        assert "Nobody has certified or deprecated it" in page and view.query_hash in page
        sent = {"do": "certify", "certify-note": "Checked", "certify-until": "", "certify-seen": view.query_hash}

        assert client.post(where, sent, follow=True).status_code == 200

        seen = client_of(viewer).get(f"/saved-queries/{view.posthog_id}/").content.decode()
        assert "Certified</span>" in seen and "Checked" in seen and "certify-note" not in seen
        assert "certify and deprecate, signed in as themselves" in seen
        assert "Certified</span>" in client_of(viewer).get("/saved-queries/").content.decode()
        assert client_of(viewer).get("/api/v1/saved-queries/").json()["results"][0]["trust"] == "certified"

    @pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
    def test_what_somebody_did_not_read_is_not_certified(
        self, reviewer: User, view: SavedQuery, client_of: Callable[[User], Client], headers: dict[str, str]
    ) -> None:
        sent = {"do": "certify", "certify-note": "Mine <b>", "certify-until": "", "certify-seen": view.query_hash}
        edited(view, "SELECT 'other' AS text")

        answer = client_of(reviewer).post(f"/saved-queries/{view.posthog_id}/trust/", sent, headers=headers)

        assert answer.status_code == 422
        assert "It has changed since you opened the page" in answer.content.decode()
        assert "Mine &lt;b&gt;" in answer.content.decode()
        assert not Trust.objects.exists()

    def test_a_table_is_deprecated_on_its_page(
        self, reviewer: User, one: Connection, client_of: Callable[[User], Client]
    ) -> None:
        table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="raw")
        sent = {"do": "deprecate", "deprecate-note": "Old", "deprecate-instead": ""}
        client = client_of(reviewer)

        answer = client.post(f"/tables/{table.posthog_id}/trust/", sent, headers={"HX-Request": "true"})

        assert answer.headers["HX-Refresh"] == "true"
        assert "Deprecated</span>" in client.get(f"/tables/{table.posthog_id}/").content.decode()

    def test_an_editor_is_refused_and_recorded(
        self, author: User, view: SavedQuery, client_of: Callable[[User], Client]
    ) -> None:
        sent = {"do": "deprecate", "deprecate-note": "Old"}

        answer = client_of(author).post(f"/saved-queries/{view.posthog_id}/trust/", sent)

        assert answer.status_code == 403
        assert [entry[:2] for entry in trail("catalog.deprecated")] == [("author", "denied")]
        assert not Trust.objects.exists()

    def test_what_turns_the_writing_around_is_shown_as_a_sign(
        self, reviewer: User, view: SavedQuery, client_of: Callable[[User], Client]
    ) -> None:
        trusting.deprecate(user=reviewer, subject=view, note="Old \u202egnp")

        card = (
            client_of(reviewer).get(f"/saved-queries/{view.posthog_id}/").content.decode().split('id="trust-card"')[1]
        )

        assert "\u202e" not in card.split("</section>")[0] and "U+202E" in card

    @pytest.mark.parametrize("do", ["", "anything"])
    def test_nothing_is_guessed(
        self, reviewer: User, view: SavedQuery, client_of: Callable[[User], Client], do: str
    ) -> None:
        answer = client_of(reviewer).post(f"/saved-queries/{view.posthog_id}/trust/", {"do": do})
        assert answer.status_code == 400
        assert not Trust.objects.exists()

    def test_views_are_found_by_it(self, reviewer: User, one: Connection, client_of: Callable[[User], Client]) -> None:
        good, old, plain = (make_view(one, name) for name in ("good", "old", "plain"))
        trusting.certify(user=reviewer, subject=good)
        trusting.deprecate(user=reviewer, subject=old, note="Old")
        client = client_of(reviewer)

        def found(typed: str) -> list[str]:
            return [row.view.name for row in client.get("/saved-queries/", {"q": typed}).context["rows"]]

        assert found("certified:yes") == ["good"]
        assert found("certified:no") == ["old", "plain"]
        assert found("deprecated:yes") == ["old"]
        assert found("-deprecated:yes certified:no") == ["plain"]
        assert "Use certified:yes" in client.get("/saved-queries/?q=certified:maybe").content.decode()


class TestLint:
    def test_a_deprecated_source_is_named_with_what_to_read_instead(
        self, reviewer: User, view: SavedQuery, one: Connection
    ) -> None:
        make_view(one, "orders_v2")
        table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="raw")
        trusting.deprecate(user=reviewer, subject=view, note="Counts refunds twice", instead="orders_v2")
        trusting.deprecate(user=reviewer, subject=table, note="Is it still filled?")

        told = [
            (one.rule.id, one.line, one.message)
            for one in look(one, "SELECT o.id AS id FROM orders AS o\nJOIN raw AS r ON r.id = o.id").findings
        ]

        assert told == [
            ("deprecated-source", 1, "orders is deprecated: Counts refunds twice. Read orders_v2 instead."),
            ("deprecated-source", 2, "raw is deprecated: Is it still filled?"),
        ]

    def test_a_view_hides_a_table_of_its_name(self, reviewer: User, view: SavedQuery, one: Connection) -> None:
        table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="orders")
        trusting.deprecate(user=reviewer, subject=table, note="Old")

        assert look(one, "SELECT id FROM orders").findings == []

    def test_a_certified_view_is_told_of_sources_that_nobody_vouches_for(
        self, reviewer: User, view: SavedQuery, one: Connection
    ) -> None:
        shaky = make_view(one, "shaky", "SELECT 1 AS id")
        mart = make_view(one, "mart", "SELECT o.id AS id FROM orders AS o JOIN shaky AS s ON s.id = o.id")
        sql = str(mart.query)

        def told() -> list[str]:
            return [one.message for one in look(one, sql, view=mart).findings]

        assert told() == []  # of a view that nobody certified nothing is asked
        trusting.certify(user=reviewer, subject=mart)
        trusting.certify(user=reviewer, subject=shaky)
        assert told() == ["orders is not certified, and this view is."]

        trusting.certify(user=reviewer, subject=view)
        edited(shaky, "SELECT 2 AS id")
        trusting.review(one)
        assert told() == ["The certification of shaky is suspended: Its SQL has changed since it was certified."]


def test_an_edit_in_posthog_suspends_it_with_the_sync_that_sees_it(
    synced: Connection,
    sandbox: SandboxServer,
    reviewer: User,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> None:
    kept, changed = (SavedQuery.objects.get(name=name) for name in ("stg_stripe_charges", "int_sessions"))
    for view in (kept, changed):
        trusting.certify(user=reviewer, subject=view)
    sandbox.world.edit_outside("stg_stripe_charges", f"{kept.query}\n")
    sandbox.world.edit_outside("int_sessions", "SELECT 1 AS other")

    with django_capture_on_commit_callbacks(execute=True):
        sync(synced)

    assert (state(kept), state(changed)) == ("certified", "suspended")
    assert [entry[0] for entry in trail("catalog.certification_suspended")] == ["system"]


def test_what_is_read_outside_a_sync_is_looked_at_too(reviewer: User, view: SavedQuery, one: Connection) -> None:
    columns = [{"name": "id", "type": "Int64"}]
    table = WarehouseTable.objects.create(connection=one, posthog_id=uuid4(), name="raw", columns=columns)
    for each in (view, table):
        trusting.certify(user=reviewer, subject=each)

    receivers.after_read(SavedQuery, edited(view, "SELECT 2 AS two"))
    assert (state(view), state(table)) == ("suspended", "certified")
    table.columns = [{"name": "id", "type": "String"}]
    table.save()
    receivers.after_table(WarehouseTable, table)

    assert state(table) == "suspended"
    assert len(trail("catalog.certification_suspended")) == 2


def test_a_sync_asks_little_where_nothing_is_certified(
    synced: Connection, django_assert_num_queries: Callable[..., Any]
) -> None:
    run = SyncRun.objects.latest("pk")
    with django_assert_num_queries(1):
        receivers.after_sync(SyncRun, run)
