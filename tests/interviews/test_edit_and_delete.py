"""Summaries and addresses are changed, and interviews deleted for good, through the gate and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.interviews.conftest import PATH, results
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.facts import IN_WAREHOUSE
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.interviews import carrying, services
from warehouse_admin.interviews.asking import GATE
from warehouse_admin.interviews.errors import ChangedSince, Gone, UnderWay
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.sandbox.faults import Fault

pytestmark = pytest.mark.django_db
State = Mutation.State


def later(seconds: float = 71):
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def one(interviews) -> Interview:
    return interviews[0]


@pytest.fixture
def there(sandbox, one):
    return sandbox.world.interviews[str(one.posthog_id)]


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_an_edit_reaches_posthog_and_the_mirror(sandbox, author, one, there, generation):
    sandbox.world.set_generation(generation)

    write = services.edit(user=author, interview=one, summary=" **New** words\r\nof two lines ", emails=["x@y.io"])
    write = services.carry_out(write.pk)

    assert write.mutation.state == State.HAPPENED
    assert (there.summary, there.interviewee_emails) == ("**New** words\nof two lines", ["x@y.io"])
    one.refresh_from_db()
    assert (one.summary, one.emails) == (there.summary, ["x@y.io"])
    assert results("interview.update") == ["asked", "ok"]


def test_the_trail_tells_that_the_summary_changed_and_not_what_it_says(author, one):
    services.carry_out(services.edit(user=author, interview=one, summary="Very private words", reason="typo").pk)

    asked, ok = AuditEntry.objects.filter(action="interview.update").order_by("sequence")
    assert (asked.object_id, asked.actor_name, asked.reason) == (str(one.posthog_id), "author", "typo")
    assert asked.before["summary"]["digest"] != asked.after["summary"]["digest"]
    assert asked.after["summary"]["characters"] == 18
    kept = Mutation.objects.get()
    for row in (asked, ok, kept):
        assert "private" not in str(vars(row))
        assert "gave three subscriptions" not in str(vars(row))


def test_nothing_is_sent_where_nothing_differs(sandbox, author, one):
    assert services.edit(user=author, interview=one, summary=one.summary, emails=one.emails) is None
    assert not Mutation.objects.exists()


def test_an_edit_made_elsewhere_meanwhile_is_not_overwritten(sandbox, author, one, there):
    write = services.edit(user=author, interview=one, summary="mine")
    there.summary = "theirs"

    write = services.carry_out(write.pk)

    assert write.mutation.state == State.CONFLICT
    assert there.summary == "theirs"
    assert not sandbox.world.requests_to(PATH, "PATCH")


def test_an_edit_made_elsewhere_in_another_field_does_not_matter(author, one, there):
    write = services.edit(user=author, interview=one, emails=["new@x.io"])
    there.summary = "theirs"
    assert services.carry_out(write.pk).mutation.state == State.HAPPENED
    assert (there.summary, there.interviewee_emails) == ("theirs", ["new@x.io"])


def test_a_form_that_was_opened_on_another_state_is_refused(author, one):
    with pytest.raises(ChangedSince):
        services.edit(user=author, interview=one, summary="mine", seen="0" * 64)


@pytest.mark.parametrize("kind", ["drop_after", "status_500", "html_200", "truncated", "status_503_html"])
def test_a_lost_answer_to_an_edit_is_settled_by_reading(sandbox, author, one, there, kind):
    sandbox.world.faults.add(Fault(kind, "PATCH", PATH, act=True))
    write = services.carry_out(services.edit(user=author, interview=one, summary="mine").pk)
    assert write.mutation.state == State.UNCONFIRMED

    mutations.settle(write.mutation_id, now=later(10))
    carrying.tend()

    write.refresh_from_db()
    one.refresh_from_db()
    assert (write.is_open, one.summary, there.summary) == (False, "mine", "mine")
    assert len(sandbox.world.requests_to(PATH, "PATCH")) == 1


def test_an_edit_that_did_not_land_is_said_to_have_not(sandbox, author, one, there):
    sandbox.world.faults.add(Fault("drop_before", "PATCH", PATH))
    write = services.carry_out(services.edit(user=author, interview=one, summary="mine").pk)
    assert mutations.settle(write.mutation_id, now=later(30)).state == State.UNCONFIRMED
    assert mutations.settle(write.mutation_id, now=later()).state == State.DID_NOT_HAPPEN
    assert there.summary.startswith("A couple")


def test_one_write_of_an_interview_at_a_time(author, one):
    services.edit(user=author, interview=one, summary="mine")
    with pytest.raises(UnderWay, match="last edit"):
        services.edit(user=author, interview=one, summary="other")
    with pytest.raises(UnderWay):
        services.delete(user=author, interview=one, confirm=str(one.posthog_id), reason="asked to")


@pytest.mark.parametrize("generation", ["A", "D"])
def test_a_deletion_leaves_nothing_anywhere_but_its_trail(sandbox, operator, one, generation):
    sandbox.world.set_generation(generation)
    key = str(one.posthog_id)
    write = services.delete(user=operator, interview=one, confirm=key, reason="they asked to be forgotten")
    again = services.delete(user=operator, interview=one, confirm=key, reason="they asked to be forgotten")
    assert write == again

    write = services.carry_out(write.pk)

    one.refresh_from_db()
    assert write.mutation.state == State.HAPPENED
    assert key not in sandbox.world.interviews
    assert (one.summary, one.transcript, one.emails) == ("", "", [])
    assert one.deleted_at
    rows = AuditEntry.objects.filter(action="interview.delete").order_by("sequence")
    assert [(row.result, row.reason) for row in rows] == [
        ("asked", "they asked to be forgotten"),
        ("ok", "they asked to be forgotten"),
    ]
    assert not any("mail.example" in str(vars(row)) for row in rows)
    with pytest.raises(Gone):
        services.edit(user=operator, interview=one, summary="x")


def test_a_lost_answer_to_a_deletion_is_settled_by_a_404(sandbox, operator, one):
    sandbox.world.faults.add(Fault("drop_after", "DELETE", PATH))
    write = services.delete(user=operator, interview=one, confirm=str(one.posthog_id), reason="r")
    assert services.carry_out(write.pk).mutation.state == State.UNCONFIRMED
    mutations.settle(write.mutation_id, now=later(10))
    carrying.tend()
    one.refresh_from_db()
    assert one.deleted_at and not one.summary
    assert len(sandbox.world.requests_to(PATH, "DELETE")) == 1


def test_what_was_deleted_elsewhere_is_a_success_and_nothing_is_sent(sandbox, operator, one):
    del sandbox.world.interviews[str(one.posthog_id)]
    write = services.delete(user=operator, interview=one, confirm=str(one.posthog_id), reason="r")
    assert services.carry_out(write.pk).mutation.state == State.HAPPENED
    assert not sandbox.world.requests_to(PATH, "DELETE")


@pytest.mark.parametrize(
    ("confirm", "reason", "fields"),
    [
        ("", "r", {"confirm"}),
        ("{key}x", "r", {"confirm"}),
        ("{key}", " ", {"reason"}),
        ("no", "\u200b", {"confirm", "reason"}),
    ],
)
def test_a_deletion_needs_the_id_and_a_reason(operator, one, confirm, reason, fields):
    with pytest.raises(InvalidInput) as refused:
        services.delete(user=operator, interview=one, confirm=confirm.format(key=one.posthog_id), reason=reason)
    assert set(refused.value.errors) == fields
    assert not Write.objects.exists()


def test_a_reason_that_holds_an_api_key_is_refused(operator, one):
    with pytest.raises(InvalidInput, match="API key"):
        services.delete(user=operator, interview=one, confirm=str(one.posthog_id), reason="with phx_" + "k" * 43)

    assert not Mutation.objects.exists() and results("interview.delete") == []


def test_those_without_the_permission_change_nothing(one, viewer, reviewer, auditor):
    for person in (viewer, reviewer, auditor):
        with pytest.raises(NotPermitted):
            services.edit(user=person, interview=one, summary="x")
        with pytest.raises(NotPermitted):
            services.delete(user=person, interview=one, confirm=str(one.posthog_id), reason="r")
    assert not Mutation.objects.exists()


def test_the_inbox_of_the_warehouse_goes_on_and_tells_nothing_of_interviews(connection, author, one):
    services.carry_out(services.edit(user=author, interview=one, summary="Another summary").pk)
    Mutation.objects.create(
        connection=connection,
        kind=Mutation.Kind.RUN,
        object_id="0192e4d8-0000-7000-8000-000000000001",
        object_name="mart_revenue",
        state=Mutation.State.HAPPENED,
        sent_at=timezone.now(),
        asked_at=timezone.now(),
        idempotency_key="a-run",
        actor=author,
    )

    activity.ingest(connection)

    assert [entry.object_name for entry in ActivityEntry.objects.exclude(mutation=None)] == ["mart_revenue"]
    assert set(Mutation.Kind) - set(IN_WAREHOUSE) == set(GATE.values())


def test_after_a_conflict_the_next_edit_starts_from_what_posthog_has(author, one, there):
    write = services.edit(user=author, interview=one, summary="mine")
    there.summary = "theirs"
    assert services.carry_out(write.pk).mutation.state == State.CONFLICT

    one.refresh_from_db()
    assert one.summary == "theirs"
    again = services.carry_out(services.edit(user=author, interview=one, summary="mine after theirs").pk)
    assert (again.mutation.state, there.summary) == (State.HAPPENED, "mine after theirs")
    assert results("interview.update") == ["asked", "failed", "asked", "ok"]


@pytest.mark.parametrize("then", [None, Fault("status_500", "GET", PATH, after=1, times=9)])
def test_an_interview_that_turns_out_to_be_gone_is_forgotten_at_once(sandbox, author, one, then):
    write = services.edit(user=author, interview=one, summary="mine")
    del sandbox.world.interviews[str(one.posthog_id)]
    if then is not None:
        sandbox.world.faults.add(then)

    write = services.carry_out(write.pk)

    one.refresh_from_db()
    assert (write.mutation.state, write.is_open) == (State.CONFLICT, False)
    assert "no longer exists" in write.mutation.error
    assert one.deleted_at and (one.summary, one.transcript, one.emails) == ("", "", [])
    assert results("interview.update") == ["asked", "failed"]


def test_an_interview_that_goes_in_the_moment_of_an_edit_is_forgotten_too(sandbox, author, one, monkeypatch):
    send = writes.update_interview

    def too_late(client, key, **fields):
        del sandbox.world.interviews[key]
        return send(client, key, **fields)

    monkeypatch.setattr(writes, "update_interview", too_late)
    write = services.carry_out(services.edit(user=author, interview=one, summary="mine").pk)
    one.refresh_from_db()
    assert write.mutation.state == State.REFUSED
    assert one.deleted_at and not one.summary


def test_a_deletion_that_was_decided_on_other_words_is_not_sent(sandbox, operator, one, there):
    key, seen = str(one.posthog_id), one.fingerprint
    write = services.delete(user=operator, interview=one, confirm=key, reason="r", seen=seen)
    there.summary = "theirs"  # after the form was taken

    write = services.carry_out(write.pk)

    one.refresh_from_db()
    assert write.mutation.state == State.CONFLICT
    assert "Somebody changed the interview in PostHog since this was written" in write.mutation.error
    assert key in sandbox.world.interviews and not sandbox.world.requests_to(PATH, "DELETE")
    assert results("interview.delete") == ["asked", "failed"]
    assert (one.summary, one.deleted_at) == ("theirs", None)
    again = services.delete(user=operator, interview=one, confirm=key, reason="r", seen=one.fingerprint)
    assert services.carry_out(again.pk).mutation.state == State.HAPPENED
    assert key not in sandbox.world.interviews


def test_an_edit_while_a_deletion_is_under_way_does_not_make_it_doubtful(sandbox, operator, one, there):
    sandbox.world.faults.add(Fault("drop_before", "DELETE", PATH))
    write = services.delete(user=operator, interview=one, confirm=str(one.posthog_id), reason="r", seen=one.fingerprint)
    assert services.carry_out(write.pk).mutation.state == State.UNCONFIRMED
    there.summary = "theirs"
    assert mutations.settle(write.mutation_id, now=later()).state == State.DID_NOT_HAPPEN


def test_who_wants_it_gone_however_it_is_is_not_held_up(sandbox, operator, one, there):
    write = services.delete(user=operator, interview=one, confirm=str(one.posthog_id), reason="r")
    there.summary = "theirs"
    assert services.carry_out(write.pk).mutation.state == State.HAPPENED
    assert str(one.posthog_id) not in sandbox.world.interviews


def test_a_form_is_taken_where_posthog_cannot_be_read_and_compared_later(sandbox, author, one, there):
    there.summary = "theirs"
    sandbox.world.faults.add(Fault("status_500", "GET", PATH, times=9))
    write = services.edit(user=author, interview=one, summary="mine", seen=one.fingerprint)
    sandbox.world.faults.clear()
    assert services.carry_out(write.pk).mutation.state == State.CONFLICT
    assert there.summary == "theirs"
