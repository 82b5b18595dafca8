"""Changes that wait for a connection or a key that somebody has to see to first."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.changes.conftest import trail
from tests.changes.pages import words
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import PersonalKey
from warehouse_admin.audit import services as audit
from warehouse_admin.changes import readiness, services
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest

State = ChangeRequest.State


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


def on_record() -> None:
    """Whatever moves a change is, and lists count anew when something was."""
    audit.record(actor=None, action="change.moved")


@pytest.mark.parametrize(
    ("policy", "refused", "why"),
    [
        ("author_if_present", True, "refuses author's own key"),
        ("author_required", True, "refuses author's own key"),
        ("author_required", None, "has stored none"),
    ],
)
def test_the_list_says_as_much_of_a_missing_or_refused_own_key_as_the_page(
    policy, refused, why, connection, author, reviewer, client_of, proposed, django_assert_num_queries
):
    changes = [services.approve(proposed(f"SELECT {number} AS n"), reviewer) for number in range(3)]
    ChangeRequest.objects.update(state=State.APPROVED, by_hand=True)
    connection.key_policy = policy
    connection.save()
    if refused:
        given = {"user": author, "connection": connection, "api_key": "phx_own_1", "key_refused_at": timezone.now()}
        PersonalKey.objects.create(**given)
    client = client_of(reviewer)
    counts = []
    for state in (State.APPROVED, State.SCHEDULED):
        ChangeRequest.objects.exclude(pk=changes[0].pk).update(state=State.WITHDRAWN)
        on_record()
        with CaptureQueriesContext(database) as one:
            client.get(reverse("changes:list"), {"tab": "open"})
        ChangeRequest.objects.update(state=state)
        on_record()
        with django_assert_num_queries(len(one)):
            listed = words(client.get(reverse("changes:list"), {"tab": "open"}))
        counts.append(len(one))
        assert listed.count("held up") == 3
        for row in client.get("/api/v1/changes/").json()["results"]:
            assert row["badge"]["word"].endswith("held up")
            assert why in row["badge"]["title"] and any(why in found["text"] for found in row["blockers"])
        page = client.get(reverse("changes:detail", args=[changes[1].pk]))
        assert words(page).count("held up") and why in words(page)
    assert counts[0] == counts[1]
