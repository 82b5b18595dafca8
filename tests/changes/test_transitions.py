"""The machine: which verb may be used in which state, exactly; every other pair is refused and changes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import expiry, services
from warehouse_admin.changes.errors import StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, CoAuthor, Revision, Vote
from warehouse_admin.changes.transitions import ALLOWED
from warehouse_admin.core.errors import UserError

State = ChangeRequest.State
IN_REVIEW, REQUESTED, APPROVED = "in_review", "changes_requested", "approved"
BEFORE_APPLY = {"draft", IN_REVIEW, REQUESTED, APPROVED, "scheduled", "needs_rebase", "failed"}
MACHINE = {
    "submit": {"draft"},
    "revise": BEFORE_APPLY - {"needs_rebase"},
    "rebase": BEFORE_APPLY - {"draft"},
    "co_authors": BEFORE_APPLY,
    "approve": {IN_REVIEW, REQUESTED},
    "request_changes": {IN_REVIEW, REQUESTED},
    "dismiss": {IN_REVIEW, REQUESTED},
    "re_request": {REQUESTED},
    "reject": {IN_REVIEW, REQUESTED, APPROVED, "scheduled"},
    "withdraw": BEFORE_APPLY,
    "expire": BEFORE_APPLY,
    "reopen": {"withdrawn", "rejected", "expired"},
    "schedule": {APPROVED, "scheduled"},
    "unschedule": {"scheduled"},
    "apply": {APPROVED, "scheduled", "failed"},
    "rollback": {"applied"},
    "comment": set(State.values),
    "drop": BEFORE_APPLY - {"draft"},
    "carry_over": BEFORE_APPLY,
    "decide": {"unconfirmed"},
}
VERBS = {
    "submit": lambda c, p: services.submit(c, p["author"]),
    "revise": lambda c, p: services.revise(c, p["author"], "SELECT 2 AS two", 1),
    "rebase": lambda c, p: services.rebase(c, p["author"], "SELECT 2 AS two"),
    "co_authors": lambda c, p: services.set_co_authors(c, p["author"], add=["second"]),
    "approve": lambda c, p: services.approve(c, p["reviewer"]),
    "request_changes": lambda c, p: services.request_changes(c, p["reviewer"], "x"),
    "dismiss": lambda c, p: services.dismiss(c, p["admin"], p["reviewer"], "x"),
    "re_request": lambda c, p: services.re_request(c, p["author"]),
    "reject": lambda c, p: services.reject(c, p["reviewer"], "x"),
    "withdraw": lambda c, p: services.withdraw(c, p["author"]),
    "reopen": lambda c, p: services.reopen(c, p["author"]),
    "schedule": lambda c, p: services.schedule(c, p["operator"], timezone.now() + timedelta(hours=1)),
    "unschedule": lambda c, p: services.unschedule(c, p["operator"]),
    "apply": lambda c, p: services.apply(c, p["operator"]),
    "rollback": lambda c, p: services.rollback(c, p["author"], "x"),
    "drop": lambda c, p: services.drop_mine(c, p["author"]),
    "carry_over": lambda c, p: services.carry_over(c, p["author"]),
    "decide": lambda c, p: services.decide(c, p["operator"], made=None, comment="x"),
}


@pytest.fixture(autouse=True)
def by_hand(connection):
    """An approval does not apply by itself here."""
    connection.apply_policy = "manual"
    connection.save()


@pytest.fixture
def people(author, reviewer, operator, admin, person):
    person("second", Role.EDITOR)
    return {"author": author, "reviewer": reviewer, "operator": operator, "admin": admin}


def everything(change: ChangeRequest) -> list:
    """All that is stored of a change, its audit entries included."""
    kept = [list(ChangeRequest.objects.filter(pk=change.pk).values())]
    kept += [list(model.objects.order_by("pk").values()) for model in (Revision, Vote, ChangeEvent, CoAuthor)]
    return [*kept, AuditEntry.objects.count()]


def test_the_table_is_the_machine():
    assert {verb: {str(state) for state in states} for verb, states in ALLOWED.items()} == MACHINE


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_no_state_lets_through_what_it_forbids(verb, proposed, people):
    change = proposed()
    for state in State:
        if state in MACHINE[verb]:
            continue
        ChangeRequest.objects.filter(pk=change.pk).update(state=state)
        before = everything(change)

        with pytest.raises(StateForbids) as refusal:
            VERBS[verb](change, people)

        assert refusal.value.status == 409
        assert refusal.value.blockers[0]["text"]
        assert everything(change) == before


@pytest.mark.parametrize(("verb", "state"), sorted((verb, state) for verb in VERBS for state in MACHINE[verb]))
def test_what_the_machine_allows_is_not_refused_for_the_state(verb, state, proposed, people, sandbox, remote):
    change = proposed()
    if verb == "dismiss":
        services.request_changes(change, people["reviewer"], "x")
    elif state in (APPROVED, "scheduled", "failed"):
        services.approve(change, people["reviewer"])
    if verb in ("rebase", "drop"):
        sandbox.world.edit_outside(remote.name, "SELECT 9 AS theirs")
    later = timezone.now() + timedelta(hours=1) if state == "scheduled" else None
    ChangeRequest.objects.filter(pk=change.pk).update(state=state, scheduled_for=later)

    try:
        VERBS[verb](change, people)
    except UserError as refusal:
        # These need more than the state: what was there before, a view in the place of the deleted one, or doubt.
        assert verb in ("rollback", "carry_over", "decide"), refusal.message


def test_comments_are_taken_in_every_state(proposed, viewer, author):
    change = proposed()
    for state in State:
        ChangeRequest.objects.filter(pk=change.pk).update(state=state)
        services.comment(change, author, f"in {state}")

    assert change.events.filter(kind="commented").count() == len(State)
    assert AuditEntry.objects.filter(action="change.commented").count() == len(State)


@pytest.mark.parametrize("state", sorted(set(State.values) - BEFORE_APPLY))
def test_what_may_be_on_its_way_or_is_closed_never_expires(state, proposed):
    change = proposed()
    ChangeRequest.objects.filter(pk=change.pk).update(state=state)

    assert services.expire_idle(now=timezone.now() + 2 * expiry.LIFE) == 0
    change.refresh_from_db()
    assert change.state == state


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_meets_a_new_revision_is_for_the_old_one_or_refused(proposed, author, reviewer):
    change = proposed()
    barrier, refused = threading.Barrier(2), []

    def run(do) -> None:
        barrier.wait()
        try:
            do()
        except StaleRevision as error:
            refused.append(error)
        finally:
            database.close()

    jobs = [
        lambda: services.approve(change, reviewer, revision=1),
        lambda: services.revise(change, author, "SELECT 2 AS two", 1),
    ]
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)
    assert Vote.objects.filter(revision__number=1).count() + len(refused) == 1
