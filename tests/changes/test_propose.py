"""Writing a proposal: what is refused at the door, and that nothing of the text is lost on its way."""

from __future__ import annotations

import pytest

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.changes import services
from warehouse_admin.changes.errors import BaseMoved, StaleRevision
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State


def test_it_captures_the_base_live_and_goes_into_review(proposed, remote, sandbox, author):
    sandbox.world.edit_outside(remote.name, "SELECT 5 AS newer_than_the_mirror")

    change = proposed()

    revision = Revision.objects.get(change=change)
    assert change.state == State.IN_REVIEW
    assert revision.base["query"] == "SELECT 5 AS newer_than_the_mirror"
    assert revision.base["latest_history_id"] == remote.revision
    assert (revision.number, revision.editor, revision.proposal) == (1, author, {"query": NEW_SQL})
    assert trail("change.") == [("change.created", "ok"), ("change.submitted", "ok")]
    assert [event.kind for event in change.events.all()] == ["created", "submitted"]


def test_a_draft_needs_no_reason_but_submitting_it_does(proposed, author):
    change = proposed(submit=False, reason="")
    assert change.state == State.DRAFT

    with pytest.raises(InvalidInput) as refusal:
        services.submit(change, author)
    assert "reason" in refusal.value.errors

    services.revise(change, author, NEW_SQL + " LIMIT 1", 1, reason="now I know")
    assert services.submit(change, author).state == State.IN_REVIEW


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("SELECT 'a\0b'", "NUL byte on line 1, column 10"),
        ("SELECT a FROM", "Line 1"),
        ("SELECT {variables.x}", "not allowed in views"),
        ("DROP TABLE x", "must be a SELECT"),
        ("SELECT '" + "x" * (2 * 1024 * 1024) + "'", "at most 2048 kB"),
    ],
    ids=["empty", "blank", "nul", "syntax", "variable", "drop", "too large"],
)
def test_a_query_that_cannot_be_is_refused_with_its_place(query, said, proposed):
    with pytest.raises(InvalidInput) as refusal:
        proposed(query)

    assert said in refusal.value.errors["query"][0]
    assert refusal.value.status == 400
    assert not ChangeRequest.objects.exists()


def test_what_posthog_holds_already_is_no_change(proposed, remote):
    with pytest.raises(InvalidInput) as refusal:
        proposed(remote.sql)

    assert "holds already" in refusal.value.errors["query"][0]


@pytest.mark.parametrize("key", ["phx_abcdefgh12345678", "wa_Qd3xP0bV9kTzR5mWj7Ls1nYc8HgFa2uE6iOo4qXt4Pz"])
def test_an_api_key_is_kept_in_no_reason_and_in_no_comment(proposed, reviewer, key):
    with pytest.raises(InvalidInput) as refusal:
        proposed(reason=f"works with {key} again")
    change = proposed()
    with pytest.raises(InvalidInput) as refused:
        services.comment(change, reviewer, f"try {key}")

    assert (list(refusal.value.errors), list(refused.value.errors)) == (["reason"], ["comment"])
    assert "API key" in refusal.value.message and key not in refusal.value.message
    assert ChangeRequest.objects.count() == 1
    assert not change.events.filter(kind="commented").exists()


def test_query_and_reason_are_both_told_at_once(proposed):
    with pytest.raises(InvalidInput) as refusal:
        proposed("", reason=" ")

    assert set(refusal.value.errors) == {"query", "reason"}


def test_managed_views_and_tombstones_are_refused(proposed, view):
    view.managed_viewset_kind = "revenue_analytics"
    view.save()
    with pytest.raises(UserError, match="managed by PostHog") as refusal:
        proposed()
    assert refusal.value.status == 409
    assert refusal.value.blockers

    view.managed_viewset_kind, view.deleted_at = "", view.synced_at
    view.save()
    with pytest.raises(UserError, match="deleted in PostHog"):
        proposed()


