"""The first rows of a proposed text beside the present ones, asked of PostHog when somebody wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.pages import words
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import preview
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


def trail() -> list[tuple[str, str]]:
    found = AuditEntry.objects.filter(action=preview.ACTION).order_by("sequence")
    return [(entry.result, entry.object_name) for entry in found]


def asked(client: Client, view: SavedQuery, query: str) -> Any:
    return client.post(f"/api/v1/saved-queries/{view.posthog_id}/preview/", {"query": query}, "application/json")


def test_rows_of_both_texts_stand_beside_each_other(
    view: SavedQuery, author: User, client_of: Callable[[User], Client]
) -> None:
    query = f"SELECT order_id, 1 AS one FROM ({view.query}) LIMIT 7 -- a few"
    page = client_of(author).post(reverse("changes:view-preview", args=[view.posthog_id]), {"query": query})

    told = words(page)
    assert f"{preview.PER_HOUR - 1} left this hour" in told
    assert " one String " in told and "revenue_usd Float64" in told
    assert "7 rows" in told and "493 rows fewer than now." in told
    assert page.content.decode().count("<table") == 2
    assert trail() == [("asked", view.name), ("ok", view.name)]


def test_scripts_get_the_same(view: SavedQuery, author: User, client_of: Callable[[User], Client]) -> None:
    told = asked(client_of(author), view, f"SELECT order_id, 1 AS one FROM ({view.query})").json()

    assert told["proposed"]["rows"]["columns"] == ["order_id", "one"]
    assert len(told["proposed"]["rows"]["rows"]) == preview.MOST_ROWS
    assert [column["name"] for column in view.columns][:2] <= told["present"]["rows"]["columns"]
    assert told["left"] == preview.PER_HOUR - 1


def test_the_present_text_is_not_asked_for_twice(
    view: SavedQuery, author: User, client_of: Callable[[User], Client]
) -> None:
    told = asked(client_of(author), view, view.query or "").json()

    assert told["present"] is None


def test_what_posthog_does_not_accept_is_told_in_its_words(
    view: SavedQuery, author: User, client_of: Callable[[User], Client]
) -> None:
    answer = asked(client_of(author), view, "SELECT 1 AS one FROM no_such_table")

    assert answer.status_code == 400
    assert "no_such_table" in answer.json()["errors"]["query"][0]
    assert trail() == [("asked", view.name), ("failed", view.name)]


def test_a_broken_text_is_not_sent(view: SavedQuery, author: User, client_of: Callable[[User], Client]) -> None:
    answer = asked(client_of(author), view, "SELECT (")

    assert answer.status_code == 400
    assert trail() == []


def test_no_answer_is_said_and_nothing_is_lost(
    view: SavedQuery, sandbox: SandboxServer, author: User, client_of: Callable[[User], Client]
) -> None:
    sandbox.world.faults.add(Fault("drop_before", path_regex="query/$", times=None))

    page = client_of(author).post(reverse("changes:view-preview", args=[view.posthog_id]), {"query": view.query})

    assert page.status_code == 200
    assert "Your text is kept." in words(page)
    assert trail() == [("asked", view.name), ("failed", view.name)]


def test_the_hours_previews_come_to_an_end(
    view: SavedQuery, author: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PER_HOUR", 1)
    page = client_of(author)
    assert asked(page, view, view.query or "").json()["left"] == 0

    refused = asked(page, view, view.query or "")

    assert (refused.status_code, trail()) == (409, [("asked", view.name), ("ok", view.name)])
    assert "used up" in refused.json()["detail"]


def test_a_key_that_may_not_run_queries_is_not_tried(
    view: SavedQuery, connection: Connection, author: User, client_of: Callable[[User], Client]
) -> None:
    connection.capabilities = {"preview": {"state": "no", "reason": "The API key lacks the scope query:read."}}
    connection.save(update_fields=["capabilities"])

    refused = asked(client_of(author), view, view.query or "")

    assert refused.json()["detail"] == "No preview: The API key lacks the scope query:read."
    assert trail() == []


def test_viewers_run_nothing(view: SavedQuery, viewer: User, client_of: Callable[[User], Client]) -> None:
    page = client_of(viewer)

    assert page.post(reverse("changes:view-preview", args=[view.posthog_id]), {"query": "SELECT 1"}).status_code == 403
    assert asked(page, view, "SELECT 1").status_code == 403
    assert trail() == [("denied", view.name)] * 2


def test_a_new_view_is_previewed_alone(
    connection: Connection, author: User, client_of: Callable[[User], Client]
) -> None:
    address = reverse("changes:new-view-preview", args=[connection.slug])

    page = client_of(author).post(address, {"query": "SELECT 1 AS one, '<b>x</b>' AS bold FROM stg_app_orders LIMIT 2"})

    assert page.content.decode().count("<table") == 1
    assert "<b>x</b>" not in page.content.decode()
    assert trail() == [("asked", ""), ("ok", "")]


def test_scripts_ask_for_the_impact_of_a_text(
    view: SavedQuery, author: User, viewer: User, client_of: Callable[[User], Client]
) -> None:
    address = f"/api/v1/saved-queries/{view.posthog_id}/impact/"

    told = client_of(author).post(address, {"query": f"SELECT order_id FROM ({view.query})"}, "application/json").json()
    assert {one["change"] for one in told["columns"]} == {"removed"}
    broken = client_of(author).post(address, {"query": "SELECT ("}, "application/json")
    assert broken.status_code == 400 and "Line 1" in broken.json()["errors"]["query"][0]
    assert client_of(viewer).post(address, {"query": "SELECT 1"}, "application/json").status_code == 403
