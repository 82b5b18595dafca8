"""Putting back what an applied change did, action by action, and saying what cannot come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.changes.conftest import trail
from warehouse_admin.accounts.models import User
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State
LEAF = "mart_refunds_disputes"
Approved = Callable[..., ChangeRequest]


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
def view(generation: Callable) -> SavedQuery:
    generation("D")
    return SavedQuery.objects.present().get(name=LEAF)


def test_a_rename_is_renamed_back(view, approved, undone, sandbox):
    undone(approved("rename", saved_query=view, name="elsewhere"))

    assert sandbox.world.view(LEAF).id == str(view.posthog_id)
    assert trail("saved_query.rename").count(("saved_query.rename", "ok")) == 2


def test_a_cadence_is_put_back(generation, approved, undone, sandbox):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="24hour").first()

    undone(approved("set_cadence", saved_query=view, sync_frequency="never"))

    assert sandbox.world.view(view.name).sync_frequency == "24hour"


def test_a_created_view_is_deleted(generation, approved, undone):
    connection = generation("D")

    back = undone(approved("create_view", connection=connection, name="kpi_new", query="SELECT 1 AS one"))

    assert back.action == "delete"
    assert not SavedQuery.objects.present().filter(name="kpi_new").exists()


def test_a_deleted_view_comes_back_as_a_new_one_and_that_is_said(view, approved, undone, sandbox):
    text = view.query
    gone = approved("delete", saved_query=view)
    assert "new view" in services.inverse(gone).lost[0]

    back = undone(gone)

    assert back.action == "create_view"
    assert sandbox.world.view(LEAF).query["query"] == text
    assert back.saved_query.posthog_id != view.posthog_id
    assert back.saved_query.recreates_id == view.pk, "the two are linked"


def test_a_materialization_is_taken_back_and_given_again_with_its_cadence(generation, approved, undone, sandbox):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="6hour").first()

    undone(approved("unmaterialize", saved_query=view))

    remote = sandbox.world.view(view.name)
    assert (remote.is_materialized, remote.sync_frequency) == (True, "6hour")


def test_older_servers_begin_again_with_a_day_and_that_is_said(generation, approved, sandbox):
    generation("C")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="6hour").first()

    told = services.inverse(approved("unmaterialize", saved_query=view))

    assert told.values == {"sync_frequency": "24hour"}
    assert any("every 6 h" in line for line in told.lost)
