"""An approved change that is applied at a time: once, by the sweep, for the operator who set it, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.roles import Role, take_role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import readiness, services, turns
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, NotPermitted

State = ChangeRequest.State
DUE = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)


@pytest.fixture
def by_hand(connection):
    connection.apply_policy = "manual"
    connection.save()


@pytest.fixture
def approved(by_hand, proposed, reviewer):
    return services.approve(proposed(), reviewer)


@pytest.fixture
def scheduled(approved, operator):
    return services.schedule(approved, operator, DUE)


@pytest.fixture
def sweep(committed):
    """Let the sweep run so long after the time, and give the change as it is then."""

    def run(change: ChangeRequest, after: timedelta) -> ChangeRequest:
        with committed():
            services.settle_open(now=DUE + after)
        change.refresh_from_db()
        return change

    return run


def test_it_is_applied_once_its_time_has_come(sandbox, remote, scheduled, sweep, operator):
    assert readiness.blockers(scheduled)[0]["text"] == f"It is applied at {DUE:%Y-%m-%d %H:%M} UTC."
    assert sweep(scheduled, -timedelta(seconds=1)).state == State.SCHEDULED
    assert sandbox.world.writes(remote.id) == 0

    change = sweep(scheduled, timedelta(seconds=20))

    assert (change.state, change.apply_asked_by, change.scheduled_for) == (State.APPLIED, operator, None)
    assert remote.sql == NEW_SQL
    sweep(scheduled, timedelta(seconds=40))
    assert sandbox.world.writes(remote.id) == 1
    assert ("change.scheduled", "ok") in trail() and trail()[-1] == ("change.applied", "ok")
    entry = AuditEntry.objects.get(action="change.scheduled")
    assert (entry.actor, datetime.fromisoformat(entry.after["at"])) == (operator, DUE)


def test_another_time_takes_the_place_of_the_first(scheduled, sweep, operator):
    services.schedule(scheduled, operator, DUE + timedelta(hours=1))

    assert sweep(scheduled, timedelta(seconds=20)).state == State.SCHEDULED
    assert sweep(scheduled, timedelta(hours=1)).state == State.APPLIED


def test_too_late_it_waits_for_a_person(connection, sandbox, remote, scheduled, sweep, operator, committed):
    # Not even a policy that applies by itself starts it late.
    connection.apply_policy = "automatic"
    connection.save()
    change = sweep(scheduled, timedelta(minutes=10, seconds=1))

    assert change.state == State.APPROVED
    assert "within 10 minutes" in change.problem and "within 10 minutes" in readiness.blockers(change)[0]["text"]
    assert trail()[-1] == ("change.schedule_missed", "failed")
    assert sweep(change, timedelta(minutes=11)).state == State.APPROVED
    assert sandbox.world.writes(remote.id) == 0
    assert change in turns.my_turn(operator)

    with committed():
        services.apply(change, operator)
    change.refresh_from_db()
    assert change.state == State.APPLIED


def test_a_paused_connection_holds_it_up_until_it_is_too_late(connection, scheduled, sweep):
    connection.is_active = False
    connection.save()
    assert sweep(scheduled, timedelta(minutes=9)).state == State.SCHEDULED

    connection.is_active = True
    connection.save()
    assert sweep(scheduled, timedelta(minutes=10)).state == State.APPLIED


def test_nothing_is_given_a_time_while_it_is_held_up(connection, approved, operator, client_of):
    connection.is_active = False
    connection.save()

    with pytest.raises(StateForbids, match="The connection Demo is paused"):
        services.schedule(approved, operator, DUE)

    approved.refresh_from_db()
    assert (approved.state, approved.scheduled_for) == (State.APPROVED, None)
    assert ("change.scheduled", "ok") not in trail()
    page = client_of(operator).get(f"/changes/{approved.pk}/schedule/")
    assert (page.status_code, "is paused" in page.content.decode()) == (409, True)


def test_a_refused_key_holds_it_up_until_it_is_too_late_and_says_so(connection, sandbox, scheduled, sweep):
    sandbox.world.revoke_key(sandbox.key)
    accounts.check_connection(connection)
    sandbox.world.requests.clear()
    assert sweep(scheduled, timedelta(minutes=9)).state == State.SCHEDULED

    change = sweep(scheduled, timedelta(minutes=11))

    assert change.state == State.APPROVED
    assert "within 10 minutes of its time. PostHog refuses the API key of Demo" in change.problem
    assert trail("change.")[-1] == ("change.schedule_missed", "failed")
    assert sandbox.world.requests == []


def test_it_does_not_start_for_an_operator_who_is_none_any_more(sandbox, remote, scheduled, sweep, operator):
    take_role(operator, Role.OPERATOR)

    change = sweep(scheduled, timedelta(seconds=20))

    assert (change.state, sandbox.world.writes(remote.id)) == (State.APPROVED, 0)
    assert "may no longer apply" in change.problem
    assert trail()[-1] == ("change.schedule_missed", "failed")


def test_it_does_not_start_when_the_approval_was_lost(sandbox, remote, scheduled, sweep, reviewer):
    take_role(reviewer, Role.REVIEWER)

    change = sweep(scheduled, timedelta(seconds=20))

    assert (change.state, change.scheduled_for, sandbox.world.writes(remote.id)) == (State.IN_REVIEW, None, 0)
    assert trail()[-1] == ("change.approval_lost", "ok")


def test_a_revision_clears_the_time(scheduled, sweep, author):
    services.revise(scheduled, author, "SELECT 3 AS three", 1)

    assert sweep(scheduled, timedelta(seconds=20)).state == State.IN_REVIEW
    assert scheduled.scheduled_for is None


def test_a_revision_of_the_layout_alone_waits_for_an_operator(sandbox, remote, scheduled, sweep, author):
    services.revise(scheduled, author, NEW_SQL + "\n", 1)

    assert sweep(scheduled, timedelta(seconds=20)).state == State.APPROVED
    assert sandbox.world.writes(remote.id) == 0


@pytest.mark.parametrize("end", ["withdraw", "reject"])
def test_what_was_closed_is_not_applied(end, sandbox, remote, scheduled, sweep, author, reviewer):
    closed = services.withdraw(scheduled, author) if end == "withdraw" else services.reject(scheduled, reviewer, "no")

    assert sweep(scheduled, timedelta(seconds=20)).state == closed.state
    assert (scheduled.scheduled_for, sandbox.world.writes(remote.id)) == (None, 0)


def test_an_operator_may_apply_it_sooner(scheduled, operator, committed, sandbox, remote):
    with committed():
        services.apply(scheduled, operator)

    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.scheduled_for) == (State.APPLIED, None)
    assert sandbox.world.writes(remote.id) == 1


@pytest.mark.parametrize("late_by", [timedelta(seconds=1), timedelta(days=-367)])
def test_only_a_time_to_come_and_not_far_off_is_taken(late_by, approved, operator):
    with pytest.raises(InvalidInput) as refused:
        services.schedule(approved, operator, timezone.now() - late_by)

    assert "at" in refused.value.errors
    approved.refresh_from_db()
    assert (approved.state, approved.scheduled_for) == (State.APPROVED, None)


def test_only_operators_schedule(approved, author, reviewer, admin):
    for person in (author, reviewer, admin):
        with pytest.raises(NotPermitted):
            services.schedule(approved, person, DUE)
    approved.refresh_from_db()
    assert approved.state == State.APPROVED


def test_a_lost_approval_cannot_be_scheduled(approved, operator, reviewer):
    take_role(reviewer, Role.REVIEWER)

    with pytest.raises(StateForbids, match="no longer counts"):
        services.schedule(approved, operator, DUE)

    approved.refresh_from_db()
    assert approved.state == State.IN_REVIEW


def test_taken_off_the_schedule_it_stays_approved_and_waits_for_an_operator(
    connection, sandbox, remote, scheduled, sweep, operator
):
    # Not even a policy that applies by itself starts it: an operator took it in hand.
    connection.apply_policy = "automatic"
    connection.save()

    change = services.unschedule(scheduled, operator)

    assert (change.state, change.scheduled_for) == (State.APPROVED, None)
    assert sweep(change, timedelta(seconds=20)).state == State.APPROVED
    assert sandbox.world.writes(remote.id) == 0
    assert change in turns.my_turn(operator)
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.action, entry.after) == (operator, "change.unscheduled", {"at": None})


def test_only_operators_take_it_off_the_schedule(scheduled, author, reviewer, admin):
    for person in (author, reviewer, admin):
        with pytest.raises(NotPermitted):
            services.unschedule(scheduled, person)


def test_what_was_taken_in_hand_starts_by_itself_again_after_a_real_edit(
    connection, scheduled, operator, author, reviewer, committed, remote
):
    change = services.unschedule(scheduled, operator)
    connection.apply_policy = "automatic"
    connection.save()
    services.revise(change, author, "SELECT 3 AS three", 1)

    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert (change.state, remote.sql) == (State.APPLIED, "SELECT 3 AS three")


@pytest.fixture
def schedule_page(approved, operator, client_of):
    client, path = client_of(operator), f"/changes/{approved.pk}/schedule/"
    return client, path


def test_a_time_is_typed_in_a_zone_and_kept_in_utc(schedule_page, approved):
    client, path = schedule_page
    assert 'value="UTC" selected' in client.get(path).content.decode()
    day = (timezone.now() + timedelta(days=3)).date()

    answer = client.post(path, {"date": day, "time": "10:15", "zone": "Asia/Kathmandu"}, follow=True)

    approved.refresh_from_db()
    assert approved.state == State.SCHEDULED
    assert approved.scheduled_for == datetime(day.year, day.month, day.day, 4, 30, tzinfo=UTC)
    assert f"{day} 10:15 +05:45 (04:30 UTC)" in answer.content.decode()
    assert approved.events.latest("pk").text == f"For {day} 10:15 +05:45 (04:30 UTC)."


def _last_sunday(month: int) -> str:
    """The day of the next clock change in Berlin in that month."""
    now = timezone.now()
    year = now.year if now.month < month else now.year + 1
    last = datetime(year, month, 31)
    return f"{last - timedelta(days=(last.weekday() + 1) % 7):%Y-%m-%d}"


@pytest.mark.parametrize(("month", "said"), [(10, "happens twice"), (3, "does not happen")])
def test_a_time_that_a_clock_change_makes_unclear_is_asked_about(month, said, schedule_page, approved):
    client, path = schedule_page
    typed = {"date": _last_sunday(month), "time": "02:30", "zone": "Europe/Berlin"}

    page = client.post(path, typed)

    assert page.status_code == 422
    assert said in page.content.decode()
    approved.refresh_from_db()
    assert approved.state == State.APPROVED
    readings = [value for value, _ in page.context["form"].readings]
    assert len(readings) == 2
    assert client.post(path, {**typed, "reading": "2030-01-01T00:00:00+00:00"}).status_code == 422
    assert client.post(path, {**typed, "reading": readings[1]}).status_code == 302
    approved.refresh_from_db()
    assert approved.scheduled_for == datetime.fromisoformat(readings[1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Base"},
        {"date": "2020-01-01"},
        {"date": "0001-01-01", "zone": "Asia/Tokyo"},
        {"time": "25:00"},
        {"date": "9999-12-31"},
    ],
)
def test_a_form_that_makes_no_sense_is_shown_again(wrong, schedule_page, approved):
    client, path = schedule_page
    typed = {"date": f"{timezone.now() + timedelta(days=1):%Y-%m-%d}", "time": "10:00", "zone": "UTC", **wrong}

    assert client.post(path, typed).status_code == 422
    approved.refresh_from_db()
    assert approved.state == State.APPROVED


def test_only_operators_see_the_page_to_schedule(approved, client_of, author, reviewer):
    for person in (author, reviewer):
        assert client_of(person).get(f"/changes/{approved.pk}/schedule/").status_code == 403
