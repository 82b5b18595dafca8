"""What PostHog says against a text while somebody types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes import remote_check
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.posthog import errors, queries
from warehouse_admin.posthog.queries import Remark
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
SQL = "SELECT 1 AS one\nFROM stg_app_orders"


@pytest.fixture
def editor(author: User, view: SavedQuery, client_of: Callable[[User], Client]) -> Callable[..., dict[str, Any]]:
    page = client_of(author)

    def ask(query: str = SQL) -> dict[str, Any]:
        return page.post(f"{reverse('changes:validate')}?connection=demo", {"query": query}).json()

    return ask


def pause_is_over() -> None:
    cache.delete_many([f"changes.asking.{user}" for user in User.objects.values_list("pk", flat=True)])


def test_posthog_is_asked_about_what_nothing_here_speaks_against(editor: Callable[..., dict[str, Any]]) -> None:
    told = editor()
    assert {name: told[name] for name in told if name not in ("lint", "findings")} == {
        "errors": [],
        "asked": True,
        "why_not": "",
        "again_in": 0,
    }
    pause_is_over()
    [error] = editor("SELECT 1 AS one FROM nowhere")["errors"]  # the mirror has no list of tables yet

    assert "nowhere" in error["message"]


def test_its_words_stand_where_it_means_them(
    editor: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [Remark("Unable to resolve field: one", SQL.index("stg")), Remark("Slow", None, is_error=False)]
    monkeypatch.setattr(queries, "check", lambda *_, **__: said)

    first, second = editor()["errors"]

    assert first == {"message": "PostHog: Unable to resolve field: one", "line": 2, "column": 6, "level": "error"}
    assert (second["level"], second["line"]) == ("warning", 1)


def test_a_text_is_asked_about_once(editor: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    assert editor()["asked"]
    monkeypatch.setattr(queries, "check", lambda *_, **__: pytest.fail("asked again"))

    assert editor()["asked"]


def test_a_person_who_types_on_waits_a_moment(editor: Callable[..., dict[str, Any]]) -> None:
    assert editor()["asked"]

    told = editor(f"{SQL} LIMIT 5")
    assert (told["asked"], told["errors"], told["again_in"]) == (False, [], remote_check.PAUSE)
    pause_is_over()
    assert editor(f"{SQL} LIMIT 5")["asked"]


def test_an_editor_goes_on_when_posthog_does_not_answer(
    editor: Callable[..., dict[str, Any]], sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_before", path_regex="query/$", times=None))

    told = editor()

    assert (told["errors"], told["asked"]) == ([], False)
    assert "PostHog" in told["why_not"]


def test_a_key_without_the_scope_is_asked_once(
    editor: Callable[..., dict[str, Any]], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise errors.MissingScope("API key missing required scope 'query:read'", scope="query:read")

    monkeypatch.setattr(queries, "check", refuse)
    editor()
    cache.clear()
    monkeypatch.setattr(queries, "check", lambda *_, **__: pytest.fail("asked again"))

    told = editor()
    assert not told["asked"] and "query:read" in told["why_not"]


def test_who_may_not_propose_makes_nobody_ask(
    connection: Connection, view: SavedQuery, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "check", lambda *_, **__: pytest.fail("asked"))

    assert remote_check.check(viewer, connection, SQL).was_asked is False
