"""A campaign sends each view once and gives it a true outcome."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, MANAGED, PAUSED, SUSPENDED
from tests.syncing import sync
from warehouse_admin.accounts import redis
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.budget import budget_name
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.signals import view_read
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import claims, engine, plan, services, verify
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
Start = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
RESUME = "resume_schedules"


def work(resume: Campaign) -> Campaign:
    services.run_campaign(resume.pk)
    resume.refresh_from_db()
    return resume


def entries_of(name: str) -> list[str]:
    """Results of the audit entries of one view, oldest first."""
    rows = AuditEntry.objects.filter(action="schedules.resume", object_name=name).order_by("sequence")
    return list(rows.values_list("result", flat=True))


def test_each_view_gets_its_true_outcome(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    resume = work(start(*SUSPENDED, HEALTHY, PAUSED, MANAGED, confirm_count=6))

    assert outcomes(resume) == {
        **dict.fromkeys(SUSPENDED, "resumed"),
        HEALTHY: "not_paused",
        PAUSED: "ignored",
        MANAGED: "ignored",
    }
    assert resume.state == "needs_attention"
    assert not any(sandbox.world.view(name).suspended for name in SUSPENDED)
    assert [len(sent.body["view_ids"]) for sent in sandbox.world.requests_to(RESUME)] == [3]
    assert all(sandbox.world.writes(sandbox.world.view(name).id) == 0 for name in (HEALTHY, PAUSED, MANAGED))
    assert {name: entries_of(name) for name in outcomes(resume)} == {
        **dict.fromkeys(SUSPENDED, ["ok"]),
        HEALTHY: ["ok"],
        PAUSED: ["failed"],
        MANAGED: ["failed"],
    }
    end = AuditEntry.objects.filter(action="schedules.resume", object_type="resume").order_by("sequence").last()
    assert end.after == {"state": "needs_attention", "counts": {"ignored": 2, "not_paused": 1, "resumed": 3}}
    assert end.request_id == resume.request_id


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The views of which the mirror said that they were read, in order."""
    names: list[str] = []

    def note(sender: type[SavedQuery], saved_query: SavedQuery, **more: object) -> None:
        names.append(saved_query.name)

    view_read.connect(note)
    yield names
    view_read.disconnect(note)


@pytest.mark.django_db(transaction=True)
def test_what_was_read_back_is_told_once_for_all_views_of_a_call(
    synced: Connection, start: Start, told: list[str]
) -> None:
    resume = work(start(*SUSPENDED))

    assert resume.items.filter(outcome="resumed").count() == 3
    assert len(told) == 1


def test_all_resumed_is_a_success_and_frees_the_views(synced: Connection, start: Start) -> None:
    resume = work(start(*SUSPENDED))

    assert (resume.state, resume.error) == ("succeeded", "")
    assert start(*SUSPENDED).state == "queued"


