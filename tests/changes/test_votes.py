"""Which votes count: by what was approved, by whom it was written, and by who may review at that moment."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.accounts.roles import Role, give_role, take_role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import policies, presenters, readiness, selectors, services, turns, votes
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, CoAuthor, Revision, Vote
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, NotPermitted

State = ChangeRequest.State
OTHER_SQL = "SELECT 2 AS two"
SAME_IN_OTHER_LAYOUT = "select order_id, 1 as one -- it's one\n\nfrom stg_app_orders"


@pytest.fixture
def by_hand(connection):
    """An approval does not apply by itself here."""
    connection.apply_policy = "manual"
    connection.save()


@pytest.fixture
def approved(by_hand, proposed, reviewer):
    return services.approve(proposed(), reviewer)


@pytest.fixture
def objected(by_hand, proposed, reviewer):
    return services.request_changes(proposed(), reviewer, "name the columns")


@pytest.fixture
def other(person):
    return person("other", Role.REVIEWER)


def cast(change: ChangeRequest) -> list[dict]:
    return presenters.cast_votes(change, selectors.revision(change))


def last_event(change: ChangeRequest) -> ChangeEvent:
    return change.events.latest("pk")


def texts(change: ChangeRequest) -> str:
    return " ".join(found["text"] for found in readiness.blockers(change))


# --- by what was approved ----------------------------------------------------------------------------------------


def test_a_vote_stores_the_role_it_was_cast_by(approved):
    assert Vote.objects.get().role == Role.REVIEWER


def test_a_real_edit_makes_an_approval_not_count_and_says_why(approved, author):
    change = services.revise(approved, author, OTHER_SQL, 1)

    assert change.state == State.IN_REVIEW
    [vote] = cast(change)
    assert (vote["counts"], vote["why_not"]) == (False, "r2 changed the query")
    assert Vote.objects.get().voided_at is None, "derived, not stored"
    assert "approval of reviewer no longer counts" in last_event(change).text
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.after["revision"]) == ("change.revised", 2)


@pytest.mark.parametrize(
    "text",
    [SAME_IN_OTHER_LAYOUT, NEW_SQL + "  -- it's", NEW_SQL.replace("SELECT", "/* -- ' */ select"), NEW_SQL + "\r\n"],
)
def test_a_cosmetic_edit_keeps_an_approval(approved, author, text):
    change = services.revise(approved, author, text, 1)

    assert change.state == State.APPROVED
    assert cast(change)[0]["counts"] is True
    assert policies.is_approved(change, change.revisions.get(number=2))
    assert last_event(change).text == "Formatting only: the votes are kept."


def test_two_dashes_inside_a_string_are_no_comment(by_hand, proposed, reviewer, author):
    change = services.approve(proposed("SELECT 'a --b' AS one"), reviewer)

    assert services.revise(change, author, "SELECT 'a --c' AS one", 1).state == State.IN_REVIEW


def test_editing_back_to_what_was_approved_brings_the_approval_back(approved, author):
    services.revise(approved, author, OTHER_SQL, 1)

    change = services.revise(approved, author, SAME_IN_OTHER_LAYOUT, 2)

    assert change.state == State.APPROVED
    assert cast(change)[0]["counts"] is True
    assert "approval of reviewer counts" in last_event(change).text


def test_an_approval_that_comes_back_applies_by_policy_as_a_vote_does(
    connection, proposed, author, reviewer, other, remote, sandbox, committed
):
    connection.apply_policy = "manual"
    connection.save()
    change = services.approve(proposed(), reviewer)
    services.revise(change, author, OTHER_SQL, 1)
    connection.apply_policy = "automatic"
    connection.save()

    with committed():
        services.revise(change, author, NEW_SQL, 2)

    change.refresh_from_db()
    assert (change.state, remote.sql, sandbox.world.writes(remote.id)) == (State.APPLIED, NEW_SQL, 1)
    assert AuditEntry.objects.get(action="change.apply_asked").actor == author


def test_the_cause_is_the_last_revision_that_left_what_was_approved(approved, author):
    services.revise(approved, author, OTHER_SQL, 1)
    services.revise(approved, author, NEW_SQL, 2)
    services.revise(approved, author, "SELECT 3 AS three", 3)

    change = services.revise(approved, author, "SELECT 3 AS three -- x", 4)

    assert cast(change)[0]["why_not"] == "r4 changed the query"


def test_a_rebase_onto_another_text_needs_a_new_approval(approved, author, sandbox, remote, operator, committed):
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS theirs")

    change = services.rebase(approved, author, "SELECT 9 AS theirs, 1 AS mine")

    assert change.state == State.IN_REVIEW
    assert (cast(change)[0]["counts"], cast(change)[0]["why_not"]) == (False, "r2 changed the query")


def test_a_vote_cast_again_replaces_the_first_and_is_kept_in_the_history(objected, reviewer):
    change = services.approve(objected, reviewer, "fine")

    assert change.state == State.APPROVED
    assert [(vote["verdict"], vote["counts"], vote["why_not"]) for vote in cast(change)] == [
        ("request_changes", False, "voted again"),
        ("approve", True, ""),
    ]


def test_what_one_reviewer_approved_is_not_approved_twice_by_the_same(by_hand, proposed, reviewer):
    change = proposed()
    services.approve(change, reviewer)
    services.approve(change, reviewer)

    assert Vote.objects.count() == 1


# --- an objection --------------------------------------------------------------------------------------------------


def test_a_request_for_changes_outlives_edits_until_its_author_votes_again(objected, author, reviewer, other):
    change = services.revise(objected, author, OTHER_SQL, 1)
    assert change.state == State.IN_REVIEW
    assert cast(change)[0]["counts"] is True
    assert "reviewer asked for changes to r1 and has not looked at r2 yet" in texts(change)
    assert "asked to look again" in last_event(change).text

    assert services.approve(change, other).state == State.IN_REVIEW, "the objection still stands"
    assert services.approve(change, reviewer).state == State.APPROVED


def test_a_new_revision_is_the_objectors_turn_again(objected, author, reviewer):
    assert objected not in turns.my_turn(reviewer)

    services.revise(objected, author, OTHER_SQL, 1)

    assert objected in turns.my_turn(reviewer)


def test_asking_again_goes_back_to_review_and_lifts_nothing(objected, author, reviewer, other):
    change = services.re_request(objected, author, "as we agreed")

    assert (change.state, last_event(change).text) == (State.IN_REVIEW, "as we agreed")
    assert change in turns.my_turn(reviewer)
    assert "reviewer asked for changes" in texts(change)
    assert services.approve(change, other).state == State.IN_REVIEW
    assert trail("change.re_requested") == [("change.re_requested", "ok")]
    with pytest.raises(NotPermitted):
        services.re_request(objected, other)


def test_who_asked_for_changes_takes_it_back(objected, reviewer):
    change = services.dismiss(objected, reviewer, reviewer)

    assert change.state == State.IN_REVIEW
    assert (cast(change)[0]["counts"], cast(change)[0]["why_not"]) == (False, "taken back")
    entry = AuditEntry.objects.get(action="change.objection_dismissed")
    assert (entry.actor, entry.after) == (reviewer, {"voter": "reviewer"})


def test_somebody_elses_objection_is_lifted_with_a_reason_by_who_may_close(objected, reviewer, admin, other):
    services.approve(objected, other)
    with pytest.raises(InvalidInput):
        services.dismiss(objected, admin, reviewer, " ")

    change = services.dismiss(objected, admin, reviewer, "on holiday, and it was answered")

    assert change.state == State.APPROVED, "the other reviewer's approval was all that was missing"
    assert cast(change)[0]["why_not"] == "dismissed by admin"
    entry = AuditEntry.objects.get(action="change.objection_dismissed")
    assert (entry.actor, entry.reason) == (admin, "on holiday, and it was answered")


def test_nobody_else_lifts_an_objection(objected, author, reviewer, other, operator):
    for somebody in (author, other, operator):
        with pytest.raises(NotPermitted, match="Only whoever asked for changes"):
            services.dismiss(objected, somebody, reviewer, "because")


def test_nobody_lifts_an_objection_to_what_they_wrote_administrators_included(objected, author, reviewer):
    give_role(author, Role.ADMIN)

    with pytest.raises(NotPermitted, match="wrote this"):
        services.dismiss(objected, author, reviewer, "it is fine")
    assert objected.votes.get().voided_at is None


def test_a_token_lifts_no_objection(objected, reviewer):
    with context.use(context.RequestContext(token_name="ci")), pytest.raises(NotPermitted, match="token"):
        services.dismiss(objected, reviewer, reviewer)


def test_what_nobody_asked_for_cannot_be_lifted(by_hand, proposed, admin, other):
    with pytest.raises(StateForbids, match="does not ask for changes"):
        services.dismiss(proposed(), admin, other, "because")


# --- by whom -------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(person):
    """Somebody who may propose and review."""
    return person("second", Role.EDITOR, Role.REVIEWER)


def test_co_authors_edit_submit_and_withdraw(by_hand, proposed, author, second):
    change = services.set_co_authors(proposed(submit=False), author, add=["second"])

    assert change in selectors.visible_to(second)
    assert services.submit(change, second).state == State.IN_REVIEW
    assert services.revise(change, second, OTHER_SQL, 1).revision_number == 2
    assert services.withdraw(change, second).state == State.WITHDRAWN
    entry = AuditEntry.objects.get(action="change.co_authors_changed")
    assert (entry.actor, entry.after, entry.before) == (author, {"added": ["second"]}, {"removed": []})
    assert CoAuthor.objects.get().added_by == author


def test_co_authors_never_vote(by_hand, proposed, author, second):
    change = services.set_co_authors(proposed(), author, add=["second"])

    for decide in (services.approve, services.request_changes, services.reject):
        with pytest.raises(NotPermitted, match="co-author"):
            decide(change, second, "mine is fine")
    assert change not in turns.my_turn(second)
    assert not Vote.objects.exists()


def test_the_database_refuses_a_vote_of_a_co_author(approved, author, second, reviewer):
    services.set_co_authors(approved, author, add=["second"])

    with pytest.raises(DatabaseError, match="own change"), transaction.atomic():
        Vote.objects.filter(change=approved).update(voter=second)
    with pytest.raises(DatabaseError, match="given up"), transaction.atomic():
        CoAuthor.objects.create(change=approved, person=reviewer, added_by=author)


def test_an_approval_is_given_up_by_becoming_a_co_author(approved, author, reviewer):
    change = services.set_co_authors(approved, author, add=["reviewer"])

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert cast(change)[0]["why_not"] == "reviewer became a co-author"
    assert trail("change.")[-2:] == [("change.co_authors_changed", "ok"), ("change.approval_lost", "ok")]


def test_naming_whoever_objects_is_no_way_around_the_objection(objected, author, reviewer):
    with pytest.raises(StateForbids, match="settled before"):
        services.set_co_authors(objected, author, add=["reviewer"])
    assert not CoAuthor.objects.exists()
    assert objected.votes.get().voided_at is None


def test_only_the_author_names_co_authors_and_only_people_who_may_propose(proposed, author, viewer, second, person):
    change = services.set_co_authors(proposed(), author, add=["second"])

    with pytest.raises(NotPermitted):
        services.set_co_authors(change, second, add=["author"])
    for name in ("viewer", "nobody", "author"):
        with pytest.raises(InvalidInput):
            services.set_co_authors(change, author, add=[name])
    change = services.set_co_authors(change, author, remove=["second"])
    assert not CoAuthor.objects.exists()
    assert (
        services.set_co_authors(change, author, remove=["second"]).events.filter(kind="co_authors_changed").count() == 2
    )


def test_whoever_made_the_last_real_edit_does_not_approve_it(by_hand, proposed, author, second, reviewer):
    change = services.set_co_authors(proposed(), author, add=["second"])
    services.revise(change, second, OTHER_SQL, 1)
    services.set_co_authors(change, author, remove=["second"])
    services.revise(change, author, "select 2 as two -- x", 2)

    with pytest.raises(NotPermitted, match="wrote this revision"):
        services.approve(change, second)
    with pytest.raises(DatabaseError, match="own change"), transaction.atomic():
        Vote.objects.create(
            change=change,
            revision=change.revisions.get(number=3),
            voter=second,
            verdict="approve",
            at=change.created_at,
        )
    assert services.approve(change, reviewer).state == State.APPROVED


def test_a_former_co_author_votes_on_what_is_not_their_work(by_hand, proposed, author, second):
    change = services.set_co_authors(proposed(), author, add=["second"])
    services.revise(change, second, OTHER_SQL, 1)
    services.set_co_authors(change, author, remove=["second"])

    change = services.revise(change, author, "SELECT 4 AS four", 2)

    assert services.approve(change, second).state == State.APPROVED


def test_an_author_who_becomes_a_reviewer_after_submitting_still_does_not_vote(by_hand, proposed, author):
    change = proposed()
    give_role(author, Role.REVIEWER)

    with pytest.raises(NotPermitted, match="own change"):
        services.approve(change, author)


@pytest.mark.parametrize("lost", ["role", "account"])
def test_a_reviewer_who_lost_the_role_or_left_does_not_count(lost, approved, reviewer):
    if lost == "role":
        take_role(reviewer, Role.REVIEWER)
    else:
        reviewer.is_active = False
        reviewer.save()

    [vote] = cast(approved)
    assert vote["counts"] is False
    assert ("may no longer review" if lost == "role" else "deactivated") in vote["why_not"]
    assert readiness.badge(approved)["word"] == "Approval lost"


# --- what has to be met --------------------------------------------------------------------------------------------


def test_a_revision_keeps_the_rule_it_was_saved_under(approved, author):
    services.revise(approved, author, OTHER_SQL, 1)

    assert [revision.requirements for revision in Revision.objects.all()] == [votes.ONE_REVIEWER] * 2
    [rule] = presenters.requirements(approved, approved.revisions.get(number=1))
    assert (rule["label"], rule["count"], rule["approvals"], rule["people"]) == ("One reviewer", 1, 1, ["reviewer"])


def test_a_revision_without_a_rule_is_held_to_the_one_there_is(proposed, author):
    change = proposed()
    bare = Revision.objects.create(change=change, number=2, editor=author)
    ChangeRequest.objects.filter(pk=change.pk).update(revision_number=2)
    change.refresh_from_db()

    assert not policies.is_approved(change, bare)


def test_nobody_left_to_review_is_said_and_approves_nothing(by_hand, proposed, author):
    change = proposed()

    [found] = readiness.blockers(change, author)

    assert found["text"].startswith("No one can review this")
    assert "administrator has to make someone a reviewer" in found["text"]
    assert (found["kind"], found["who"]) == ("fix", "an administrator other than author")
    assert change.state == State.IN_REVIEW
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.IN_REVIEW


def test_the_last_reviewer_who_leaves_is_noticed(by_hand, proposed, reviewer):
    change = proposed()
    assert "1 approval needed" in texts(change)

    reviewer.is_active = False
    reviewer.save()

    assert "No one can review this" in texts(change)
