"""Deciding: four eyes, votes for what was shown, and the states each decision may be made in."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.accounts.roles import Role, give_role, take_role
from warehouse_admin.changes import services
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Item, Revision, Vote
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, NotPermitted

State = ChangeRequest.State


@pytest.fixture(autouse=True)
def by_hand(connection):
    """An approval does not apply by itself here."""
    connection.apply_policy = "manual"
    connection.save()


def test_an_approval_by_somebody_else_approves_it(proposed, reviewer):
    change = services.approve(proposed(), reviewer, "looks right")

    assert change.state == State.APPROVED
    vote = Vote.objects.get()
    assert (vote.voter, vote.verdict, vote.comment) == (reviewer, "approve", "looks right")
    assert vote.digest == Revision.objects.get().digest
    assert trail("change.")[-1] == ("change.approved", "ok")


def test_nobody_approves_their_own_change_whatever_their_role(proposed, author):
    for role in Role:
        give_role(author, role)
    author.is_superuser = True
    author.save()

    for decide in (services.approve, services.request_changes, services.reject):
        with pytest.raises(NotPermitted, match="own change"):
            decide(proposed(), author, "mine is fine")
    assert not Vote.objects.exists()


def test_the_database_refuses_a_vote_on_ones_own_change(proposed, author):
    change = proposed()
    revision = change.revisions.get()
    columns = "change_id, revision_id, voter_id, verdict, digest, comment, at, voided_because"
    with pytest.raises(DatabaseError, match="own change"), transaction.atomic(), database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO changes_vote ({columns}) VALUES (%s, %s, %s, 'approve', 'x', '', %s, '')",
            [change.pk, revision.pk, author.pk, timezone.now()],
        )


def test_the_database_refuses_to_pass_a_vote_on_to_the_author(proposed, author, reviewer):
    change = services.approve(proposed(), reviewer)

    with pytest.raises(DatabaseError, match="own change"), transaction.atomic():
        Vote.objects.filter(change=change).update(voter=author)


def test_the_database_refuses_to_change_a_revision(proposed):
    change = proposed()

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Revision.objects.filter(change=change).update(digest="666")


def test_an_editor_of_the_revision_cannot_vote_on_it(proposed, reviewer):
    change = proposed()
    second = Revision.objects.create(change=change, number=2, editor=reviewer, digest="x")
    Item.objects.create(revision=second, action=change.action, object_name="x")
    ChangeRequest.objects.filter(pk=change.pk).update(revision_number=2)

    with pytest.raises(NotPermitted, match="wrote this revision"):
        services.approve(change, reviewer)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_a_token_never_decides(role, proposed, person):
    change, somebody = proposed(), person("other", role)
    with context.use(context.RequestContext(token_name="ci")):
        for decide in (services.approve, services.request_changes, services.reject):
            with pytest.raises(NotPermitted, match="token"):
                decide(change, somebody, "beep")
    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert not Vote.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.OPERATOR, Role.AUDITOR, Role.ADMIN])
def test_only_reviewers_vote(role, proposed, person):
    with pytest.raises(NotPermitted):
        services.approve(proposed(), person("other", role))


def test_an_inactive_reviewer_does_not_vote(proposed, reviewer):
    reviewer.is_active = False
    reviewer.save()

    with pytest.raises(NotPermitted):
        services.approve(proposed(), reviewer)


def test_a_vote_is_for_what_was_shown(proposed, author, reviewer):
    change = proposed()
    shown = change.revisions.get()
    services.revise(change, author, "SELECT 2 AS two", 1)

    for seen in ({"revision": shown.number}, {"digest": shown.digest}):
        with pytest.raises(StaleRevision, match="r2"):
            services.approve(change, reviewer, **seen)
    assert not Vote.objects.exists()


def test_asking_for_changes_needs_a_comment_and_holds_an_approval_up(proposed, reviewer, person, author):
    other = person("other", Role.REVIEWER)
    change = proposed()
    with pytest.raises(InvalidInput):
        services.request_changes(change, reviewer, " ")

    change = services.request_changes(change, reviewer, "name the columns")
    assert change.state == State.CHANGES_REQUESTED
    assert services.approve(change, other).state == State.CHANGES_REQUESTED

    assert services.approve(change, reviewer, "fine after all").state == State.APPROVED
    assert Vote.objects.filter(voter=reviewer, voided_at=None).get().verdict == "approve"


def test_an_edit_answers_a_request_for_changes(proposed, reviewer, author):
    change = services.request_changes(proposed(), reviewer, "name the columns")

    assert services.revise(change, author, "SELECT 2 AS two", 1).state == State.IN_REVIEW


def test_reject_and_withdraw_close_it(proposed, reviewer, author, admin):
    rejected = services.reject(proposed(), reviewer, "no")
    assert (rejected.state, rejected.problem) == (State.REJECTED, "no")
    assert services.reject(proposed(), admin, "no").state == State.REJECTED
    assert services.withdraw(proposed(), author).state == State.WITHDRAWN
    with pytest.raises(InvalidInput):
        services.withdraw(proposed(), admin)
    assert services.withdraw(proposed(), admin, "left the company").state == State.WITHDRAWN
    with pytest.raises(NotPermitted, match="its author, a co-author or an administrator"):
        services.withdraw(proposed(), reviewer, "not mine")
    assert trail("change.withdrawn") == [("change.withdrawn", "ok")] * 2


def test_an_approval_of_somebody_who_lost_the_role_no_longer_counts(proposed, reviewer, operator):
    change = services.approve(proposed(), reviewer)
    take_role(reviewer, Role.REVIEWER)

    with pytest.raises(StateForbids, match="no longer counts") as refusal:
        services.apply(change, operator)

    change.refresh_from_db()
    assert refusal.value.blockers[0]["who"] == "a reviewer"
    assert change.state == State.IN_REVIEW
    assert change.mutation is None


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_in_the_same_moment_make_one_approval_each_and_one_state(proposed, person):
    change = proposed()
    people = [person(f"reviewer{n}", Role.REVIEWER) for n in range(2)]
    barrier = threading.Barrier(2)
    refused: list[str] = []

    def vote(voter) -> None:
        barrier.wait()
        try:
            services.approve(change, voter)
        except StateForbids as error:
            refused.append(error.message)
        finally:
            database.close()

    threads = [threading.Thread(target=vote, args=(voter,)) for voter in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    change.refresh_from_db()
    assert change.state == State.APPROVED
    assert (Vote.objects.count(), len(refused)) == (1, 1)
    assert NEW_SQL == change.revisions.get().proposal["query"]