def test_a_view_that_the_server_leaves_suspended_is_ignored(
    synced: Connection, start: Start, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = actions._clear_suspension
    monkeypatch.setattr(
        actions, "_clear_suspension", lambda world, view: view.name != "int_sessions" and real(world, view)
    )

    resume = work(start(*SUSPENDED))

    assert outcomes(resume) == dict.fromkeys(SUSPENDED[:2], "resumed") | {"int_sessions": "ignored"}
    assert "still suspended" in resume.items.get(outcome="ignored").detail
    assert entries_of("int_sessions") == ["failed"]


def test_a_view_deleted_meanwhile_has_failed(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    resume = start(*SUSPENDED)
    sandbox.world.delete_outside("int_sessions")

    work(resume)

    assert outcomes(resume)["int_sessions"] == "failed"
    assert resume.state == "needs_attention"
    ended = AuditEntry.objects.filter(object_type="resume", object_id=str(resume.pk)).latest("sequence")
    assert (ended.result, ended.after["state"]) == ("failed", "needs_attention")
    assert resume.error == "Of 3 schedules 1 failed."


def test_where_suspensions_cannot_be_read_it_is_accepted_until_a_newer_run(
    generation: Callable[[str], Connection], start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    resume = work(start(*SUSPENDED))
    assert set(outcomes(resume).values()) == {"accepted"}
    assert resume.state == "succeeded"

    sandbox.world.fail_next_run("int_sessions", "Memory limit exceeded")
    sandbox.world.view("int_marketing_touches").failing = None
    for name in SUSPENDED[1:]:
        sandbox.world.run_outside(name, finish=True)
    sync(connection)
    services.follow()

    resume.refresh_from_db()
    assert outcomes(resume) == {
        "int_account_health": "accepted",
        "int_marketing_touches": "resumed",
        "int_sessions": "failed_again",
    }
    assert resume.state == "needs_attention"
    ended = AuditEntry.objects.filter(object_type="resume", object_id=str(resume.pk)).latest("sequence")
    assert ended.result == "unknown"  # one is accepted and not proven
    assert entries_of("int_marketing_touches") == ["unknown", "ok"]
    assert entries_of("int_sessions") == ["unknown", "failed"]


def test_a_lost_answer_is_settled_by_reading_and_never_sent_again(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_after", "POST", RESUME))

    resume = work(start(*SUSPENDED))

    assert set(outcomes(resume).values()) == {"resumed"}
    assert len(sandbox.world.requests_to(RESUME)) == 1


def test_a_request_that_never_arrived_is_unknown_until_it_can_land_no_more(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_before", "POST", RESUME))
    resume = work(start(*SUSPENDED))
    assert (set(outcomes(resume).values()), resume.state) == ({"unknown"}, "needs_attention")

    services.follow()
    assert set(outcomes(resume).values()) == {"unknown"}
    with time_machine.travel(timezone.now() + timedelta(seconds=90)):
        services.follow()

    resume.refresh_from_db()
    assert (set(outcomes(resume).values()), resume.state) == ({"failed"}, "failed")
    assert entries_of("int_sessions") == ["unknown", "failed"]
    assert len(sandbox.world.requests_to(RESUME)) <= 1


def test_a_view_that_cannot_be_read_again_is_unknown_and_settled_later(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    resume = start(*SUSPENDED)
    sandbox.world.faults.add(Fault("status_500", "GET", "warehouse_saved_queries/[0-9a-f-]{36}/$", times=None))
    work(resume)
    assert set(outcomes(resume).values()) == {"unknown"}

    sandbox.world.faults.clear()
    services.follow()

    resume.refresh_from_db()
    assert (set(outcomes(resume).values()), resume.state) == ({"resumed"}, "succeeded")


def test_a_key_that_lost_its_scope_ends_the_campaign_with_the_reason(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 1)
    resume = start(*SUSPENDED)
    sandbox.world.keys[sandbox.key].scopes = ["warehouse_view:read"]

    work(resume)

    assert set(outcomes(resume).values()) == {"failed"}
    assert resume.state == "failed"
    assert "warehouse_view:write" in resume.items.first().detail
    assert len(sandbox.world.requests_to(RESUME)) == 1


def test_a_key_refused_in_the_middle_ends_the_campaign_and_is_tried_no_more(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 1)
    resume = start(*SUSPENDED, HEALTHY)
    sandbox.world.faults.add(Fault("revoke_key", "POST", RESUME, after=1))

    work(resume)

    assert sorted(outcomes(resume).values()) == ["failed", "failed", "failed", "resumed"]
    assert resume.state == "needs_attention"
    assert [sent.status for sent in sandbox.world.requests_to(RESUME)] == [202, 401]
    assert "Not sent" in resume.items.order_by("position").last().detail
    assert len([sent for sent in sandbox.world.requests if sent.status == 401]) == 1
    assert AuditEntry.objects.filter(action="connection.key_refused", result="failed").count() == 1


@pytest.mark.parametrize("asked", [False, True], ids=["before its first chunk", "with a chunk asked for"])
def test_a_key_refused_elsewhere_ends_a_campaign_without_a_request(
    synced: Connection,
    start: Start,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    asked: bool,
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 1)
    resume = start(*SUSPENDED, HEALTHY)
    if asked:
        engine._ask(resume, [resume.items.select_related("saved_query").first()])
    sandbox.world.revoke_key(sandbox.key)
    accounts.check_connection(synced)
    sandbox.world.requests.clear()

    work(resume)

    assert (set(outcomes(resume).values()), resume.state) == ({"failed"}, "failed")
    assert all("PostHog refuses the API key of Demo" in item.detail for item in resume.items.all())
    assert [entries_of(name) for name in SUSPENDED] == [["failed"]] * 3
    assert Mutation.objects.count() == int(asked)
    assert sandbox.world.requests == []


def test_it_waits_for_the_rate_limit_and_goes_on(
    synced: Connection, start: Start, outcomes: Outcomes, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("status_429", "POST", RESUME, retry_after=40))
    resume = work(start(*SUSPENDED))
    assert resume.state == "running"
    assert resume.not_before is not None

    services.follow()
    assert set(outcomes(resume).values()) == {"queued"}
    redis.client().delete(f"{budget_name(synced)}:penalty")  # Redis has a clock of its own
    with time_machine.travel(timezone.now() + timedelta(seconds=45)):
        services.follow()

    assert set(outcomes(resume).values()) == {"resumed"}


def test_a_connection_without_a_usable_key_fails_in_words(synced: Connection, start: Start, outcomes: Outcomes) -> None:
    resume = start(*SUSPENDED, HEALTHY)
    Connection.objects.update(api_key="")

    work(resume)

    assert (set(outcomes(resume).values()), resume.state) == ({"failed"}, "failed")
    assert "cannot be used" in resume.items.first().detail


class Killed(BaseException):
    """The worker is gone between one statement and the next."""


KILLED_AT = [
    (engine.mutations, "send"),
    (engine, "verify"),
    (engine, "conclude"),
    (verify, "settle"),
]


@pytest.mark.parametrize(("module", "name"), KILLED_AT, ids=[name for _, name in KILLED_AT])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_killed_worker_is_taken_over_and_nothing_is_sent_twice(
    synced: Connection,
    start: Start,
    outcomes: Outcomes,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    after: bool,
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 2)
    real = getattr(module, name)
    calls = []

    def dies(*args: object, **kwargs: object) -> object:
        calls.append(name)
        if len(calls) > 1:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise Killed

    resume = start(*SUSPENDED)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with pytest.raises(Killed):
            services.run_campaign(resume.pk)
    services.follow()
    after_kill = Campaign.objects.get(pk=resume.pk)
    assert after_kill.state in ("running", "succeeded")
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        services.follow()

    resume.refresh_from_db()
    assert (set(outcomes(resume).values()), resume.state) == ({"resumed"}, "succeeded")
    sent = [key for request in sandbox.world.requests_to(RESUME) for key in request.body["view_ids"]]
    assert len(sent) == len(set(sent)) == 3
    assert [entries_of(view) for view in SUSPENDED] == [["ok"]] * 3
    assert AuditEntry.objects.filter(action="schedules.resume", object_type="resume").count() == 2


def test_two_workers_share_no_campaign(synced: Connection, start: Start, sandbox: SandboxServer) -> None:
    resume = start(*SUSPENDED)
    first = claims.claim(resume.pk)

    assert first is not None
    assert claims.claim(resume.pk) is None
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert claims.claim(resume.pk) is not None
        with pytest.raises(claims.ClaimLost):
            claims.heartbeat(first)


def test_it_stops_between_chunks_and_says_what_was_not_sent(
    synced: Connection,
    start: Start,
    outcomes: Outcomes,
    operator: User,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 1)
    resume = start(*SUSPENDED)
    real = engine.verify

    def stop_then_verify(*args: object) -> None:
        services.request_stop(campaign=resume, user=operator)
        monkeypatch.setattr(engine, "verify", real)
        real(*args)

    monkeypatch.setattr(engine, "verify", stop_then_verify)
    work(resume)

    assert sorted(outcomes(resume).values()) == ["queued", "queued", "resumed"]
    assert resume.state == "stopped"
    assert len(sandbox.world.requests_to(RESUME)) == 1
    assert AuditEntry.objects.filter(action="schedules.stop", actor=operator).count() == 1
    assert start(*SUSPENDED[1:], reason="go on").state == "queued"


def test_a_thousand_views_take_at_most_twenty_five_calls(
    synced: Connection, operator: User, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(engine, "_finish", lambda resume, mutation: sizes.append(len(mutation.payload["ids"])))
    model = SavedQuery.objects.get(name=SUSPENDED[0])
    rows = [
        SavedQuery(
            connection=synced,
            posthog_id=uuid.UUID(int=number),
            name=f"many_{number}",
            is_materialized=True,
            suspended=model.suspended,
        )
        for number in range(1000)
    ]
    made = SavedQuery.objects.bulk_create(rows)

    resume = services.start_resume(user=operator, saved_queries=made, reason="because", confirm_count=1000)
    work(resume)

    assert (len(sizes), sum(sizes)) == (25, 1000)
    assert Mutation.objects.filter(cause=f"resume:{resume.pk}").count() == 25


def test_an_abandoned_queue_message_is_found(synced: Connection, start: Start, outcomes: Outcomes) -> None:
    resume = start(*SUSPENDED)

    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        services.follow()

    assert set(outcomes(resume).values()) == {"resumed"}
