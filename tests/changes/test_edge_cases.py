"""What happens around a change while it is reviewed: views that go, servers that change, people who are quick."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.changes import readiness, services
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_a_cycle_that_the_mirror_does_not_know_is_refused_by_posthog_and_its_words_are_shown(
    generation, sandbox, proposed, approve, remote
):
    sandbox.world.set_generation(generation)
    former = remote.sql
    change = proposed("SELECT * FROM made_meanwhile")
    sandbox.world.create_outside("made_meanwhile", f"SELECT * FROM {remote.name}")

    change = approve(change)

    assert change.state == State.FAILED
    assert "cycle" in change.problem
    assert remote.sql == former
    assert ("change.failed", "failed") in trail("change.")


def test_a_view_that_came_to_be_managed_during_review_is_left_alone(sandbox, proposed, approve, remote):
    change = proposed()
    remote.managed_viewset_kind = "revenue_analytics"
    former = remote.sql

    change = approve(change)

    assert change.state in (State.FAILED, State.NEEDS_REBASE)
    assert "managed" in change.problem
    assert remote.sql == former


def test_a_view_deleted_during_review_is_said_and_nothing_is_sent(sandbox, proposed, approve, remote):
    change = proposed()
    sandbox.world.delete_outside(remote.name)

    change = approve(change)

    assert change.state == State.NEEDS_REBASE
    assert "no longer exists" in change.problem
    assert sandbox.world.writes(remote.id) == 0


def test_a_draft_of_a_view_that_is_gone_is_not_submitted(proposed, author):
    change = proposed(submit=False)
    SavedQuery.objects.update(deleted_at=timezone.now())

    with pytest.raises(UserError, match="was deleted") as refused:
        services.submit(change, author)

    assert refused.value.blockers
    change.refresh_from_db()
    assert change.state == State.DRAFT


def test_an_edit_that_posthog_holds_by_the_time_it_is_approved_is_superseded(sandbox, proposed, approve, remote):
    change = proposed()
    sandbox.world.edit_outside(remote.name, NEW_SQL)

    assert approve(change).state == State.SUPERSEDED
    assert sandbox.world.writes(remote.id) == 0


@pytest.mark.parametrize(("before", "after"), [("A", "B"), ("B", "C"), ("C", "D"), ("B", "D")])
def test_a_server_upgraded_between_proposal_and_apply_takes_it_all_the_same(
    before, after, sandbox, proposed, approve, remote
):
    sandbox.world.set_generation(before)
    change = proposed()
    sandbox.world.set_generation(after)

    change = approve(change)

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert remote.sql == NEW_SQL


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_a_cadence_that_the_server_does_not_know_any_more_fails_unsent(
    generation, sandbox, connection, author, approve, remote
):
    sandbox.world.materialize_outside(remote.name)
    sync(connection)
    given = {"author": author, "saved_query": SavedQuery.objects.get(name=remote.name), "reason": "x", "submit": True}
    change = services.create(action="set_cadence", sync_frequency="15min", **given)
    sandbox.world.set_generation(generation)

    change = approve(change)

    assert change.state == State.FAILED
    assert "does not know the cadence 15min" in change.problem
    assert (sandbox.world.writes(remote.id), remote.sync_frequency) == (0, "24hour")
    assert ("change.failed", "failed") in trail("change.")
    sync(connection)  # which learns of the other generation
    again = services.revise(change, author, revision=1, sync_frequency="30min")
    assert again.state == State.IN_REVIEW
    assert (approve(again).state, remote.sync_frequency) == (State.APPLIED, "30min")


def test_a_server_that_stopped_offering_an_action_to_keys_is_said_and_remembered(
    generation, sandbox, author, approve, connection
):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=False, managed_viewset_kind="").first()
    change = services.create(author=author, action="materialize", saved_query=view, reason="x", submit=True)
    sandbox.world.set_generation("B")

    change = approve(change)

    assert change.state == State.FAILED
    assert "no API key" in change.problem
    connection.refresh_from_db()
    assert accounts.capability(connection, "materialize").state == "no"


def test_an_approval_of_a_revision_that_was_replaced_meanwhile_decides_nothing(proposed, author, reviewer):
    change = proposed()
    shown = change.revisions.get()
    services.revise(change, author, "SELECT 2 AS two", 1)

    with pytest.raises(StaleRevision, match="r2"):
        services.approve(change, reviewer, revision=shown.number, digest=shown.digest)

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert not change.votes.exists()


def test_a_change_that_is_being_applied_is_neither_withdrawn_nor_edited(proposed, author, reviewer, sandbox, remote):
    change = services.approve(proposed(), reviewer)
    assert change.state == State.APPLYING

    with pytest.raises(StateForbids, match="being applied"):
        services.withdraw(change, author)
    with pytest.raises(StateForbids, match="being applied"):
        services.revise(change, author, "SELECT 3 AS three", 1)

    services.advance(change.pk)
    assert remote.sql == NEW_SQL


@pytest.mark.parametrize("query", ["", "   ", "-- only a comment", "SELECT 1\0", "SELECT {filters}"])
def test_a_text_that_no_view_can_have_is_refused_when_it_is_proposed(query, proposed):
    with pytest.raises(InvalidInput) as refused:
        proposed(query)
    assert refused.value.errors["query"]


def test_a_comment_with_a_quote_in_it_changes_nothing_that_counts(proposed, author, reviewer, connection):
    connection.apply_policy = "manual"
    connection.save()
    change = services.approve(proposed(), reviewer)

    change = services.revise(change, author, f"{NEW_SQL} -- that's all", 1)

    assert change.state == State.APPROVED
    assert change.revisions.count() == 2


def test_a_missing_key_of_ones_own_is_said_before_anybody_reviews(proposed, author, connection):
    connection.key_policy = "author_required"
    connection.save()

    with pytest.raises(UserError, match="stored none") as refused:
        proposed()

    assert refused.value.blockers[0]["who"].startswith(author.display_name)
    draft = proposed(submit=False)
    with pytest.raises(UserError, match="stored none"):
        services.submit(draft, author)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


def test_a_key_that_goes_missing_after_the_approval_holds_it_up_and_says_whose(
    proposed, author, reviewer, operator, connection, sandbox, remote
):
    change = proposed()
    connection.key_policy = "author_required"
    connection.save()
    services.approve(change, reviewer)

    with pytest.raises(StateForbids, match="stored none"):
        services.apply(change, operator)

    change.refresh_from_db()
    assert change.state == State.APPROVED
    assert any("stored none" in blocker["text"] for blocker in readiness.blockers(change, author))
    assert sandbox.world.writes(remote.id) == 0
