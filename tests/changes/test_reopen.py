"""Changes that nobody touches are closed after a warning, and closed ones can be opened again for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.changes.conftest import trail
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import expiry, presenters, readiness, selectors, services
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest, Vote
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, NotPermitted

State = ChangeRequest.State


@pytest.fixture(autouse=True)
def by_hand(connection):
    """An approval does not apply by itself here."""
    connection.apply_policy = "manual"
    connection.save()


def aged(change: ChangeRequest, by: timedelta) -> ChangeRequest:
    """The same change, untouched for so long."""
    then = timezone.now() - by
    ChangeRequest.objects.filter(pk=change.pk).update(state_changed_at=then)
    change.events.update(at=then)
    return selectors.detail(change.pk)


@pytest.mark.parametrize(("share", "kind"), [(0.7, None), (0.76, "wait"), (0.96, "fix")])
def test_it_is_warned_of_twice(share, kind, proposed):
    change = aged(proposed(), share * expiry.LIFE)

    kinds = [found["kind"] for found in readiness.blockers(change) if "it expires on" in found["text"]]

    assert kinds == ([kind] if kind else [])
    assert (presenters.detail_dict(change)["expires_at"] is not None) is bool(kind)


def test_it_expires_when_nobody_touched_it(proposed):
    change = aged(proposed(), expiry.LIFE)

    assert services.expire_idle() == 1
    assert services.expire_idle() == 0

    change.refresh_from_db()
    assert change.state == State.EXPIRED
    assert change.events.latest("pk").kind == "expired"
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.action, entry.result) == (None, "change.expired", "ok")


def test_a_comment_keeps_it_alive(proposed, viewer):
    change = aged(proposed(), expiry.LIFE)
    services.comment(change, viewer, "still wanted")

    assert services.expire_idle() == 0


def test_a_change_with_a_time_to_come_does_not_expire_before_it(proposed, reviewer, operator):
    due = timezone.now() + timedelta(days=90)
    change = services.schedule(services.approve(proposed(), reviewer), operator, due)
    aged(change, expiry.LIFE)

    assert services.expire_idle() == 0
    assert services.expire_idle(now=due + expiry.LIFE) == 1
    change.refresh_from_db()
    assert (change.state, change.scheduled_for) == (State.EXPIRED, None)


@pytest.mark.parametrize("end", ["withdraw", "reject", "expire"])
def test_its_author_opens_a_closed_change_again_as_a_draft(end, proposed, author, reviewer):
    change = services.approve(proposed(), reviewer)
    if end == "withdraw":
        services.withdraw(change, author)
    elif end == "reject":
        services.reject(change, reviewer, "no")
    else:
        aged(change, expiry.LIFE)
        services.expire_idle()
    change.refresh_from_db()
    closed = change.state

    change = services.reopen(change, author)

    assert (change.state, change.submitted_at, change.problem) == (State.DRAFT, None, "")
    assert change not in selectors.visible_to(reviewer)
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.action, entry.before, entry.after) == ("change.reopened", {"state": closed}, {"state": "draft"})


def test_votes_from_before_do_not_count_after_it_was_opened_again(proposed, author, reviewer):
    change = services.approve(proposed(), reviewer)
    services.withdraw(change, author)

    change = services.submit(services.reopen(change, author), author)

    assert change.state == State.IN_REVIEW
    [vote] = presenters.cast_votes(change, change.revisions.get())
    assert (vote["counts"], vote["why_not"]) == (False, "the change was closed and opened again")
    assert services.approve(change, reviewer).state == State.APPROVED
    assert Vote.objects.count() == 2


def test_after_thirty_days_it_stays_closed(proposed, author):
    change = aged(services.withdraw(proposed(), author), timedelta(days=30, seconds=1))

    with pytest.raises(StateForbids, match="more than 30 days ago"):
        services.reopen(change, author)


def test_nobody_else_opens_it_again(proposed, author, reviewer, admin):
    change = services.withdraw(proposed(), author)

    for somebody in (reviewer, admin):
        with pytest.raises(NotPermitted):
            services.reopen(change, somebody)


def test_whoever_sees_a_change_comments_on_it_a_token_too(proposed, viewer, auditor):
    change = proposed()
    with context.use(context.RequestContext(token_name="ci")):
        services.comment(change, viewer, "checked by the pipeline")
    services.comment(change, auditor, "noted")

    assert [event.text for event in change.events.filter(kind="commented")] == ["checked by the pipeline", "noted"]
    assert trail("change.commented") == [("change.commented", "ok")] * 2
    assert change.state == State.IN_REVIEW


def test_a_comment_needs_words_and_somebody_who_sees_the_change(proposed, viewer, outsider):
    with pytest.raises(InvalidInput):
        services.comment(proposed(), viewer, " \0 ")
    with pytest.raises(NotPermitted):
        services.comment(proposed(submit=False), viewer, "I cannot see this draft")
    with pytest.raises(NotPermitted):
        services.comment(proposed(), outsider, "nor do I have a role")
