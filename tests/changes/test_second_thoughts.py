"""What is sent twice, changed underneath, or meets a view that is gone: nothing is lost, and nothing goes on unsaid."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.conftest import NEW_SQL, trail
from tests.changes.pages import hidden, url, words
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import services
from warehouse_admin.changes.errors import SentAlready, StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput

pytestmark = pytest.mark.django_db
State = ChangeRequest.State
OTHER_SQL = "SELECT 2 AS two"


def test_a_form_that_is_sent_again_with_another_text_is_refused_and_keeps_it(client_of, author, edit_url):
    client = client_of(author)
    page = client.get(edit_url)
    body = {name: hidden(page, name) for name in ("base", "nonce")} | {"reason": "because", "query": NEW_SQL}
    client.post(edit_url, body)
    first = ChangeRequest.objects.get()
    assert client.post(edit_url, body).status_code == 302, "a double click"

    again = client.post(edit_url, body | {"query": OTHER_SQL})

    assert again.status_code == 409
    assert f"has made #{first.pk} already" in words(again) and OTHER_SQL in words(again)
    assert f'href="{url("detail", first)}">Open #{first.pk}<' in again.content.decode()
    assert ChangeRequest.objects.count() == 1
    as_another = {name: hidden(again, name) for name in ("base", "nonce")} | {"reason": "because", "query": OTHER_SQL}
    client.post(edit_url, as_another)
    assert ChangeRequest.objects.count() == 2


def test_another_reason_is_not_lost_either(proposed):
    proposed(nonce="f1", reason="because")

    with pytest.raises(SentAlready):
        proposed(nonce="f1", reason="for another reason")


def test_a_rollback_that_began_without_a_reason_gets_one_before_anybody_reviews_it(
    applied, sandbox, remote, author, client_of
):
    sandbox.world.edit_outside(remote.name, "SELECT 8 AS later_work")
    undone = services.rollback(applied, author)
    assert (undone.state, undone.reason) == (State.NEEDS_REBASE, "")
    client = client_of(author)
    page = client.get(url("rebase", undone))
    kept = {name: hidden(page, name) for name in ("base", "revision", "drops_all")}
    body = kept | {"do": "replace", "overwrite": "yes"}

    refused = client.post(url("rebase", undone), body)

    assert refused.status_code == 422 and "Say why" in words(refused)
    undone.refresh_from_db()
    assert undone.state == State.NEEDS_REBASE
    client.post(url("rebase", undone), body | {"reason": "it broke the dashboard"})
    undone.refresh_from_db()
    assert (undone.state, undone.reason) == (State.IN_REVIEW, "it broke the dashboard")
    assert ("change.remote_replaced", "ok") in trail("change.")


def test_rest_asks_for_that_reason_too(applied, sandbox, remote, author):
    sandbox.world.edit_outside(remote.name, "SELECT 8 AS later_work")
    undone = services.rollback(applied, author)

    with pytest.raises(InvalidInput, match="Say why"):
        services.rebase(undone, author, OTHER_SQL)

    assert services.rebase(undone, author, OTHER_SQL, reason="it broke").reason == "it broke"


def test_a_rollback_that_is_asked_for_again_with_a_reason_goes_to_review(applied, author):
    draft = services.rollback(applied, author)
    assert draft.state == State.DRAFT

    undone = services.rollback(applied, author, "it broke the dashboard")

    assert (undone.pk, undone.state, undone.reason) == (draft.pk, State.IN_REVIEW, "it broke the dashboard")
    assert trail("change.submitted")[-1] == ("change.submitted", "ok")
    with pytest.raises(StateForbids, match="for another reason"):
        services.rollback(applied, author, "something else")


def test_another_policy_does_not_send_what_was_approved_for_an_operator(proposed, reviewer, operator, committed):
    Connection.objects.update(apply_policy=Connection.ApplyPolicy.MANUAL)
    change = proposed()
    services.approve(change, reviewer)

    Connection.objects.update(apply_policy=Connection.ApplyPolicy.AUTOMATIC)
    with committed():
        services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPROVED
    assert trail("change.apply_asked") == []

    with committed():
        services.apply(change, operator)
    change.refresh_from_db()
    assert change.state == State.APPLIED


def test_a_view_that_was_deleted_meanwhile_leads_to_what_can_be_done(
    proposed, reviewer, author, operator, remote, sandbox, committed, client_of
):
    change = proposed()
    sandbox.world.delete_outside(remote.name)

    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert sandbox.world.writes(remote.id) == 0
    assert (change.state, change.problem) == (State.NEEDS_REBASE, "The view no longer exists in PostHog.")
    assert ("change.needs_rebase", "failed") in trail("change.")
    page = client_of(author).get(url("detail", change)).content.decode()
    assert url("rebase", change) in page
    assert "The view of" in words(client_of(author).get(url("rebase", change)))
    assert "Try again" not in words(client_of(operator).get(url("detail", change)))


def test_giving_way_needs_something_to_give_way_to(proposed, author):
    change = proposed()

    with pytest.raises(StateForbids, match="still holds"):
        services.drop_mine(change, author)

    change.refresh_from_db()
    assert change.state == State.IN_REVIEW
    assert trail("change.dropped") == []


def test_a_vote_keeps_the_edit_that_had_cost_it_when_its_author_votes_again(proposed, author, reviewer, committed):
    Connection.objects.update(apply_policy=Connection.ApplyPolicy.MANUAL)
    change = proposed()
    services.approve(change, reviewer)
    change.refresh_from_db()
    services.save_revision(change, author, {"query": OTHER_SQL}, revision=1, reason="because", submitting=False)

    services.approve(change, reviewer)

    assert change.votes.order_by("pk").first().voided_because == "r2 changed the query; voted again"


def test_a_vote_on_what_was_shown_otherwise_says_so(proposed, reviewer):
    change = proposed()

    with pytest.raises(StaleRevision, match="is not what r1 is or breaks by now"):
        services.approve(change, reviewer, "", revision=1, digest="0" * 64)


def test_a_comment_is_posted_once_however_often_the_button_is_pressed(proposed, author):
    change = proposed()
    for _ in range(3):
        services.comment(change, author, "look at line 3")
    services.comment(change, author, "and at line 4")
    services.comment(change, author, "look at line 3")

    said = change.events.filter(kind="commented").order_by("pk").values_list("text", flat=True)
    assert list(said) == ["look at line 3", "and at line 4", "look at line 3"]
    assert trail("change.commented") == [("change.commented", "ok")] * 3


@pytest.mark.parametrize("step", ["withdraw", "reject", "drop", "carry-over"])
def test_nobody_is_asked_to_confirm_what_they_cannot_do(proposed, viewer, client_of, step):
    change = proposed()

    answer = client_of(viewer).get(url(step, change))

    assert answer.status_code == 409
    assert "by you as it stands" in words(answer)


def test_nobody_is_asked_to_dismiss_what_nobody_asked_for(proposed, admin, reviewer, client_of):
    change = proposed()

    answer = client_of(admin).get(reverse("changes:dismiss", args=[change.pk, reviewer.username]))

    assert answer.status_code == 409


def test_what_nobody_sees_is_no_reason_and_no_comment(proposed, reviewer):
    with pytest.raises(InvalidInput, match="Say why"):
        proposed(reason="\u200b \u2060")
    with pytest.raises(InvalidInput, match="Say why"):
        services.request_changes(proposed(), reviewer, "\u200b")
    with pytest.raises(InvalidInput, match="Say why"):
        services.submit(proposed(reason="\u200b", submit=False), proposed(nonce="f").author)
