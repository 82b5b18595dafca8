"""Owners and tags of many views: from both lists, all or nothing, each on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.catalog import bulk, services
from warehouse_admin.catalog.bulk import Wanted
from warehouse_admin.catalog.models import Entry, Tag
from warehouse_admin.catalog.selectors import description_of
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
WHERE = "/catalog/"


@pytest.fixture
def views(db: None) -> dict[str, SavedQuery]:
    one = Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")
    return {name: make_view(one, name, is_materialized=True) for name in ("alpha", "beta", "gamma")}


def trail() -> list[tuple[Any, ...]]:
    entries = AuditEntry.objects.filter(action="catalog.described", result="ok").order_by("sequence")
    return list(entries.values_list("object_name", "before", "after", "reason"))


def said(view: SavedQuery) -> tuple[str, tuple[str, ...]]:
    found = description_of(view)
    return found.owner, found.tags


def ids(views: dict[str, SavedQuery]) -> list[str]:
    return [str(view.posthog_id) for view in views.values()]


def test_what_was_ticked_gets_an_owner_and_tags_and_only_what_changed_is_on_record(
    views: dict[str, SavedQuery], author: User, reviewer: User, client_of: ClientOf
) -> None:
    services.describe(user=author, subject=views["beta"], owner="reviewer", tag_names=["finance", "old"])
    services.describe(user=author, subject=views["gamma"], owner="reviewer", tag_names=["finance"])
    before = len(trail())
    client = client_of(author)

    page = client.post(WHERE, {"list": "views", "saved_queries": ids(views)})
    text = page.content.decode()
    assert "Owner and tags of 3 views" in text and "alpha" in text and "nobody yet" in text
    sent = {"confirmed": "1", "scope": page.context["scope"], "list": "views", "filter": "q=a"}
    answer = client.post(
        WHERE, {**sent, "owner": "reviewer", "added": "Finance", "removed": "old", "reason": "one team now"}
    )

    assert (answer.status_code, answer.url) == (302, "/saved-queries/?q=a")
    assert [said(view) for view in views.values()] == [("reviewer", ("finance",))] * 3
    assert trail()[before:] == [
        ("alpha", {"owner": "", "tags": []}, {"owner": "reviewer", "tags": ["finance"]}, "one team now"),
        ("beta", {"tags": ["finance", "old"]}, {"tags": ["finance"]}, "one team now"),
    ]
    requests = AuditEntry.objects.filter(reason="one team now").values_list("request_id", flat=True)
    assert len(set(requests)) == 1 and "" not in requests
    told = client.get(answer.url).content.decode()
    assert "Owners and tags of 2 views are saved. 1 had it already." in told


def test_all_that_match_are_taken_from_either_list(
    views: dict[str, SavedQuery], author: User, client_of: ClientOf
) -> None:
    client = client_of(author)
    services.describe(user=author, subject=views["beta"], owner="author")

    for sent, expected in (
        ({"list": "views", "filter": "q=owner:me"}, ["beta"]),
        ({"list": "views", "filter": "kind=materialized&q=-owner:me"}, ["alpha", "gamma"]),
        ({"list": "schedules", "filter": "owner=none"}, ["alpha", "gamma"]),
        ({"list": "schedules", "filter": "owner=author"}, ["beta"]),
    ):
        page = client.post(WHERE, {**sent, "all_matching": "1"})
        assert [view.name for view in page.context["views"]] == expected


def test_the_lists_offer_it_to_whoever_may_and_to_nobody_else(
    views: dict[str, SavedQuery], author: User, viewer: User, client_of: ClientOf
) -> None:
    for where in ("/saved-queries/", "/schedules/"):
        assert f'formaction="{WHERE}"' in client_of(author).get(where).content.decode()
        assert f'formaction="{WHERE}"' not in client_of(viewer).get(where).content.decode()
    assert "data-bulk-item" not in client_of(viewer).get("/saved-queries/").content.decode()

    refused = client_of(viewer).post(WHERE, {"saved_queries": ids(views)})
    assert refused.status_code == 403
    with pytest.raises(NotPermitted):
        bulk.describe_many(user=viewer, views=list(views.values()), wanted=Wanted(owner="viewer"))
    assert AuditEntry.objects.filter(action="catalog.described", result="denied").count() == 1
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"owner": "="}, "Choose an owner, or tags to add or to take away."),
        ({"owner": "=", "added": "a, b", "removed": "B"}, "To add and to take away: b."),
        ({"owner": "=", "added": "fine, not:fine"}, "“not:fine” cannot be a tag"),
        ({"owner": "=", "added": "n1,n2"}, "At most 10 tags for one view; beta would have more."),
        ({"owner": "ghost"}, "Select a valid choice"),
    ],
)
def test_of_what_cannot_be_nothing_is_saved_and_what_was_typed_comes_back(
    views: dict[str, SavedQuery], author: User, client_of: ClientOf, given: dict[str, str], told: str
) -> None:
    services.describe(user=author, subject=views["beta"], tag_names=[f"t{number}" for number in range(9)])
    entries = len(trail())

    answer = client_of(author).post(WHERE, {"confirmed": "1", "scope": ",".join(ids(views)), **given})

    text = answer.content.decode()
    assert answer.status_code == 422 and told in text
    assert all(f'value="{value}"' in text for name, value in given.items() if name in ("added", "removed"))
    assert said(views["alpha"]) == ("", ()) and len(said(views["beta"])[1]) == 9
    assert len(trail()) == entries
    assert not Tag.objects.filter(name__in=["a", "b", "n1"]).exists()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, "Choose at least one view."),
        ({"saved_queries": ["nonsense"]}, "Choose from the list again."),
        ({"saved_queries": ["5f0c4a3e-0000-4000-8000-000000000000"]}, "in the mirror no more"),
        ({"list": "strange", "all_matching": "1"}, "Choose at least one view."),
    ],
)
def test_a_selection_that_is_none_is_told(
    views: dict[str, SavedQuery], author: User, client_of: ClientOf, sent: dict[str, Any], told: str
) -> None:
    answer = client_of(author).post(WHERE, sent, follow=True)

    assert answer.redirect_chain[0][0].startswith("/saved-queries/") and told in answer.content.decode()
    assert not Entry.objects.exists() and trail() == []
    assert client_of(author).get(WHERE).status_code == 302


def test_a_search_that_cannot_be_used_takes_nothing(
    views: dict[str, SavedQuery], author: User, client_of: ClientOf
) -> None:
    sent = {"list": "views", "filter": "q=tag:never_used", "all_matching": "1"}

    page = client_of(author).post(WHERE, sent, follow=True).content.decode()

    assert "The search cannot be used as it is, so nothing was taken" in page
    assert "Owner and tags of" not in page


def test_too_many_at_once_are_refused_with_what_to_do(
    views: dict[str, SavedQuery], author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    with pytest.raises(InvalidInput, match="These are 3 views, and at most 2 are taken at once. Narrow the list."):
        bulk.chosen(ids(views))


def test_the_page_costs_the_same_however_many_are_chosen(
    views: dict[str, SavedQuery], author: User, client_of: ClientOf
) -> None:
    client = client_of(author)
    for view in views.values():
        services.describe(user=author, subject=view, owner="author", tag_names=["a"])

    def cost(chosen: list[str]) -> int:
        with CaptureQueriesContext(database) as queries:
            client.post(WHERE, {"list": "views", "saved_queries": chosen})
        return len(queries)

    cost(ids(views))
    assert cost(ids(views)[:1]) == cost(ids(views)) <= 12
