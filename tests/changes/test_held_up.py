"""Changes that wait for a connection or a key that somebody has to see to first."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.changes.conftest import trail
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import PersonalKey
from warehouse_admin.changes import apply as applying
from warehouse_admin.changes import readiness, services
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mutations import outcome, send
from warehouse_admin.posthog import writes

State = ChangeRequest.State
KILLED_AT = {
    "before it is queued": (applying, "_queue", "before", 1),
    "before the claim of the mutation": (send, "_claim", "before", 1),
    "after the claim": (send, "_carry_out", "before", 1),
    "before the sending is written down": (send, "_mark_sent", "before", 1),
    "after the sending is written down": (send, "_mark_sent", "after", 0),
    "while the write is under way": (writes, "update_saved_query", "after", 1),
    "before the read-back": (send, "_read_back", "before", 1),
    "before the outcome": (outcome, "_record", "second", 1),
    "before the mirror is told": (mirror, "store_read_back", "live", 1),
    "before the change is told": (applying, "_happened", "before", 1),
}


def test_a_paused_connection_holds_it_back(connection, sandbox, approved, operator):
    connection.is_active = False
    connection.save()
    change = approved()

    assert change.state == State.APPROVED
    with pytest.raises(StateForbids, match="paused"):
        services.apply(change, operator)

    connection.is_active = True
    connection.save()
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPLYING or change.state == State.APPLIED


def test_a_refused_key_holds_back_what_was_not_started_until_it_works_again(
    connection, sandbox, remote, proposed, approved
):
    change = proposed()
    sandbox.world.revoke_key(sandbox.key)
    accounts.check_connection(connection)
    sandbox.world.requests.clear()

    change = approved(change=change)
    services.settle_open()

    change.refresh_from_db()
    assert (change.state, change.attempts, change.problem) == (State.APPROVED, 0, "")
    assert "PostHog refuses the connection's API key." in [found["text"] for found in readiness.blockers(change)]
    assert sandbox.world.requests == []

    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(connection)
    services.settle_open()
    change.refresh_from_db()
    assert (change.state, change.attempts) == (State.APPLIED, 1)
    assert sandbox.world.writes(remote.id) == 1


def test_one_that_was_claimed_before_its_key_was_refused_sends_nothing_and_can_be_tried_again(
    connection, sandbox, remote, proposed, reviewer, operator, committed
):
    change = services.approve(proposed(), reviewer)  # claimed; its task has not come yet
    sandbox.world.revoke_key(sandbox.key)
    accounts.check_connection(connection)
    sandbox.world.requests.clear()

    services.settle_open()

    change.refresh_from_db()
    assert change.state == State.FAILED
    assert change.problem.startswith("PostHog refuses the API key of Demo")
    assert sandbox.world.requests == []
    assert trail("saved_query.") == [("saved_query.edit_query", "asked"), ("saved_query.edit_query", "failed")]
    sandbox.world.restore_key(sandbox.key)
    accounts.check_connection(connection)
    with committed():
        services.apply(change, operator)
    change.refresh_from_db()
    assert (change.state, sandbox.world.writes(remote.id)) == (State.APPLIED, 1)


def test_a_refused_key_of_the_authors_own_holds_back_their_changes_alone(
    connection, sandbox, remote, proposed, approved, author, operator
):
    connection.key_policy = "author_if_present"
    connection.save()
    PersonalKey.objects.create(user=author, connection=connection, api_key="phx_own_1", key_refused_at=timezone.now())
    change = approved()

    assert change.state == State.APPROVED
    with pytest.raises(StateForbids, match="PostHog refuses author's own key"):
        services.apply(change, operator)
    assert sandbox.world.writes(remote.id) == 0

    PersonalKey.objects.all().delete()
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPLIED
