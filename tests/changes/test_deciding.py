"""A create without an answer that PostHog cannot tell about: a permitted person does, once, and it is on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.caller import Caller, is_problem
from tests.changes.conftest import trail
from tests.changes.pages import url, words
from tests.changes.test_evidence import download, told_by
from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import deciding, services, turns
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import ObjectLock
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import View

State = ChangeRequest.State
NAME, TEXT, CALLED = "made_or_not", "SELECT 1 AS one", "called_otherwise"
HOW = "I asked Ana, who renamed it."


@pytest.fixture
def lost(sandbox, connection, carried_out) -> Callable[..., ChangeRequest]:
    """A create whose answer was lost, read again after its time: no log can be read, and a view came then."""

    def make(fault: str = "drop_after", *, looked: bool = True) -> ChangeRequest:
        sandbox.world.add_key("phx_no_log", by="portal", scopes=["warehouse_view:write", "user:read"])
        Connection.objects.update(api_key="phx_no_log")
        connection.refresh_from_db()
        sandbox.world.faults.add(Fault(fault, "POST"))
        change = carried_out("create_view", connection=connection, name=NAME, query=TEXT)
        if fault == "drop_after":
            sandbox.world.rename_outside(NAME, CALLED)
        else:
            sandbox.world.create_outside(CALLED, TEXT, by="portal")
        return look(change) if looked else change

    return make


def look(change: ChangeRequest, hours: int = 1) -> ChangeRequest:
    """The sweep comes by when the write time-out has passed."""
    services.advance(change.pk, now=timezone.now() + timedelta(hours=hours))
    change.refresh_from_db()
    return change


@pytest.fixture
def candidate(sandbox) -> Callable[[], View]:
    return lambda: sandbox.world.view(CALLED)


@pytest.fixture
def judge(client_of, operator):
    return client_of(operator)


def test_the_page_shows_each_view_that_may_be_it_and_asks_how_one_knows(lost, candidate, judge, operator, author):
    change = lost()
    assert change.state == State.UNCONFIRMED

    seen = words(judge.get(url("detail", change)))
    assert "PostHog cannot tell whether the view was made" in seen and "Say what happened" in seen
    page = judge.get(url("decide", change))

    told = words(page)
    assert CALLED in told and candidate().id in told and "exactly what was proposed" in told
    assert "The mirror has not read it yet" in told
    assert [list(turns.my_turn(person)) for person in (operator, author)] == [[change], []]


def test_the_text_of_a_candidate_that_the_mirror_knows_is_compared(lost, candidate, sandbox, connection, judge):
    change = lost()
    sandbox.world.edit_outside(CALLED, "SELECT 2 AS theirs")
    view = SavedQuery.objects.create(connection=connection, posthog_id=candidate().id, name=CALLED)
    mirror.read_live(view)

    told = words(judge.get(url("decide", look(change, hours=3))))

    assert "not what was proposed" in told
    assert "1 line removed (−), 1 added (+)" in told and "SELECT 2 AS theirs" in told


def test_this_view_is_ours_applies_it_and_is_on_record(lost, candidate, judge, operator, sandbox):
    change = lost()
    answer = judge.post(url("decide", change), {"made": candidate().id, "comment": HOW}, follow=True)

    change.refresh_from_db()
    assert (change.state, str(change.saved_query.posthog_id)) == (State.APPLIED, candidate().id)
    assert f"looked, and found the view that was made {HOW}" in _unstamped(answer)
    assert ("change.decided", "ok") in trail() and ("change.applied", "ok") in trail()
    entry = AuditEntry.objects.get(action="saved_query.create_view", result="ok")
    assert (entry.actor, entry.reason) == (operator, HOW)
    assert CALLED in entry.remote["said"] and entry.remote["decided_by"] == "operator"
    assert not ObjectLock.objects.exists()
    assert sandbox.world.writes() == 1


def test_its_evidence_tells_who_decided(lost, candidate, judge, auditor, client_of):
    change = lost()
    judge.post(url("decide", change), {"made": candidate().id, "comment": HOW})

    told = told_by(download(client_of(auditor), change))

    ended = [entry for entry in told["entries"] if entry["action"] == "saved_query.create_view"]
    assert [entry["result"] for entry in ended][0 :: len(ended) - 1] == ["asked", "ok"]
    assert (ended[-1]["actor_name"], ended[-1]["reason"]) == ("operator", HOW)
    assert told["change"]["view_id"] == candidate().id


def _unstamped(answer) -> str:
    return " ".join(words(answer).replace("just now", " ").split())


def test_it_was_not_created_fails_it_and_it_can_be_tried_again(lost, judge, operator, sandbox, committed):
    change = lost("drop_before")

    answer = judge.post(url("decide", change), {"made": "nothing", "comment": HOW}, follow=True)

    change.refresh_from_db()
    assert (change.state, change.saved_query) == (State.FAILED, None)
    assert f"looked, and found that no view was made {HOW}" in _unstamped(answer)
    assert ("change.decided", "ok") in trail() and ("change.did_not_happen", "failed") in trail()
    assert AuditEntry.objects.get(action="saved_query.create_view", result="failed").actor == operator
    with committed():
        judge.post(url("apply", change))
    change.refresh_from_db()
    assert change.state == State.APPLIED
    assert [request.status for request in sandbox.world.requests_to("warehouse_saved_queries", "POST")] == [None, 201]


def test_a_view_deleted_meanwhile_can_still_be_the_one_that_was_made(lost, candidate, judge, sandbox):
    change, made = lost(), candidate().id
    sandbox.world.delete_outside(CALLED)

    judge.post(url("decide", change), {"made": made, "comment": HOW})

    change.refresh_from_db()
    assert (change.state, str(change.saved_query.posthog_id)) == (State.APPLIED, made)
    assert change.mutation.after["name"] == NAME


@pytest.mark.parametrize("role", ["author", "reviewer", "viewer", "auditor"])
def test_only_who_may_apply_decides(role, lost, candidate, client_of, request):
    change, other = lost(), client_of(request.getfixturevalue(role))

    assert other.get(url("decide", change)).status_code == 403
    assert other.post(url("decide", change), {"made": candidate().id, "comment": HOW}).status_code == 403

    assert "Say what happened" not in words(other.get(url("detail", change)))
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED
    assert ("change.decided", "denied") in trail()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"comment": HOW}, "Choose what happened."),
        ({"made": "nothing", "comment": " "}, "Say why"),
        ({"made": "nothing", "comment": "x" * 5_001}, "At most 5,000 characters"),
        ({"made": "11111111-1111-4111-8111-111111111111", "comment": HOW}, "none of the views that may be it"),
        ({"made": "\0<b>", "comment": HOW}, "none of the views that may be it"),
    ],
)
def test_what_is_no_answer_decides_nothing_and_keeps_what_was_typed(sent, said, lost, judge):
    change = lost()

    answer = judge.post(url("decide", change), sent)

    assert answer.status_code == 400 and said in words(answer)
    assert sent["comment"] in answer.content.decode()
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED


def test_a_double_click_decides_once_and_another_word_comes_too_late(lost, candidate, judge):
    change = lost()
    for _ in range(2):
        answer = judge.post(url("decide", change), {"made": candidate().id, "comment": HOW})
        assert answer.status_code == 302
    assert [one for one in trail() if one[0] == "change.decided"] == [("change.decided", "ok")]

    late = judge.post(url("decide", change), {"made": "nothing", "comment": HOW})

    assert late.status_code == 409 and "applied already" in words(late)


@pytest.mark.parametrize("when", ["before the answer", "while it is answered"])
def test_what_posthog_tells_meanwhile_counts_instead(when, lost, candidate, judge, sandbox, connection, monkeypatch):
    change = lost()
    page = judge.get(url("decide", change))
    assert page.status_code == 200

    def log_opens() -> None:
        Connection.objects.update(api_key=sandbox.key, capabilities={})
        look(change, hours=3)

    if when == "before the answer":
        log_opens()
    else:
        monkeypatch.setattr(deciding, "clean_comment", lambda change, comment, needed: log_opens() or comment)
    answer = judge.post(url("decide", change), {"made": "nothing", "comment": HOW})

    assert answer.status_code == 409
    change.refresh_from_db()
    assert (change.state, str(change.saved_query.posthog_id)) == (State.APPLIED, candidate().id)
    assert not mutations.decided_by(change.mutation)
    assert ("change.decided", "ok") not in trail()


def test_nobody_is_asked_while_reading_can_still_tell(lost, judge):
    change = lost(looked=False)

    answer = judge.get(url("decide", change))

    assert answer.status_code == 409 and "still being read from PostHog" in words(answer)
    assert "Say what happened" not in words(judge.get(url("detail", change)))


def test_a_posthog_that_cannot_be_read_decides_nothing(lost, candidate, judge, sandbox):
    change, made = lost(), candidate().id
    sandbox.world.faults.add(Fault("status_500", "GET", times=9))

    answer = judge.post(url("decide", change), {"made": made, "comment": HOW})

    assert answer.status_code == 409 and "Nothing was decided" in words(answer) and HOW in words(answer)
    change.refresh_from_db()
    assert change.state == State.UNCONFIRMED


def script_of(user: User) -> Caller:
    _, text = tokens.create_token(user=user, name="ci")
    return Caller(Client(), {"Authorization": f"Bearer {text}"})


def test_over_rest_it_is_the_same_decision(lost, candidate, operator, author):
    change = lost()
    address = f"changes/{change.pk}/decide/"
    script = script_of(operator)
    shown = script.get(f"changes/{change.pk}/").json()["mutation"]["candidates"]
    assert [(row["id"], row["name"], row["same_text"]) for row in shown] == [(candidate().id, CALLED, True)]

    assert is_problem(script_of(author).post(address, {"made": None, "comment": HOW}), 403)
    assert is_problem(script.post(address, {"comment": HOW}), 400)
    assert is_problem(script.post(address, {"made": None}), 400)
    done = script.post(address, {"made": candidate().id.upper(), "comment": HOW}).json()

    assert (done["state"], done["saved_query"], done["mutation"]["candidates"]) == ("applied", candidate().id, [])
    assert is_problem(script.post(address, {"made": None, "comment": HOW}), 409)
