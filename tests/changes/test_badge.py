"""One badge: a word for every combination of a state and the facts around it, the same wherever a change shows."""

from __future__ import annotations

import re
from itertools import product

import pytest
from django.utils import timezone

from warehouse_admin.accounts.roles import Role, take_role
from warehouse_admin.changes import presenters, readiness, selectors, services, votes
from warehouse_admin.changes.models import ChangeRequest, Revision, Vote
from warehouse_admin.core.states import LOOKS

State = ChangeRequest.State
APPROVALS = ("none", "one", "stale", "lost")
BOOLEANS = (False, True)


@pytest.fixture
def facts(proposed, reviewer):
    """A change as `selectors.detail` reads it, to be put into any combination without touching the database."""
    services.request_changes(proposed(), reviewer, "x")
    return selectors.detail(ChangeRequest.objects.get().pk)


def put(
    change: ChangeRequest, state, approval, objection, base, due, problem, deleted, paused, policy, by_hand
) -> None:
    change.state = state
    change.remote = {"query": "SELECT 9"} if base == "moved" else None
    change.scheduled_for = timezone.now() if due else None
    change.problem = "PostHog said no." if problem else ""
    change.by_hand = by_hand
    change.saved_query.deleted_at = timezone.now() if deleted else None
    change.connection.is_active = not paused
    change.connection.apply_policy = policy
    [objecting] = change.prefetched("votes")
    shown = change.steps[0]
    cast = []
    if objection:
        cast.append(objecting)
    if approval != "none":
        vote = Vote(pk=99, change=change, revision=shown, voter=objecting.voter, verdict=Vote.Verdict.APPROVE)
        cast.append(vote)
    older = Revision(pk=7, change=change, number=0, editor_id=change.author_id, meaning_digest="other")
    change.steps = [older, shown] if approval == "stale" else [shown]
    if approval == "stale":
        cast[-1].revision_id = 7
    change.reviewers = {"reviewer": frozenset() if approval == "lost" else frozenset({objecting.voter_id})}
    change._prefetched_objects_cache["votes"] = cast


def test_every_combination_has_one_word_that_contradicts_nothing(facts, django_assert_num_queries):
    original = list(facts.prefetched("votes"))
    shown = facts.steps[-1]
    revision = selectors.revision(facts)
    seen: dict[str, set[str]] = {}
    combinations = product(
        State, APPROVALS, BOOLEANS, ("same", "moved"), BOOLEANS, BOOLEANS, BOOLEANS, BOOLEANS, ("automatic", "manual"),
        BOOLEANS,
    )  # fmt: skip
    with django_assert_num_queries(0):
        for combination in combinations:
            facts._prefetched_objects_cache["votes"], facts.steps = original, [shown]
            put(facts, *combination)
            badge = readiness.badge(facts)
            assert badge["state"] == facts.state
            seen.setdefault(facts.state, set()).add(badge["word"])
            _contradicts_nothing(facts, badge["word"], revision)
    words = {state: {look.word} for state, look in LOOKS["change"].items() if state in State.values}
    words["approved"] = {"Approved", "Approved, not applied", "Approved, held up", "Approval lost"}
    words["scheduled"] = {"Scheduled", "Scheduled, held up", "Approval lost"}
    words["applying"] = {"Applying", "Waiting to apply"}
    assert seen == words


def _contradicts_nothing(change: ChangeRequest, word: str, revision: Revision) -> None:
    """The word agrees with what the votes come to and with what stands in the way."""
    approved = votes.tally(change).approved
    if change.state in (State.APPROVED, State.SCHEDULED):
        assert (word == "Approval lost") is not approved
        stopped = change.saved_query.deleted_at or not change.connection.is_active
        assert ("held up" in word) is bool(approved and stopped)
    else:
        assert "pproved" not in word and "lost" not in word
    told = [found["text"] for found in readiness.blockers(change, None, revision)]
    assert bool(told) or change.is_closed or (change.state in readiness.IN_REVIEW and approved)
    assert (word == "Approval lost") is any("no longer counts" in text for text in told)
    if word == "Approved":
        assert told == ["It is about to be applied."]
    if word == "Approved, not applied":
        assert "about to be applied" not in told[0]


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("state", State.values)
def test_list_page_and_api_show_the_same(state, paused, lost, proposed, reviewer, connection, client_of, admin):
    connection.apply_policy = "manual"
    connection.save()
    change = services.approve(proposed(), reviewer)
    if lost:
        take_role(reviewer, Role.REVIEWER)
    connection.is_active = not paused
    connection.save()
    later = timezone.now() if state == "scheduled" else None
    ChangeRequest.objects.filter(pk=change.pk).update(state=state, scheduled_for=later)
    expected = readiness.badge(ChangeRequest.objects.get(pk=change.pk))
    client = client_of(admin)

    [row] = client.get("/changes/", {"tab": "all"}).context["page"].object_list
    page = client.get(f"/changes/{change.pk}/")
    one = client.get(f"/api/v1/changes/{change.pk}/").json()
    [listed] = client.get("/api/v1/changes/").json()["results"]

    assert row.badge == page.context["badge"] == one["badge"] == listed["badge"] == expected
    assert re.search(rf"<span>{expected['word']}</span>", page.content.decode())


def test_the_message_after_a_decision_uses_the_same_word(proposed, reviewer, connection, client_of):
    connection.apply_policy = "manual"
    connection.save()
    change = proposed()
    revision = change.revisions.get()
    given = {"revision": revision.number, "digest": revision.digest}

    answer = client_of(reviewer).post(f"/changes/{change.pk}/approve/", given, follow=True)

    change.refresh_from_db()
    word = readiness.badge(change)["word"]
    assert [str(message) for message in answer.context["messages"]] == [
        f"You approved {change}. It now stands at “{word}”."
    ]
    assert presenters.detail_dict(change)["badge"]["word"] == word == "Approved, not applied"
