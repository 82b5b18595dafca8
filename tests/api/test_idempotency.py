"""A call with an Idempotency-Key is carried out once, whatever happens to its answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from tests.api.caller import Caller, is_problem
from tests.mirror.builders import make_view
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.accounts.models import Connection, IdempotentCall
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.api import urls
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror import api as mirror_api
from warehouse_admin.mirror.models import SyncRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(db):
    return Connection.objects.create(slug="demo", name="Demo", host="http://127.0.0.1:1", project_id="1", api_key="k")


@pytest.fixture
def script(operator, script_of):
    return script_of(operator)


def reviews() -> int:
    return AuditEntry.objects.filter(action="activity.reviewed").count()


@pytest.fixture
def review(connection):
    view = make_view(connection, "v")
    entry = ActivityEntry.objects.create(
        connection=connection, saved_query=view, source="outside", kind="edited", occurred_at=timezone.now()
    )
    return f"activity/{entry.pk}/review/"


def test_the_same_key_gives_the_first_answer_again_and_does_nothing_new(connection, script):
    first = script.key("k1").post("sync/", {"kind": "full"})
    SyncRun.objects.update(state="succeeded")
    again = script.key("k1").post("sync/", {"kind": "full"})

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert SyncRun.objects.count() == 1
    assert AuditEntry.objects.filter(action="sync.started").count() == 1


def test_without_a_key_every_call_counts(review, script):
    for _ in range(2):
        script.post(review, {"verdict": "accepted"})

    assert reviews() == 2


def test_a_refusal_is_an_answer_too(review, script):
    first = is_problem(script.key("k").post(review, {"verdict": "fl\x00agged"}), 400)
    again = script.key("k").post(review, {"verdict": "fl\x00agged"})

    assert again["Content-Type"] == "application/problem+json"
    assert again.json()["status"] == first["status"]
    assert reviews() == 0


def test_the_same_key_for_another_body_or_address_is_refused(review, script, connection):
    script.key("k").post(review, {"verdict": "accepted"})

    is_problem(script.key("k").post(review, {"verdict": "flagged", "note": "x"}), 422)
    is_problem(script.key("k").post("sync/", {"verdict": "accepted"}), 422)
    assert reviews() == 1
    assert not SyncRun.objects.exists()


def test_keys_belong_to_one_person(review, script, script_of, reviewer):
    script.key("k").post(review, {"verdict": "accepted"})
    answer = script_of(reviewer).key("k").post(review, {"verdict": "accepted"})

    assert answer.json()["reviewer"] == "reviewer"
    assert reviews() == 2


def test_while_the_first_is_being_answered_the_second_is_told_to_wait(review, script, operator):
    script.key("k").post(review, {"verdict": "accepted"})
    IdempotentCall.objects.update(status=None, body=None)

    assert "still being answered" in is_problem(script.key("k").post(review, {"verdict": "accepted"}), 409)["detail"]
    assert reviews() == 1


def test_a_call_whose_process_died_does_not_block_its_key_for_ever(review, script):
    script.key("k").post(review, {"verdict": "accepted"})
    IdempotentCall.objects.update(status=None, body=None, created_at=timezone.now() - timedelta(minutes=6))

    assert script.key("k").post(review, {"verdict": "accepted"}).status_code == 200
    assert reviews() == 2
    assert IdempotentCall.objects.get().status == 200


def test_after_a_mistake_of_ours_the_key_is_free(review, script, monkeypatch):
    from warehouse_admin.activity import services

    def fail(**kwargs):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(services, "review", fail)
        script.client.raise_request_exception = False
        is_problem(script.key("k").post(review, {"verdict": "accepted"}), 500)

    assert script.key("k").post(review, {"verdict": "accepted"}).status_code == 200
    assert reviews() == 1


@pytest.mark.parametrize("key", ["x" * 201, "caf\xe9"])
def test_a_key_that_cannot_be_kept_is_400(key, review, script):
    is_problem(script.key(key).post(review, {"verdict": "accepted"}), 400)
    assert reviews() == 0


def test_an_api_key_in_the_wrong_header_is_400_and_not_kept(review, script):
    problem = is_problem(script.key("phx_0123456789abcdefABCDEF").post(review, {"verdict": "accepted"}), 400)

    assert "API key" in problem["errors"]["Idempotency-Key"][0] and "phx_" not in str(problem)
    assert reviews() == 0 and not IdempotentCall.objects.exists()


def test_answers_are_kept_for_a_week(review, script):
    script.key("old").post(review, {"verdict": "accepted"})
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(days=8))
    script.key("new").post(review, {"verdict": "accepted"})

    assert [call.key for call in IdempotentCall.objects.all()] == ["new"]


def test_every_call_that_changes_something_takes_a_key():
    classes = {route.callback.cls for route in urls.urlpatterns if hasattr(route.callback, "cls")}
    writing = [found for found in classes if hasattr(found, "post")]

    assert mirror_api.Refresh in writing and len(writing) >= 17
    without = {found.__name__ for found in writing if not issubclass(found, Idempotent)}
    judging = {"ImpactOfText", "PreviewOfText", "LintOfView", "LintOfNewView", "Format"}
    assert without == judging  # which change nothing, and whose answers are not to be kept


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_are_carried_out_once(review, script):
    together = threading.Barrier(2)

    def call(_: int) -> int:
        together.wait()
        try:
            return Caller(Client(), script.headers).key("k").post(review, {"verdict": "accepted"}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(call, range(2)))

    assert statuses in ([200, 200], [200, 409])
    assert reviews() == 1
