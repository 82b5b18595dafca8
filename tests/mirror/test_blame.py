"""Blame through the portal's doors: the gutter of the page and the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.core import blame
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import authorship
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion

pytestmark = pytest.mark.django_db

FIRST, OUTSIDE, HERE = "SELECT a\nFROM t", "SELECT a\n  , b\nFROM t", "SELECT a\n  , b\nFROM t\nWHERE c"


@pytest.fixture
def portal(viewer: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(viewer)


@pytest.fixture
def view(connection: Connection) -> SavedQuery:
    """First seen, then edited outside by nobody knows whom, then through change 12."""
    made = make_view(connection, "mart", HERE)
    add(made, FIRST, "first_seen")
    add(made, OUTSIDE, "outside")
    add(made, HERE, "portal", author_name="erin", change_number=12)
    return made


def add(view: SavedQuery, sql: str, origin: str, **fields: Any) -> SavedQueryVersion:
    number = view.versions.count() + 1
    seen = timezone.now() - timedelta(days=100 - number)
    known = {"query": sql, "query_hash": text_digest(sql), "origin": origin, "seen_at": seen}
    return view.versions.create(number=number, **known, **fields)


def blamed(portal: Client, view: SavedQuery, **params: str) -> dict[str, Any]:
    answer = portal.get(reverse("api:view-blame", args=[view.posthog_id]), params)
    assert answer.status_code == 200, answer.content
    return answer.json()


def page(portal: Client, view: SavedQuery, **params: str) -> str:
    return portal.get(reverse("mirror:view-detail", args=[view.posthog_id]), params).content.decode()


def test_the_api_tells_of_each_line_who_touched_it_and_through_which_change(portal: Client, view: SavedQuery) -> None:
    told = blamed(portal, view)

    facts = [(line["text"], line["version"], line["origin"], line["author"], line["change"]) for line in told["lines"]]
    assert facts == [
        ("SELECT a", 1, "first_seen", None, None),
        ("  , b", 2, "outside", None, None),
        ("FROM t", 1, "first_seen", None, None),
        ("WHERE c", 3, "portal", "erin", 12),
    ]
    assert told["caveat"] == "" and told["lines"][3]["at"]


def test_the_gutter_links_each_line_to_its_request_or_its_edit(portal: Client, view: SavedQuery) -> None:
    assert "has-blame" not in page(portal, view) and 'data-key="b"' in page(portal, view)

    text = page(portal, view, blame="1")

    assert text.count("has-blame") == 4
    assert reverse("changes:detail", args=[12]) in text and "erin" in text
    assert reverse("mirror:view-diff", args=[view.posthog_id]) + "?to=2" in text and "nobody knows who" in text
    assert "first seen" in text


def test_layout_is_left_out_on_demand(portal: Client, view: SavedQuery) -> None:
    indented = HERE.replace("FROM", "    FROM")
    add(view, indented, "outside", author_name="ana")
    SavedQuery.objects.filter(pk=view.pk).update(query=indented, query_hash=text_digest(indented))

    assert blamed(portal, view)["lines"][2]["version"] == 4
    assert blamed(portal, view, ignore_layout="true")["lines"][2]["version"] == 1
    assert "ana" in page(portal, view, blame="1")
    without = page(portal, view, blame="1", layout="ignore")
    assert ">ana<" not in without and "Count layout" in without
    wrong = portal.get(reverse("api:view-blame", args=[view.posthog_id]), {"ignore_layout": "perhaps"})
    assert wrong.status_code == 400 and "ignore_layout" in wrong.json()["errors"]


def test_a_text_that_no_version_holds_yet_says_so(portal: Client, view: SavedQuery, connection: Connection) -> None:
    newer = f"{HERE}\n  AND d"
    SavedQuery.objects.filter(pk=view.pk).update(query=newer, query_hash=text_digest(newer))
    told = blamed(portal, view)
    assert [line["version"] for line in told["lines"]] == [1, 2, 1, 3, None]

    bare = blamed(portal, make_view(connection, "bare"))
    assert bare["lines"][0]["version"] is None and "No version of this text" in bare["caveat"]
    unread = make_view(connection, "unread")
    SavedQuery.objects.filter(pk=unread.pk).update(query=None)
    assert blamed(portal, unread) == {"lines": [], "caveat": ""}
    assert "has-blame" not in page(portal, unread, blame="1")


@pytest.mark.parametrize(("bound", "value"), [("CHARACTERS", 100), ("VERSIONS", 2)])
def test_what_is_too_much_to_look_at_is_said_and_blamed_on_nobody(
    portal: Client, view: SavedQuery, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    if bound == "CHARACTERS":
        value = len(HERE) + len(OUTSIDE)
    monkeypatch.setattr(authorship, bound, value)

    told = blamed(portal, view)

    assert [line["version"] for line in told["lines"]] == [None, None, None, 3]
    assert "v2 or earlier" in told["caveat"]
    assert "v2 or earlier" in page(portal, view, blame="1")


def test_long_texts_are_compared_once_until_a_version_comes(
    portal: Client, view: SavedQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    real = blame.blame
    monkeypatch.setattr(blame, "blame", lambda texts, **how: asked.append(True) or real(texts, **how))
    monkeypatch.setattr(authorship, "CACHED_FROM", 0)

    assert blamed(portal, view) == blamed(portal, view)
    assert len(asked) == 1
    add(view, FIRST, "outside")
    SavedQuery.objects.filter(pk=view.pk).update(query=FIRST, query_hash=text_digest(FIRST))
    assert [line["version"] for line in blamed(portal, view)["lines"]] == [1, 1]
    assert len(asked) == 2


def test_remote_text_in_the_gutter_is_escaped(portal: Client, view: SavedQuery) -> None:
    bad = f"{HERE}\n-- <script>alert(1)</script>"
    add(view, bad, "outside", author_name="<script>alert(2)</script>")
    SavedQuery.objects.filter(pk=view.pk).update(query=bad, query_hash=text_digest(bad))

    assert "<script>alert" not in page(portal, view, blame="1")
