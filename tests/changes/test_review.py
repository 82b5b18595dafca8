"""Deciding: four eyes, votes for what was shown, and the states each decision may be made in."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.accounts.roles import Role, give_role, take_role
from warehouse_admin.changes import policies, services
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Item, Revision, Vote
from warehouse_admin.changes.transitions import ALLOWED
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


def test_a_real_edit_voids_the_votes_and_goes_back_to_review(proposed, author, reviewer):
    change = services.approve(proposed(), reviewer)

    change = services.revise(change, author, "SELECT 2 AS two", 1)

    assert change.state == State.IN_REVIEW
    vote = Vote.objects.get()
    assert vote.voided_at is not None
    assert "revision 2" in vote.voided_because


def test_a_cosmetic_edit_keeps_them(proposed, author, reviewer):
    change = services.approve(proposed(), reviewer)

    change = services.revise(change, author, "select order_id, 1 as one -- it's one\n\nfrom stg_app_orders", 1)

    assert change.state == State.APPROVED
    assert Vote.objects.get().voided_at is None
    assert policies.is_approved(change, change.revisions.get(number=2))


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
    with pytest.raises(NotPermitted):
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


VERBS = {
    "submit": lambda c, p: services.submit(c, p["author"]),
    "revise": lambda c, p: services.revise(c, p["author"], "SELECT 2 AS two", 1),
    "approve": lambda c, p: services.approve(c, p["reviewer"]),
    "request_changes": lambda c, p: services.request_changes(c, p["reviewer"], "x"),
    "reject": lambda c, p: services.reject(c, p["reviewer"], "x"),
    "withdraw": lambda c, p: services.withdraw(c, p["author"]),
    "apply": lambda c, p: services.apply(c, p["operator"]),
    "schedule": lambda c, p: services.schedule(c, p["operator"], timezone.now() + timedelta(hours=1)),
    "rebase": lambda c, p: services.rebase(c, p["author"], "SELECT 2 AS two"),
    "rollback": lambda c, p: services.rollback(c, p["author"], "x"),
}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_no_state_lets_through_what_it_forbids(verb, proposed, author, reviewer, operator):
    change = proposed()
    people = {"author": author, "reviewer": reviewer, "operator": operator}
    for state in State:
        if state in ALLOWED[verb]:
            continue
        ChangeRequest.objects.filter(pk=change.pk).update(state=state)
        with pytest.raises(StateForbids) as refusal:
            VERBS[verb](change, people)
        assert refusal.value.status == 409
        assert refusal.value.blockers[0]["text"]
        change.refresh_from_db()
        assert change.state == state
    assert not Vote.objects.exists()
    assert change.revisions.count() == 1


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
