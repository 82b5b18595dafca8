"""Putting back what an applied change did, action by action, and saying what cannot come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.changes.conftest import NEW_SQL, trail
from tests.syncing import sync
from warehouse_admin.accounts.models import User
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.shown import cautions
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State
LEAF = "mart_refunds_disputes"
Approved = Callable[..., ChangeRequest]


def cautions_of(change: ChangeRequest) -> list[str]:
    return cautions(change, change.revisions.latest("number"))


@pytest.fixture
def undone(author: User, reviewer: User, committed: Callable) -> Approved:
    """Roll a change back, all the way."""

    def make(change: ChangeRequest) -> ChangeRequest:
        back = services.rollback(change, author, "it broke the dashboard")
        assert (back.state, back.rolls_back_id) == (State.IN_REVIEW, change.pk)
        with committed():
            services.approve(back, reviewer)
        back.refresh_from_db()
        assert (back.state, back.problem) == (State.APPLIED, "")
        return back

    return make


@pytest.fixture
def leaf(generation: Callable) -> SavedQuery:
    generation("D")
    return SavedQuery.objects.present().get(name=LEAF)


def test_a_rename_is_renamed_back(leaf, carried_out, undone, sandbox):
    undone(carried_out("rename", saved_query=leaf, name="elsewhere"))

    assert sandbox.world.view(LEAF).id == str(leaf.posthog_id)
    assert trail("saved_query.rename").count(("saved_query.rename", "ok")) == 2


def test_a_cadence_is_put_back(generation, carried_out, undone, sandbox):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="24hour").first()

    undone(carried_out("set_cadence", saved_query=view, sync_frequency="never"))

    assert sandbox.world.view(view.name).sync_frequency == "24hour"


def test_a_created_view_is_deleted(generation, carried_out, undone):
    connection = generation("D")

    back = undone(carried_out("create_view", connection=connection, name="kpi_new", query="SELECT 1 AS one"))

    assert back.action == "delete"
    assert not SavedQuery.objects.present().filter(name="kpi_new").exists()


def test_a_deleted_view_comes_back_as_a_new_one_and_that_is_said(leaf, carried_out, undone, sandbox):
    text = leaf.query
    gone = carried_out("delete", saved_query=leaf)
    assert "new view" in services.inverse(gone).lost[0]

    back = undone(gone)

    assert back.action == "create_view"
    assert sandbox.world.view(LEAF).query["query"] == text
    assert back.saved_query.posthog_id != leaf.posthog_id
    assert back.saved_query.recreates_id == leaf.pk, "the two are linked"


def test_a_materialization_is_taken_back_and_given_again_with_its_cadence(generation, carried_out, undone, sandbox):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="6hour").first()

    undone(carried_out("unmaterialize", saved_query=view))

    remote = sandbox.world.view(view.name)
    assert (remote.is_materialized, remote.sync_frequency) == (True, "6hour")


def test_older_servers_begin_again_with_a_day_and_that_is_said(generation, carried_out, sandbox):
    generation("C")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="6hour").first()

    told = services.inverse(carried_out("unmaterialize", saved_query=view))

    assert told.values == {"sync_frequency": "24hour"}
    assert any("every 6 h" in line for line in told.lost)


def test_a_rollback_proposes_the_text_from_before_and_links_both_ways(
    applied, sandbox, remote, author, reviewer, committed
):
    former = applied.mutation.before["query"]

    undone = services.rollback(applied, author, "it broke the dashboard")

    assert undone.state == State.IN_REVIEW
    assert undone.revisions.get().proposal["query"] == former
    assert (undone.rolls_back, list(applied.rollbacks.all())) == (applied, [undone])
    assert trail("change.")[-1] == ("change.rolled_back", "ok")
    with committed():
        services.approve(undone, reviewer)
    assert remote.sql == former


def test_a_double_click_makes_one_rollback_and_a_closed_one_makes_room(applied, author):
    first = services.rollback(applied, author, "it broke the dashboard")
    told = trail("change.")

    assert services.rollback(applied, author, "it broke the dashboard") == first
    assert trail("change.") == told
    services.withdraw(first, author)
    assert services.rollback(applied, author, "it broke once more") != first
    assert applied.rollbacks.count() == 2


def test_a_rollback_says_when_posthog_has_moved_since(applied, sandbox, remote, author):
    sandbox.world.edit_outside(remote.name, "SELECT 8 AS later_work")

    undone = services.rollback(applied, author, "it broke the dashboard")

    undone.refresh_from_db()
    assert undone.state == State.NEEDS_REBASE, "what others did since is not undone unseen"
    assert "remote_moved" in undone.events.values_list("kind", flat=True)
    assert undone.remote["query"] == "SELECT 8 AS later_work"
    assert undone.revisions.last().base["query"] == NEW_SQL, "so that the conflict shows what they did to ours"
    assert ("change.needs_rebase", "failed") in trail("change.")


def test_there_is_nothing_to_roll_back_twice(applied, sandbox, remote, author):
    sandbox.world.edit_outside(remote.name, applied.mutation.before["query"])

    with pytest.raises(InvalidInput, match="holds already"):
        services.rollback(applied, author, "it broke the dashboard")


def test_a_rollback_of_a_creation_says_whose_later_work_goes_with_it(
    generation, carried_out, sandbox, author, client_of
):
    connection = generation("C")
    made = carried_out("create_view", connection=connection, name="fresh_view", query="SELECT 1 AS one FROM events")
    assert cautions_of(services.rollback(made, author, "not needed")) == []
    sandbox.world.edit_outside("fresh_view", "SELECT 2 AS two FROM events", by="ben")
    sync(connection)
    services.withdraw(made.rollbacks.get(), author)

    back = services.rollback(made, author, "not needed after all")

    (caution,) = cautions_of(back)
    assert caution.startswith(f"It takes back more than #{made.pk} did. PostHog holds another text by now.")
    assert "ben@harborgoods.example changed it in PostHog" in caution
    page = client_of(author).get(f"/changes/{back.pk}/").content.decode()
    assert f"/changes/{back.pk}/cautions/" in page
    shown = client_of(author).get(f"/changes/{back.pk}/cautions/").content.decode()
    assert "It takes back more than" in shown


def test_a_rollback_of_a_rename_says_that_it_was_renamed_again(leaf, carried_out, sandbox, author):
    renamed = carried_out("rename", saved_query=leaf, name="elsewhere")
    sandbox.world.rename_outside("elsewhere", "somewhere")

    (caution,) = cautions_of(services.rollback(renamed, author, "it broke"))

    assert "PostHog calls it somewhere by now, no longer elsewhere." in caution
