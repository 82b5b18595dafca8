"""What holds for every kind of write: sent once, believed when read back, found out about when nobody answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from django.utils import timezone

from tests.mutations.conftest import NEW_NAME, NEW_TEXT, Ask, at_once, later, results
from warehouse_admin.accounts.services import clients
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mutations import outcome, send, services
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog.client import Client
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State


@dataclass(frozen=True)
class Case:
    """One kind of write, on a server that offers it."""

    kind: str
    generation: str
    method: str
    payload: dict[str, str]
    has_happened: Callable[[SandboxServer, View], bool]
    materialized: bool = False


def _made(sandbox: SandboxServer, view: View) -> bool:
    made = sandbox.world.view_by_name(NEW_NAME)
    return made is not None and made.sql == NEW_TEXT


def _cases() -> list[Case]:
    def of(generations: str, kind: str, method: str, payload: dict[str, str], done: Callable, **more: bool) -> list:
        return [Case(kind, name, method, payload, done, **more) for name in generations]

    return [
        *of("ABCD", "rename", "PATCH", {"name": "gate_renamed"}, lambda _, view: view.name == "gate_renamed"),
        *of(
            "ABCD", "set_cadence", "PATCH", {"sync_frequency": "6hour"}, lambda _, view: view.sync_frequency == "6hour"
        ),
        *of("CD", "set_description", "PATCH", {"description": "Told."}, lambda _, view: view.description == "Told."),
        *of("CD", "materialize", "POST", {}, lambda _, view: view.is_materialized is True),
        *of("CD", "unmaterialize", "POST", {}, lambda _, view: view.is_materialized is False, materialized=True),
        *of("ABCD", "delete", "DELETE", {}, lambda _, view: view.deleted is True),
        *of("ABCD", "create_view", "POST", {"name": NEW_NAME, "query": NEW_TEXT}, _made),
    ]


CASES = _cases()
NEWEST = [case for case in CASES if case.generation == "D"]


def name_of(case: Case) -> str:
    return f"{case.kind}-{case.generation}"


@pytest.fixture
def case(request: pytest.FixtureRequest, sandbox: SandboxServer, plain: View) -> Case:
    """The server made ready for it."""
    case = request.param
    sandbox.world.set_generation(case.generation)
    if case.materialized:
        sandbox.world.materialize_outside(plain.name)
    return case


everywhere = pytest.mark.parametrize("case", CASES, indirect=True, ids=name_of)
newest = pytest.mark.parametrize("case", NEWEST, indirect=True, ids=name_of)


def writes_received(sandbox: SandboxServer) -> list:
    return [request for request in sandbox.world.requests if request.method != "GET"]


@everywhere
def test_it_happens_once_and_is_on_record(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask(case.kind, case.payload)
    for _ in range(3):  # redelivered, it sends nothing more
        mutation = services.send(mutation.pk)

    assert mutation.state == State.HAPPENED, mutation.error
    assert case.has_happened(sandbox, plain)
    assert sandbox.world.writes() == 1
    [received] = writes_received(sandbox)
    assert (mutation.remote["method"], mutation.remote["path"]) == (received.method, received.path)
    assert mutation.remote["status"] == received.status
    assert len(mutation.remote["body_digest"]) == 64
    assert results(mutation) == ["asked", "ok"]
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.reason, entry.object_id) == (mutation.actor, "because", mutation.object_id)
    assert not ObjectLock.objects.exists()


@everywhere
def test_a_lost_answer_is_found_to_have_happened(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_after", case.method))
    mutation = services.send(ask(case.kind, case.payload).pk)
    assert mutation.state == State.UNCONFIRMED
    services.send(mutation.pk)

    mutation = services.settle(mutation.pk)

    assert mutation.state == State.HAPPENED, mutation.error
    assert case.has_happened(sandbox, plain)
    assert sandbox.world.writes() == len(writes_received(sandbox)) == 1
    assert results(mutation) == ["asked", "unknown", "ok"]
    assert not ObjectLock.objects.exists()


@everywhere
def test_a_request_that_never_arrived_did_not_happen_once_it_can_no_longer_land(
    case: Case, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.faults.add(Fault("drop_before", case.method))
    mutation = services.send(ask(case.kind, case.payload).pk)

    assert services.settle(mutation.pk, now=later(60)).state == State.UNCONFIRMED
    mutation = services.settle(mutation.pk, now=later())

    assert mutation.state == State.DID_NOT_HAPPEN
    assert not case.has_happened(sandbox, plain)
    assert sandbox.world.writes() == 0
    assert results(mutation) == ["asked", "unknown", "failed"]


@newest
@pytest.mark.parametrize("kind", ["status_500", "status_503_html", "html_200"])
def test_a_broken_answer_after_the_change_is_no_answer(
    kind: str, case: Case, sandbox: SandboxServer, plain: View, ask: Ask
) -> None:
    sandbox.world.faults.add(Fault(kind, case.method, act=True))
    mutation = services.send(ask(case.kind, case.payload).pk)
    assert mutation.state == State.UNCONFIRMED

    assert services.settle(mutation.pk).state == State.HAPPENED
    assert sandbox.world.writes() == 1


@newest
def test_an_answer_that_takes_too_long_is_no_answer(
    case: Case, sandbox: SandboxServer, plain: View, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "Client", partial(Client, write_timeout=0.3))
    sandbox.world.faults.add(Fault("slow", case.method, seconds=1, when="after"))
    mutation = services.send(ask(case.kind, case.payload).pk)
    assert mutation.state == State.UNCONFIRMED

    assert services.settle(mutation.pk).state == State.HAPPENED
    assert sandbox.world.writes() == 1


@newest
def test_slow_down_is_waited_out(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("status_429", case.method, retry_after=100))
    mutation = ask(case.kind, case.payload)

    with pytest.raises(NotYet) as wait:
        services.send(mutation.pk)

    mutation.refresh_from_db()
    assert wait.value.retry_after == 100
    assert (mutation.state, mutation.sent_at) == (State.ASKED, None)
    assert mutation.not_before > timezone.now()
    assert sandbox.world.writes() == 0


@newest
def test_while_one_is_open_another_waits(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_before", case.method))
    services.send(ask(case.kind, case.payload).pk)
    second = ask(case.kind, case.payload)

    with pytest.raises(NotYet):
        services.send(second.pk)

    second.refresh_from_db()
    assert (second.state, second.claim) == (State.ASKED, None)
    assert len(writes_received(sandbox)) == 1


@newest
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_once(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask(case.kind, case.payload)
    sandbox.world.latency = 0.05
    at_once(*[lambda: services.send(mutation.pk)] * 2)

    mutation.refresh_from_db()
    assert mutation.state == State.HAPPENED
    assert sandbox.world.writes() == len(writes_received(sandbox)) == 1
    assert results(mutation) == ["asked", "ok"]


class Killed(BaseException):
    """The worker process is gone: nothing of ours runs after it."""


KILLED_AT = {
    "after the claim": (send, "_carry_out", "before"),
    "after the look": (send, "_mark_sent", "before"),
    "after writing down the sending": (send, "_mark_sent", "after"),
    "while the write is under way": (Client, "request", "after"),
    "before the read-back": (send, "_read_back", "before"),
    "before the outcome": (outcome, "_record", "before"),
}


@newest
@pytest.mark.parametrize("step", KILLED_AT)
def test_a_worker_killed_at_any_step_loses_nothing_and_sends_once(
    step: str, case: Case, sandbox: SandboxServer, plain: View, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = ask(case.kind, case.payload)
    module, name, when = KILLED_AT[step]
    real = getattr(module, name)

    def dying(*args: object, **kwargs: object) -> object:
        if module is Client and args[1] == "GET":
            return real(*args, **kwargs)
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        with pytest.raises(Killed):
            services.send(mutation.pk)

    for _ in range(4):
        mutation = services.settle(mutation.pk, now=later())
        if mutation.state == State.ASKED:
            mutation = services.send(mutation.pk)

    was_sent = step != "after writing down the sending"
    assert mutation.state == (State.HAPPENED if was_sent else State.DID_NOT_HAPPEN), mutation.error
    assert case.has_happened(sandbox, plain) is was_sent
    assert sandbox.world.writes() == was_sent
    assert len(writes_received(sandbox)) == was_sent
    assert results(mutation)[-1] == ("ok" if was_sent else "failed")


@newest
def test_a_slow_worker_whose_claim_was_taken_sends_nothing(
    case: Case, sandbox: SandboxServer, plain: View, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = ask(case.kind, case.payload)
    real = send._mark_sent

    def overtaken(*args: object) -> bool:
        services.settle(mutation.pk, now=later())
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(send, "_mark_sent", overtaken)
    assert services.send(mutation.pk).state == State.ASKED
    assert writes_received(sandbox) == []

    monkeypatch.setattr(send, "_mark_sent", real)
    assert services.send(mutation.pk).state == State.HAPPENED
    assert sandbox.world.writes() == 1


@everywhere
def test_when_it_is_so_already_nothing_is_sent(case: Case, sandbox: SandboxServer, plain: View, ask: Ask) -> None:
    mutation = ask(case.kind, case.payload)
    _do_outside(case, sandbox, plain)

    mutation = services.send(mutation.pk)

    assert (mutation.state, mutation.sent_at) == (State.HAPPENED, None)
    assert "already" in mutation.remote["said"] or "not materialized" in mutation.remote["said"]
    assert writes_received(sandbox) == []
    assert results(mutation) == ["asked", "ok"]


def _do_outside(case: Case, sandbox: SandboxServer, view: View) -> None:
    world = sandbox.world
    hands = {
        "rename": lambda: world.rename_outside(view.name, "gate_renamed"),
        "set_cadence": lambda: world.set_cadence_outside(view.name, "6hour"),
        "set_description": lambda: setattr(view, "description", case.payload["description"]),
        "materialize": lambda: world.materialize_outside(view.name),
        "unmaterialize": lambda: world.unmaterialize_outside(view.name),
        "delete": lambda: world.delete_outside(view.name),
        "create_view": lambda: world.create_outside(NEW_NAME, NEW_TEXT),
    }
    hands[case.kind]()
