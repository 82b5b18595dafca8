"""A view that would select from itself is refused before anybody reviews it, as far as the mirror can be sure."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.pages import words
from tests.syncing import sync
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import services as lineage
from warehouse_admin.lineage.parser import LARGEST_BYTES
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State


@pytest.fixture
def chain(sandbox, connection):
    """Mirrored views: `circle_c` selects from `circle_b`, and that from `circle_a`."""
    sandbox.world.create_outside("circle_a", "SELECT 1 AS one")
    sandbox.world.create_outside("circle_b", "SELECT * FROM circle_a")
    sandbox.world.create_outside("circle_c", "SELECT * FROM circle_b")
    mirror(connection)


@pytest.fixture
def edit(author):
    """Propose other SQL for a view."""

    def propose(name: str, query: str) -> ChangeRequest:
        view = SavedQuery.objects.present().get(name=name)
        return services.create(author=author, saved_query=view, query=query, reason="x", submit=True)

    return propose


def mirror(connection) -> None:
    sync(connection)
    lineage.refresh(connection)


def refusal(call, *args) -> str:
    with pytest.raises(InvalidInput) as refused:
        call(*args)
    assert not ChangeRequest.objects.exists()
    return " ".join(refused.value.errors["query"])


def test_a_new_view_that_selects_from_itself_is_refused_with_its_name(connection, client_of, author):
    sent = {"connection": connection.slug, "name": "circle_new", "reason": "x", "do": "propose"}

    answer = client_of(author).post(
        reverse("changes:new-view"), {**sent, "query": "SELECT * FROM events JOIN circle_new AS n ON true"}
    )

    assert answer.status_code == 422
    assert "circle_new reads itself, which PostHog refuses" in words(answer)
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize("sql", ["SELECT 1 WHERE 1 IN (SELECT one FROM circle_a)", "SELECT * FROM `circle_a`"])
def test_an_edit_that_selects_from_its_own_view_is_refused(sql, chain, edit):
    assert "circle_a reads itself" in refusal(edit, "circle_a", sql)


def test_a_way_back_through_mirrored_views_is_refused_and_shown(chain, edit):
    told = refusal(edit, "circle_a", "SELECT * FROM events JOIN circle_c ON true")

    assert "circle_a reads circle_c, circle_c reads circle_b, circle_b reads circle_a" in told


def test_a_new_view_that_views_without_it_wait_for_may_not_select_from_them(sandbox, connection, author):
    """PostHog keeps views whose source is gone."""
    sandbox.world.create_outside("circle_new", "SELECT 1 AS one")
    sandbox.world.create_outside("circle_b", "SELECT * FROM circle_new")
    sandbox.world.set_generation("B")
    sandbox.world.delete_outside("circle_new")
    mirror(connection)

    def create() -> ChangeRequest:
        given = {"name": "circle_new", "query": "SELECT * FROM circle_b", "reason": "x", "submit": True}
        return services.create(author=author, action="create_view", connection=connection, **given)

    assert "circle_new reads circle_b, circle_b reads circle_new" in refusal(create)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH circle_a AS (SELECT 1 AS one) SELECT * FROM circle_a",
        "SELECT 'FROM circle_a' AS one -- FROM circle_a",
        "SELECT * FROM Circle_A",
    ],
)
def test_what_only_looks_like_it_is_proposed(sql, chain, edit):
    assert edit("circle_a", sql).state == State.IN_REVIEW


def test_the_other_end_of_a_chain_may_be_selected_from(chain, edit):
    assert edit("circle_c", "SELECT * FROM circle_a JOIN circle_b ON true").state == State.IN_REVIEW


def test_what_a_view_read_before_its_newest_text_is_not_held_against_it(sandbox, connection, chain, edit):
    sandbox.world.edit_outside("circle_b", "SELECT 2 AS two")
    sync(connection)  # and its new text is not parsed yet

    assert edit("circle_a", "SELECT * FROM circle_c").state == State.IN_REVIEW


def test_a_text_that_cannot_be_parsed_here_is_left_to_posthog(chain, edit):
    padding = "a" * LARGEST_BYTES

    assert edit("circle_a", f"SELECT '{padding}' FROM circle_a").state == State.IN_REVIEW
