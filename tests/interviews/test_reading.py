"""Interviews are mirrored where PostHog offers them; a bad list loses nothing, and what is gone is forgotten."""

from __future__ import annotations

import pytest

from tests.interviews.conftest import PATH
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.interviews import services
from warehouse_admin.interviews.models import Interview, Reading
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.signals import announce
from warehouse_admin.sandbox.faults import Fault

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_every_generation_is_read_with_its_own_scope_and_fields(connection, sandbox, generation):
    sandbox.world.set_generation(generation)

    reading = services.read_all(connection)

    assert (reading.is_offered, reading.problem) == (True, "")
    kept = Interview.objects.get(summary__startswith="A couple")
    assert kept.emails == ["lea@mail.example", "Paul M. <paul@mail.example>"]
    assert kept.transcript.startswith("Interviewer: What did")
    assert kept.created_by_email == "chiara@harborgoods.example"
    assert kept.topic == ("Gift subscriptions" if generation in "CD" else "")
    assert accounts.capability(connection, "interviews").state == "yes"


@pytest.mark.django_db(transaction=True)
def test_a_sync_brings_them_and_its_own_end_does_not_depend_on_them(connection, sandbox):
    sandbox.world.faults.add(Fault("status_500", "GET", PATH, times=None))
    run = sync(connection)
    assert run.state == SyncRun.State.SUCCEEDED
    assert not Interview.objects.exists()
    assert "could not be read" in Reading.objects.get().problem

    sandbox.world.faults.clear()
    announce(run)

    assert Interview.objects.count() == 3
    assert Reading.objects.get().problem == ""


def test_a_server_without_the_flag_is_recognised_and_left_alone_for_a_while(connection, sandbox):
    sandbox.world.has_interviews = False

    reading = services.read_all(connection)
    services.read_all(connection)

    assert reading.is_offered is False
    assert "feature flag 'user-interviews'" in reading.problem
    assert len(sandbox.world.requests_to(PATH)) == 1
    sandbox.world.has_interviews = True
    assert services.read_all(connection, is_full=True).is_offered is True
    assert Interview.objects.count() == 3


@pytest.mark.parametrize(
    ("generation", "scope"), [("B", "user_interview_DO_NOT_USE:read"), ("D", "user_interview:read")]
)
def test_a_missing_scope_is_named_as_this_generation_calls_it(connection, sandbox, generation, scope):
    sandbox.world.set_generation(generation)
    connection.api_key = "phx_sandbox_views"
    connection.save()

    reading = services.read_all(connection)

    assert reading.is_offered is False
    assert scope in reading.problem


def test_a_server_that_has_removed_the_product_is_recognised(connection, sandbox):
    sandbox.world.faults.add(Fault("refuse", "GET", PATH, status=404, times=None))
    reading = services.read_all(connection)
    assert reading.is_offered is False
    assert "too old or too new" in reading.problem


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status_429", "GET", PATH, times=None, retry_after=3600),
        Fault("status_503_html", "GET", PATH, times=None),
        Fault("html_200", "GET", PATH, times=None),
        Fault("truncated", "GET", PATH, times=None),
        Fault("empty_list", "GET", PATH, times=None),
        Fault("shrink_list", "GET", PATH, times=None, keep=0.3),
        Fault("refuse", "GET", PATH, status=403, times=None),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_bad_list_loses_nothing(connection, sandbox, interviews, fault):
    sandbox.world.faults.add(fault)
    services.read_all(connection, is_full=True)
    assert Interview.objects.present().count() == 3
    assert all(interview.summary for interview in Interview.objects.all())


def test_what_is_gone_leaves_nothing_of_what_was_said(connection, sandbox, interviews):
    gone = interviews[0]
    del sandbox.world.interviews[str(gone.posthog_id)]

    services.read_all(connection)

    gone.refresh_from_db()
    assert gone.deleted_at is not None
    assert (gone.emails_text, gone.summary, gone.transcript, gone.topic) == ("", "", "", "")
    assert gone.remote_created_at is not None
    assert Interview.objects.present().count() == 2


def test_a_missing_one_that_still_answers_is_kept(connection, sandbox, interviews):
    sandbox.world.faults.add(Fault("shrink_list", "GET", f"{PATH}/?$", times=None, keep=0.3))
    services.read_all(connection)
    assert Interview.objects.present().count() == 3
    assert Reading.objects.get().is_offered is True


def test_an_edit_made_elsewhere_is_taken_over(connection, sandbox, interviews):
    there = sandbox.world.interviews[str(interviews[1].posthog_id)]
    there.summary, there.interviewee_emails = "Nul \0 and more", ["new@mail.example"]

    services.read_all(connection)

    kept = Interview.objects.get(pk=interviews[1].pk)
    assert (kept.summary, kept.emails) == ("Nul \ufffd and more", ["new@mail.example"])


def test_long_lists_are_read_page_by_page(connection, sandbox):
    from warehouse_admin.sandbox.models import Interview as Remote

    for number in range(230):
        key = sandbox.world.new_id()
        sandbox.world.interviews[key] = Remote(key, 4, sandbox.world.now() - number, ["a@b.io"], "t", "s")

    services.read_all(connection)

    assert Interview.objects.count() == 233
    assert len(sandbox.world.requests_to(PATH)) == 3
