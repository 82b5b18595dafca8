"""Owners and tags: who may set them, what the trail keeps, and what they outlive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.catalog import services, tags
from warehouse_admin.catalog.models import Entry
from warehouse_admin.catalog.selectors import description_of
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def view(connection: Connection) -> SavedQuery:
    return make_view(connection, "orders")


def trail() -> list[tuple[Any, ...]]:
    entries = AuditEntry.objects.filter(action="catalog.described").order_by("sequence")
    return list(entries.values_list("result", "before", "after", "reason"))


def test_an_editor_sets_owner_and_tags_and_the_trail_keeps_before_and_after(
    author: User, reviewer: User, view: SavedQuery
):
    said = services.describe(user=author, subject=view, owner="reviewer", tag_names=["Finance", "#gross margin"])
    assert (said.owner, said.tags) == ("reviewer", ("finance", "gross-margin"))

    services.describe(user=author, subject=view, owner="", tag_names=["finance"], reason="moved teams")

    entry = AuditEntry.objects.filter(action="catalog.described").latest("sequence")
    assert (entry.object_type, entry.object_id, entry.object_name) == ("saved_query", str(view.posthog_id), "orders")
    assert trail() == [
        ("ok", {"owner": "", "tags": []}, {"owner": "reviewer", "tags": ["finance", "gross-margin"]}, ""),
        (
            "ok",
            {"owner": "reviewer", "tags": ["finance", "gross-margin"]},
            {"owner": "", "tags": ["finance"]},
            "moved teams",
        ),
    ]


def test_what_changes_nothing_leaves_no_trace(author: User, view: SavedQuery):
    services.describe(user=author, subject=view, owner="", tag_names=[])
    services.describe(user=author, subject=view, tag_names=["x"])
    services.describe(user=author, subject=view, tag_names=["X", " x "])

    assert len(trail()) == 1


@pytest.mark.parametrize("role", list(Role))
def test_editors_and_those_above_may(person: Callable[..., User], view: SavedQuery, role: Role):
    user = person("somebody", role)
    if role in (Role.VIEWER, Role.AUDITOR):
        with pytest.raises(NotPermitted):
            services.describe(user=user, subject=view, tag_names=["x"])
        assert not Entry.objects.exists()
        return
    assert services.describe(user=user, subject=view, tag_names=["x"]).tags == ("x",)


def test_they_outlive_a_new_name_and_a_deletion_and_belong_to_one_connection(author: User, view: SavedQuery):
    services.describe(user=author, subject=view, owner="author", tag_names=["x"])
    other = Connection.objects.create(slug="two", name="Two", host="http://127.0.0.1:9", project_id="2")
    same_id = make_view(other, "orders")
    SavedQuery.objects.filter(pk=same_id.pk).update(posthog_id=view.posthog_id)
    SavedQuery.objects.filter(pk=view.pk).update(name="renamed", deleted_at=view.synced_at)

    assert description_of(SavedQuery.objects.get(pk=view.pk)).tags == ("x",)
    assert description_of(SavedQuery.objects.get(pk=same_id.pk)).tags == ()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a\u200bb"], "a character that nobody sees"),
        (["x" * 41], "longer than 40 characters"),
        (["a:b"], "use letters, digits and"),
        (["none"], "finds what has no tag"),
        (["#"], "nothing is in it"),
        ([f"t{number}" for number in range(11)], "At most 10 tags"),
        (["a\x00"], "a character that nobody sees"),
    ],
)
def test_a_tag_that_nobody_could_search_by_is_refused(names: list[str], told: str):
    with pytest.raises(InvalidInput) as refusal:
        tags.clean(names)

    assert told in refusal.value.errors["tags"][0]


def test_only_somebody_active_can_answer_for_a_view(author: User, reviewer: User, view: SavedQuery):
    User.objects.filter(pk=reviewer.pk).update(is_active=False)

    for name in ("reviewer", "nobody", "a\x00"):
        with pytest.raises(InvalidInput, match="Nobody active here"):
            services.describe(user=author, subject=view, owner=name)
    assert not Entry.objects.exists()


def test_the_page_shows_and_saves_them_without_a_script(
    author: User, view: SavedQuery, client_of: Callable[[User], Client]
):
    client = client_of(author)
    where = f"/saved-queries/{view.posthog_id}/catalog/"

    sent = {"catalog-owner": "author", "catalog-tags": "finance, Daily", "catalog-reason": "mine"}
    answer = client.post(where, sent, follow=True)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "q=tag%3Afinance" in page and "q=tag%3Adaily" in page
    assert AuditEntry.objects.get(action="catalog.described").reason == "mine"


def test_what_cannot_be_saved_comes_back_as_it_was_typed(
    author: User, view: SavedQuery, client_of: Callable[[User], Client]
):
    client = client_of(author)
    where = f"/saved-queries/{view.posthog_id}/catalog/"
    sent = {"catalog-owner": "", "catalog-tags": "fine, not:fine"}

    for headers in ({}, {"HX-Request": "true"}):
        answer = client.post(where, sent, headers=headers)
        assert answer.status_code == 422
        assert "“not:fine” cannot be a tag" in answer.content.decode()
        assert 'value="fine, not:fine"' in answer.content.decode()
    assert not Entry.objects.exists()


def test_a_viewer_reads_and_is_refused(viewer: User, view: SavedQuery, client_of: Callable[[User], Client]):
    client = client_of(viewer)

    page = client.get(f"/saved-queries/{view.posthog_id}/").content.decode()
    answer = client.post(f"/saved-queries/{view.posthog_id}/catalog/", {"catalog-tags": "x"})

    assert "set owners and tags" in page and "catalog-tags" not in page
    assert answer.status_code == 403
    assert AuditEntry.objects.get(action="catalog.described").result == "denied"


def test_a_former_owner_stays_when_only_tags_are_saved(
    author: User, reviewer: User, view: SavedQuery, client_of: Callable[[User], Client]
):
    services.describe(user=author, subject=view, owner="reviewer")
    User.objects.filter(pk=reviewer.pk).update(is_active=False)

    client_of(author).post(
        f"/saved-queries/{view.posthog_id}/catalog/", {"catalog-owner": "reviewer", "catalog-tags": "x"}
    )

    assert description_of(view).owner == "reviewer"
    assert description_of(view).tags == ("x",)


def test_a_table_is_described_as_a_view_is(author: User, connection: Connection, client_of: Callable[[User], Client]):
    table = WarehouseTable.objects.create(
        connection=connection, posthog_id="0190a1b2-0000-7000-8000-000000000001", name="raw"
    )
    client = client_of(author)

    client.post(f"/tables/{table.posthog_id}/catalog/", {"catalog-owner": "author", "catalog-tags": "raw"})

    assert "author" in client.get(f"/tables/{table.posthog_id}/").content.decode()
    assert client.get("/api/v1/tables/").json()["results"][0]["tags"] == ["raw"]
    assert AuditEntry.objects.get(action="catalog.described").object_type == "table"


def test_views_are_found_by_owner_and_tag(
    author: User, reviewer: User, connection: Connection, client_of: Callable[[User], Client]
):
    mine, theirs, nobodys = (make_view(connection, name) for name in ("mine", "theirs", "nobodys"))
    services.describe(user=author, subject=mine, owner="author", tag_names=["daily", "finance"])
    services.describe(user=author, subject=theirs, owner="reviewer", tag_names=["finance"])
    client = client_of(author)

    def found(typed: str) -> list[str]:
        return [row.view.name for row in client.get("/saved-queries/", {"q": typed}).context["rows"]]

    assert found("owner:me") == ["mine"]
    assert found("owner:REVIEWER") == ["theirs"]
    assert found("owner:none") == ["nobodys"]
    assert found("owner:me owner:none") == ["mine", "nobodys"]
    assert found("tag:Finance") == ["mine", "theirs"]
    assert found("tag:finance tag:daily") == ["mine"]
    assert found("tag:finance -tag:daily") == ["theirs"]
    assert found("-tag:none") == ["mine", "theirs"]

    def offered(typed: str) -> list[str]:
        answer = client.get("/saved-queries/suggestions/", {"typed": typed})
        return [one.label for one in answer.context["suggestions"]]

    assert offered("tag:fi") == ["finance"]
    assert offered("owner:m") == ["me"]
    assert offered("owner:rev") == ["reviewer"]


class TestRest:
    def test_a_view_tells_and_takes_owner_and_tags(
        self, author: User, view: SavedQuery, client_of: Callable[[User], Client]
    ):
        client = client_of(author)
        where = f"/api/v1/saved-queries/{view.posthog_id}/"
        assert (client.get(where).json()["owner"], client.get(where).json()["tags"]) == (None, [])

        body = {"owner": "author", "tags": ["Finance"], "reason": "mine"}
        answer = client.patch(where, body, content_type="application/json")

        assert answer.status_code == 200
        assert (answer.json()["owner"], answer.json()["tags"]) == ("author", ["finance"])
        listed = client.get("/api/v1/saved-queries/").json()["results"][0]
        assert (listed["owner"], listed["tags"]) == ("author", ["finance"])
        assert trail()[-1][3] == "mine"

        client.patch(where, {"owner": None}, content_type="application/json")
        assert (client.get(where).json()["owner"], client.get(where).json()["tags"]) == (None, ["finance"])

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body"),
            ({"query": "SELECT 1"}, "query"),
            ({"owner": "nobody"}, "owner"),
            ({"tags": ["a:b"]}, "tags"),
            ({"tags": "a"}, "tags"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, author: User, view: SavedQuery, client_of: Callable[[User], Client], body: dict[str, Any], field: str
    ):
        answer = client_of(author).patch(
            f"/api/v1/saved-queries/{view.posthog_id}/", body, content_type="application/json"
        )

        assert answer.status_code == 400
        assert field in answer.json()["errors"]
        assert not Entry.objects.exists()

    def test_a_viewer_is_refused_and_recorded(
        self, viewer: User, view: SavedQuery, client_of: Callable[[User], Client]
    ):
        answer = client_of(viewer).patch(
            f"/api/v1/saved-queries/{view.posthog_id}/", {"tags": ["x"]}, content_type="application/json"
        )

        assert answer.status_code == 403
        assert AuditEntry.objects.get(action="catalog.described").result == "denied"


def test_the_groups_hold_the_permission(db: None):
    holders = Group.objects.filter(permissions__codename="describe_entry").values_list("name", flat=True)
    assert sorted(holders) == ["Administrator", "Editor", "Operator", "Reviewer"]
