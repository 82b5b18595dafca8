"""New views: never over another one, never twice, and told apart from what merely has the name."""

from __future__ import annotations

from functools import partial

import pytest

from tests.mutations.conftest import NEW_NAME, NEW_TEXT, Ask, at_once, later, results
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mutations import services
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog.client import Client
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

State = Mutation.State
ANA = "ana@harborgoods.example"


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_the_new_view_is_read_back_and_its_id_kept(generation: str, sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.set_generation(generation)

    mutation = services.send(ask("create_view").pk)

    made = sandbox.world.view(NEW_NAME)
    assert (mutation.state, mutation.object_id) == (State.HAPPENED, made.id)
    assert (mutation.after["id"], mutation.after["name"], mutation.after["query"]) == (made.id, NEW_NAME, NEW_TEXT)
    assert mutation.after["latest_history_id"]  # the answer itself lacks it on older servers
    assert mutation.before is None
    [received] = sandbox.world.requests_to("warehouse_saved_queries", "POST")
    assert set(received.body) == {"name", "query"}
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.object_id, entry.object_name, entry.after["query"]) == (made.id, NEW_NAME, NEW_TEXT)


def test_a_name_that_is_a_part_of_others_is_free(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.page_size = 2
    for number in range(5):
        sandbox.world.create_outside(f"{NEW_NAME}_{number}", "SELECT 2 AS two")

    assert services.send(ask("create_view").pk).state == State.HAPPENED


def test_a_view_that_has_the_name_is_found_on_any_page(sandbox: SandboxServer, ask: Ask) -> None:
    taken = sandbox.world.create_outside(NEW_NAME, "SELECT 2 AS two")
    sandbox.world.page_size = 2
    for number in range(5):
        sandbox.world.create_outside(f"{NEW_NAME}_{number}", "SELECT 2 AS two")

    mutation = services.send(ask("create_view").pk)

    assert (mutation.state, mutation.sent_at, mutation.object_id) == (State.CONFLICT, None, "")
    assert mutation.after["id"] == taken.id
    assert f"taken by a view with other SQL (made by {ANA}, {taken.id})" in mutation.error
    assert sandbox.world.writes() == 0
    assert results(mutation) == ["asked", "failed"]


def test_a_table_that_has_the_name_is_told_in_posthogs_words(sandbox: SandboxServer, ask: Ask) -> None:
    mutation = services.send(ask("create_view", {"name": "events", "query": NEW_TEXT}).pk)

    assert mutation.state == State.REFUSED
    assert "table or view with this name already exists" in mutation.error


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_a_hidden_view_that_holds_the_name_is_explained(generation: str, sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.set_generation(generation)
    hidden = sandbox.world.create_outside(NEW_NAME, "SELECT 2 AS two")
    sandbox.world.hide_outside(NEW_NAME)

    mutation = services.send(ask("create_view").pk)

    assert mutation.state == State.REFUSED
    assert "held by a view that it does not show" in mutation.error
    assert hidden.sql == "SELECT 2 AS two"
    assert sandbox.world.writes() == 0
    assert results(mutation) == ["asked", "failed"]


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_writing_into_a_hidden_view_is_an_alarm(generation: str, sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.set_generation(generation)
    hidden = sandbox.world.create_outside(NEW_NAME, "SELECT 2 AS two")
    sandbox.world.hide_outside(NEW_NAME, by=None)
    sandbox.world.log_of[hidden.id].clear()  # older than the log

    mutation = services.send(ask("create_view").pk)

    assert hidden.sql == NEW_TEXT
    assert (mutation.state, mutation.remote["status"], mutation.object_id) == (State.CONFLICT, 200, "")
    assert f"into a hidden view that already had the name ({hidden.id})" in mutation.error
    assert mutation.after["id"] == hidden.id
    assert results(mutation) == ["asked", "unknown"]
    assert not ObjectLock.objects.exists()


def test_the_newest_servers_forget_hidden_names(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.create_outside(NEW_NAME, "SELECT 2 AS two")
    sandbox.world.hide_outside(NEW_NAME)

    assert services.send(ask("create_view").pk).state == State.HAPPENED


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
@pytest.mark.parametrize("theirs", ["SELECT 2 AS two", NEW_TEXT])
def test_a_view_made_by_another_between_look_and_write_is_never_ours(
    theirs: str, generation: str, sandbox: SandboxServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.set_generation(generation)
    real = Client.request

    def interfering(self: Client, method: str, path: str, **kwargs: object) -> object:
        if method == "POST":
            sandbox.world.create_outside(NEW_NAME, theirs)
        return real(self, method, path, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "request", interfering)
    mutation = services.send(ask("create_view").pk)

    assert (mutation.state, mutation.object_id) == (State.CONFLICT, "")
    assert sandbox.world.view(NEW_NAME).sql == theirs
    assert results(mutation)[-1] in ("failed", "unknown")


def test_a_request_that_arrived_twice_made_one_view_of_ours(
    sandbox: SandboxServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may send a request again after it lost the first answer; the second is then refused."""
    sandbox.world.set_generation("B")
    real = Client.request

    def twice(self: Client, method: str, path: str, **kwargs: object) -> object:
        if method == "POST":
            real(self, method, path, **kwargs)  # type: ignore[arg-type]
        return real(self, method, path, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "request", twice)
    mutation = services.send(ask("create_view").pk)

    assert (mutation.state, mutation.object_id) == (State.HAPPENED, sandbox.world.view(NEW_NAME).id)
    assert "got the request twice" in mutation.remote["said"]
    assert sandbox.world.writes() == 1


def test_after_a_lost_answer_a_view_with_other_sql_is_not_taken_for_ours(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_before", "POST"))
    mutation = services.send(ask("create_view").pk)
    sandbox.world.create_outside(NEW_NAME, "SELECT 2 AS two")

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.CONFLICT, "")
    assert results(mutation) == ["asked", "unknown", "unknown"]


@pytest.mark.parametrize("how", ["by another person", "long before"])
def test_after_a_lost_answer_the_same_text_made_otherwise_is_not_taken_for_ours(
    how: str, sandbox: SandboxServer, ask: Ask
) -> None:
    sandbox.world.faults.add(Fault("drop_before", "POST"))
    mutation = services.send(ask("create_view").pk)
    view = sandbox.world.create_outside(NEW_NAME, NEW_TEXT, by="ana" if how == "by another person" else "portal")
    if how == "long before":
        view.created_at -= 3600
        sandbox.world.log_of[view.id][0].created_at -= 3600

    assert services.settle(mutation.pk, now=later()).state == State.CONFLICT


def test_a_new_view_that_was_edited_before_we_looked_is_proven_by_the_log(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("create_view").pk)
    made = sandbox.world.edit_outside(NEW_NAME, "SELECT 2 AS theirs")

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.HAPPENED, made.id)
    assert mutation.after["query"] == NEW_TEXT
    assert f"{ANA} changed it again" in mutation.remote["said"]


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
@pytest.mark.parametrize("afterwards", ["renamed", "edited and renamed", "deleted"])
def test_a_new_view_that_nobody_finds_by_its_name_is_proven_by_the_log(
    afterwards: str, generation: str, sandbox: SandboxServer, ask: Ask
) -> None:
    sandbox.world.set_generation(generation)
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("create_view").pk)
    made = sandbox.world.view(NEW_NAME)
    if afterwards == "edited and renamed":
        sandbox.world.edit_outside(NEW_NAME, "SELECT 2 AS theirs")
    if afterwards == "deleted":
        sandbox.world.delete_outside(NEW_NAME)
    else:
        sandbox.world.rename_outside(NEW_NAME, "called_otherwise")
    assert services.settle(mutation.pk).state == State.UNCONFIRMED, "before its time is up"

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.HAPPENED, made.id)
    assert (mutation.after["name"], mutation.after["query"]) == (NEW_NAME, NEW_TEXT)
    told = "deleted afterwards" if afterwards == "deleted" else "called called_otherwise by now"
    assert told in mutation.remote["said"]
    assert results(mutation) == ["asked", "unknown", "ok"]


def lost_without_the_projects_log(sandbox: SandboxServer, connection: Connection, ask: Ask, fault: str) -> Mutation:
    learned = connection.capabilities | {"activity_log": {"state": "no", "reason": "the plan"}}
    Connection.objects.update(capabilities=learned)
    sandbox.world.faults.add(Fault(fault, "POST"))
    return services.send(ask("create_view").pk)


def test_without_the_projects_log_that_of_each_new_view_proves_it(
    sandbox: SandboxServer, connection: Connection, ask: Ask
) -> None:
    mutation = lost_without_the_projects_log(sandbox, connection, ask, "drop_after")
    sandbox.world.rename_outside(NEW_NAME, "called_otherwise")

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.HAPPENED, sandbox.world.view("called_otherwise").id)
    assert not sandbox.world.requests_to("activity_log")


@pytest.mark.parametrize("scopes", [["warehouse_view:write"], ["warehouse_view:write", "user:read"]])
def test_without_any_log_a_view_that_may_be_ours_leaves_it_open(
    scopes: list[str], sandbox: SandboxServer, connection: Connection, ask: Ask
) -> None:
    sandbox.world.add_key("phx_no_log", by="portal", scopes=scopes)
    Connection.objects.update(api_key="phx_no_log")
    connection.refresh_from_db()
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("create_view", connection=connection).pk)
    sandbox.world.rename_outside(NEW_NAME, "called_otherwise")

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.UNCONFIRMED, "")
    assert "called_otherwise" in mutation.error and "came then, and no log tells" in mutation.error
    assert results(mutation) == ["asked", "unknown"]


@pytest.mark.parametrize("meanwhile", ["nothing", "the same text under another name", "a view by another"])
@pytest.mark.parametrize("log", [True, False])
def test_a_new_view_that_never_arrived_did_not_happen_whatever_else_came(
    log: bool, meanwhile: str, sandbox: SandboxServer, connection: Connection, ask: Ask
) -> None:
    if log:
        sandbox.world.faults.add(Fault("drop_before", "POST"))
        mutation = services.send(ask("create_view").pk)
    else:
        mutation = lost_without_the_projects_log(sandbox, connection, ask, "drop_before")
    if meanwhile != "nothing":
        sandbox.world.create_outside("other", NEW_TEXT, by="ana" if "another" in meanwhile[-8:] else "portal")

    mutation = services.settle(mutation.pk, now=later())

    assert (mutation.state, mutation.object_id) == (State.DID_NOT_HAPPEN, "")
    assert results(mutation) == ["asked", "unknown", "failed"]


def test_a_log_of_the_project_that_does_not_answer_is_waited_for(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_after", "POST"))
    mutation = services.send(ask("create_view").pk)
    sandbox.world.rename_outside(NEW_NAME, "called_otherwise")
    sandbox.world.faults.add(Fault("status_500", "GET", "activity_log", times=1))

    assert services.settle(mutation.pk, now=later()).state == State.UNCONFIRMED
    assert services.settle(mutation.pk, now=later()).state == State.HAPPENED


def test_a_read_back_that_fails_is_made_up_for_by_the_id_of_the_answer(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("status_500", "GET", r"warehouse_saved_queries/[0-9a-f]"))
    mutation = services.send(ask("create_view").pk)
    assert mutation.state == State.UNCONFIRMED

    mutation = services.settle(mutation.pk)

    assert (mutation.state, mutation.object_id) == (State.HAPPENED, sandbox.world.view(NEW_NAME).id)


def test_a_view_made_and_deleted_at_once_was_made(
    sandbox: SandboxServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse_admin.mutations import send

    real = send._read_back

    def after_a_deletion(*args: object) -> Mutation:
        sandbox.world.delete_outside(NEW_NAME)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(send, "_read_back", after_a_deletion)
    mutation = services.send(ask("create_view").pk)

    assert mutation.state == State.HAPPENED
    assert "deleted the view right afterwards" in mutation.remote["said"]


def test_two_views_of_one_name_wait_for_each_other_and_others_do_not(sandbox: SandboxServer, ask: Ask) -> None:
    sandbox.world.faults.add(Fault("drop_before", "POST"))
    services.send(ask("create_view").pk)
    same, other = ask("create_view"), ask("create_view", {"name": "gate_other", "query": NEW_TEXT})

    with pytest.raises(NotYet):
        services.send(same.pk)

    assert services.send(other.pk).state == State.HAPPENED


@pytest.mark.django_db(transaction=True)
def test_two_wishes_for_one_name_make_one_view(sandbox: SandboxServer, ask: Ask) -> None:
    wishes = [ask("create_view"), ask("create_view")]
    sandbox.world.latency = 0.05

    at_once(*[partial(services.send, wish.pk) for wish in wishes])
    ended = [services.send(wish.pk) for wish in wishes]

    assert [mutation.state for mutation in ended] == [State.HAPPENED, State.HAPPENED]
    assert sum(mutation.sent_at is not None for mutation in ended) == 1
    assert sandbox.world.writes() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": {"name": "a b", "query": NEW_TEXT}},
        {"payload": {"name": NEW_NAME}},
        {"object_id": "11111111-1111-4111-8111-111111111111"},
        {"base": {"query": "SELECT 1"}},
    ],
)
def test_what_is_no_new_view_is_not_even_asked(changes: dict, ask: Ask) -> None:
    with pytest.raises((ValueError, KeyError)):
        ask("create_view", **{"object_name": NEW_NAME, **changes})

    assert not Mutation.objects.exists()