def test_a_view_that_became_managed_unseen_is_refused(proposed, remote):
    remote.managed_viewset_kind = "revenue_analytics"

    with pytest.raises(UserError, match="managed"):
        proposed()


def test_a_view_that_is_gone_says_that_the_text_is_kept(proposed, sandbox, remote):
    sandbox.world.delete_outside(remote.name)

    with pytest.raises(UserError, match="no longer exists.*text is kept"):
        proposed()


@pytest.mark.parametrize("kind", ["drop_before", "status_500", "html_200", "truncated"])
def test_an_unreadable_posthog_says_that_the_text_is_kept(kind, proposed, sandbox, view):
    sandbox.world.faults.add(Fault(kind, "GET", times=9))

    with pytest.raises(UserError, match="text is kept"):
        proposed()
    assert not ChangeRequest.objects.exists()


def test_people_who_may_not_propose_are_refused(proposed, viewer, auditor):
    for person in (viewer, auditor):
        with pytest.raises(NotPermitted) as refusal:
            proposed(author=person)
        assert refusal.value.action == "change.created"


def test_an_editor_who_started_from_another_text_is_told(proposed, sandbox, remote):
    seen = text_digest(remote.sql)
    sandbox.world.edit_outside(remote.name, "SELECT 6 AS theirs")

    with pytest.raises(BaseMoved) as refusal:
        proposed(base=seen)

    assert refusal.value.live_query == "SELECT 6 AS theirs"
    assert proposed(base=text_digest("SELECT 6 AS theirs")).state == State.IN_REVIEW


def test_one_form_makes_one_change(proposed):
    assert proposed(nonce="f1") == proposed(nonce="f1")
    assert ChangeRequest.objects.count() == 1
    assert proposed(nonce="f2").pk != proposed(nonce="f1").pk


@pytest.mark.parametrize(
    "query", ["SELECT '🦔' AS a,\r\n  1 AS b\r\nFROM stg_app_orders\r\n", "SELECT '" + "x" * 2_097_130 + "' AS a"]
)
def test_exact_bytes_are_kept(query, proposed):
    assert Revision.objects.get(change=proposed(query)).proposal["query"] == query


def test_a_revision_is_new_and_the_old_one_stays(proposed, author):
    change = services.revise(proposed(), author, "SELECT 2 AS two", 1)

    assert change.revision_number == 2
    assert [r.proposal["query"] for r in change.revisions.all()] == [NEW_SQL, "SELECT 2 AS two"]
    assert trail("change.")[-1] == ("change.revised", "ok")


def test_an_old_revision_is_refused_and_nothing_is_lost(proposed, author):
    change = services.revise(proposed(), author, "SELECT 2 AS two", 1)

    with pytest.raises(StaleRevision, match="saved r2 meanwhile") as refusal:
        services.revise(change, author, "SELECT 3 AS three", 1)

    assert refusal.value.status == 409
    assert change.revisions.count() == 2


def test_only_the_author_edits(proposed, reviewer, admin):
    change = proposed()
    for person in (reviewer, admin):
        with pytest.raises(NotPermitted):
            services.revise(change, person, "SELECT 2 AS two", 1)


def test_a_revision_that_undoes_the_change_is_refused(proposed, author, remote):
    with pytest.raises(InvalidInput, match="Withdraw"):
        services.revise(proposed(), author, remote.sql, 1)


def test_saving_and_submitting_is_refused_as_one(sandbox, view, remote, author):
    sandbox.world.unmaterialize_outside(remote.name)
    change = services.create(author=author, action="set_cadence", saved_query=view, sync_frequency="12hour")
    before = trail()

    for _ in range(2):  # what was refused can be sent again as it is
        with pytest.raises(UserError, match="not materialized"):
            services.save_revision(
                change, author, {"sync_frequency": "6hour"}, revision=1, reason="because", submitting=True
            )

    change.refresh_from_db()
    assert (change.state, change.reason, change.revision_number) == (State.DRAFT, "", 1)
    assert trail() == before
