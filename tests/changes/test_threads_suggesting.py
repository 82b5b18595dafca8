"""Suggestions: taken into a revision, credited, never approved by who made them, and never lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.changes.test_threads import LINES, now, revised
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import policies, selectors, services
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Credit, Thread, ThreadComment, Vote
from warehouse_admin.changes.threads import Said
from warehouse_admin.changes.turns import my_turn
from warehouse_admin.changes.votes import tally
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted

State = ChangeRequest.State


@pytest.fixture
def change(proposed: Callable[..., ChangeRequest]) -> ChangeRequest:
    return proposed(LINES)


@pytest.fixture
def second(person: Callable[..., User]) -> User:
    return person("rita", Role.REVIEWER)


def suggest(change: ChangeRequest, user: User, text: str | None, first: int = 3, last: int = 0) -> ThreadComment:
    number = ChangeRequest.objects.get(pk=change.pk).revision_number
    place = (first, last or first)
    said = Said("" if text is not None else "hm", text)
    return services.open_thread(change, user, said, revision=number, side="proposal", place=place).comments.get()


def accept(change: ChangeRequest, user: User, *suggestions: ThreadComment, revision: int = 0) -> ChangeRequest:
    seen = revision or ChangeRequest.objects.get(pk=change.pk).revision_number
    return services.accept_suggestions(change, user, [one.pk for one in suggestions], revision=seen)


def query_of(change: ChangeRequest) -> str:
    return change.revisions.latest("number").proposal["query"]


def test_an_accepted_suggestion_is_a_new_revision_credited_to_who_made_it(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two")

    change = accept(change, author, one)

    assert query_of(change) == LINES.replace("1 AS one", "2 AS two")
    revision = change.revisions.get(number=2)
    assert revision.editor == author and Credit.objects.get().revision == revision
    one.refresh_from_db()
    assert (one.decision, one.decided_by, one.accepted_in) == ("accepted", author, revision)
    assert one.thread.is_resolved and one.thread.resolved_by == author
    assert now(one.thread, change) == (3, 3)
    entry = AuditEntry.objects.get(action="change.suggestions_accepted")
    assert entry.after["suggested_by"] == [reviewer.get_username()] and entry.after["suggestions"] == [one.pk]
    assert entry.after["query"] == query_of(change)


def test_who_suggested_it_cannot_approve_it_and_somebody_else_can(change, author, reviewer, second, committed):
    change = accept(change, author, suggest(change, reviewer, "    2 AS two"))

    with pytest.raises(NotPermitted, match="What you suggested is part"):
        services.approve(change, reviewer)
    assert change not in my_turn(reviewer) and change in my_turn(second)
    with committed():
        services.approve(change, second)
    change.refresh_from_db()
    assert change.state == State.APPLIED


def test_the_database_refuses_that_vote_too(change, author, reviewer):
    change = accept(change, author, suggest(change, reviewer, "    2 AS two"))
    revision = change.revisions.get(number=2)
    vote = Vote(
        change=change,
        revision=revision,
        voter=reviewer,
        verdict="approve",
        digest=revision.digest,
        at=timezone.now(),
    )

    with pytest.raises(IntegrityError, match="nobody votes on their own change"), transaction.atomic():
        vote.save()
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Credit.objects.update(person=author)


def test_the_database_refuses_a_credit_for_what_its_person_approves(change, author, second):
    services.request_changes(change, second, "hm")
    revision = change.revisions.get(number=1)

    with pytest.raises(IntegrityError, match="given up before"), transaction.atomic():
        Credit.objects.create(revision=revision, person=second)


def test_an_approval_of_what_was_there_before_no_longer_counts(change, author, reviewer, connection):
    connection.apply_policy = "manual"
    connection.save()
    services.approve(change, reviewer)
    one = suggest(change, reviewer, "    2 AS two")

    change = accept(change, author, one)

    assert change.state == State.IN_REVIEW
    assert not policies.is_approved(change, selectors.revision(change))


def test_credit_goes_on_with_later_edits_and_ends_where_the_meaning_was_there_without_it(change, author, reviewer):
    change = accept(change, author, suggest(change, reviewer, "    2 AS two"))

    change = revised(change, author, query_of(change) + "LIMIT 10\n")
    with pytest.raises(NotPermitted, match="What you suggested"):
        services.approve(change, reviewer)

    change = revised(change, author, LINES)  # back to what stood before anything was suggested
    assert services.approve(change, reviewer).state in (State.APPROVED, State.APPLYING)


def test_a_suggestion_of_layout_alone_costs_nobody_the_vote(change, author, reviewer, connection):
    connection.apply_policy = "manual"
    connection.save()
    services.approve(change, reviewer)

    change = accept(change, author, suggest(change, reviewer, "  1 AS one"))

    assert change.state == State.APPROVED and not Credit.objects.exists()
    assert tally(change).approvals


def test_to_accept_a_suggestion_is_no_way_around_an_objection(change, author, reviewer):
    services.request_changes(change, reviewer, "Name it two")
    change = accept(change, author, suggest(change, reviewer, "    2 AS two"))

    assert [vote.voter for vote in tally(change).objections] == [reviewer]
    services.dismiss(change, reviewer, reviewer)  # what they asked for was done: theirs to say
    assert not tally(change).objections


def test_several_suggestions_of_several_people_go_into_one_revision(change, author, reviewer, second):
    one = suggest(change, reviewer, "    2 AS two,\n    3 AS three")
    other = suggest(change, second, "", 2)
    last = suggest(change, reviewer, "FROM stg_app_orders\nLIMIT 1", 4)

    change = accept(change, author, one, other, last)

    assert query_of(change) == "SELECT\n    2 AS two,\n    3 AS three\nFROM stg_app_orders\nLIMIT 1\n"
    assert change.revision_number == 2
    assert set(Credit.objects.values_list("person", flat=True)) == {reviewer.pk, second.pk}
    assert [now(each.thread, change) for each in (one, other, last)] == [(2, 3), None, (4, 5)]


def test_two_suggestions_for_the_same_line_are_refused_together(change, author, reviewer, second):
    both = suggest(change, reviewer, "    2 AS two"), suggest(change, second, "    order_id AS id", 2, 3)

    with pytest.raises(InvalidInput, match="line 3"):
        accept(change, author, *both)
    assert ChangeRequest.objects.get().revision_number == 1


def test_a_stale_suggestion_is_refused_and_kept(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two")
    revised(change, author, LINES.replace("1 AS one", "7 AS seven"))

    with pytest.raises(StaleRevision):
        accept(change, author, one, revision=1)
    with pytest.raises(StateForbids, match="have changed since") as refused:
        accept(change, author, one)

    assert refused.value.blockers[0]["kind"] == "fix"
    one.refresh_from_db()
    assert (one.decision, one.thread.is_resolved) == ("", False)
    assert ChangeRequest.objects.get().revision_number == 2


def test_a_suggestion_whose_line_only_moved_fits(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two")
    revised(change, author, "-- a note\n" + LINES)

    change = accept(change, author, one)

    assert query_of(change) == "-- a note\n" + LINES.replace("1 AS one", "2 AS two")


def test_what_is_suggested_passes_the_checks_of_every_edit(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two((")

    with pytest.raises(InvalidInput) as refused:
        accept(change, author, one)
    assert "query" in refused.value.errors
    one.refresh_from_db()
    assert one.is_open_suggestion and Thread.objects.get().resolved_at is None


def test_only_who_writes_the_change_accepts_and_declines(change, author, reviewer, second, person):
    one = suggest(change, reviewer, "    2 AS two")
    for user in (reviewer, second, person("olga", Role.OPERATOR)):
        with pytest.raises(NotPermitted):
            accept(change, user, one)
        with pytest.raises(NotPermitted):
            services.decline_suggestion(change, user, one.pk)

    services.set_co_authors(change, author, add=[person("cora", Role.EDITOR).username])
    cora = User.objects.get(username="cora")
    assert accept(change, cora, one).revisions.get(number=2).editor == cora


def test_a_declined_one_leaves_its_thread_open_and_is_not_accepted(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two")

    services.decline_suggestion(change, author, one.pk)
    services.decline_suggestion(change, author, one.pk)

    one.refresh_from_db()
    assert (one.decision, one.thread.is_resolved) == ("declined", False)
    assert AuditEntry.objects.filter(action="change.suggestion_declined").count() == 1
    with pytest.raises(StateForbids, match="was declined already"):
        accept(change, author, one)


def test_a_double_click_accepts_once(change, author, reviewer):
    one = suggest(change, reviewer, "    2 AS two")
    accept(change, author, one, revision=1)

    assert accept(change, author, one, revision=1).revision_number == 2
    with pytest.raises(StateForbids, match="accepted already in r2"):
        accept(change, author, one, suggest(change, reviewer, "FROM x", 4))


@pytest.mark.parametrize(
    ("text", "where"),
    [("    1 AS one", {}), ("x" * 5_001, {}), ("a\0b", {}), ("a\ud800", {}), ("phx_" + "a" * 40, {})],
)
def test_what_cannot_be_suggested_is_refused_at_once(text, where, change, reviewer):
    with pytest.raises(InvalidInput) as refused:
        suggest(change, reviewer, text, **where)
    assert "suggestion" in refused.value.errors and not Thread.objects.exists()


def test_nothing_is_suggested_for_the_base_or_chosen_from_elsewhere(change, proposed, author, reviewer):
    with pytest.raises(InvalidInput, match="lines of the proposal"):
        services.open_thread(change, reviewer, Said("", "x"), revision=1, side="base", place=(1, 1))
    foreign, words = suggest(proposed(LINES), reviewer, "x"), suggest(change, reviewer, None)
    for one in (foreign, words):
        with pytest.raises(Missing):
            accept(change, author, one)
    with pytest.raises(InvalidInput):
        accept(change, author)


def test_line_ends_of_the_query_stay_what_they_are(proposed, author, reviewer):
    change = proposed(LINES.replace("\n", "\r\n"))

    change = accept(change, author, suggest(change, reviewer, "    2 AS two,\n    3 AS three"))

    assert query_of(change) == LINES.replace("1 AS one", "2 AS two,\n    3 AS three").replace("\n", "\r\n")


def test_the_authors_own_suggestion_and_one_for_a_draft_are_taken_in_too(change, proposed, author, reviewer, committed):
    own = accept(change, author, suggest(change, author, "    2 AS two"))
    with committed():
        assert services.approve(own, reviewer).state == State.APPLYING
    draft = proposed("SELECT 5 AS five\n", submit=False)
    draft = accept(draft, author, suggest(draft, author, "SELECT 6 AS six", 1))
    assert (draft.state, query_of(draft)) == (State.DRAFT, "SELECT 6 AS six\n")
