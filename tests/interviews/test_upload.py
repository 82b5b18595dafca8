"""A recording reaches PostHog once, whatever happens between the two, and stays here in no case."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.interviews.conftest import MP3, PATH, PEOPLE, arrived, kept_files, posts, results, uploaded
from tests.mutations.conftest import at_once
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.interviews import carrying, recordings, services
from warehouse_admin.interviews.errors import NotOffered, TooLarge
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.mutations import send as gate
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog import writes
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.models import Interview as Remote

pytestmark = pytest.mark.django_db
State = Mutation.State


class Killed(BaseException):
    """The worker process is gone: nothing of ours runs after it."""


def later(seconds: float = 901):
    return timezone.now() + timedelta(seconds=seconds)


def settled(write: Write, seconds: float = 901) -> Write:
    """Look as the sweep does once that much time has passed, and take in the end."""
    mutations.settle(write.mutation_id, now=later(seconds))
    carrying.tend()
    write.refresh_from_db()
    write.mutation.refresh_from_db()
    return write


@pytest.mark.parametrize("generation", ["A", "B", "C", "D"])
def test_an_upload_is_made_shown_and_forgotten_here(sandbox, connection, upload, generation):
    sandbox.world.set_generation(generation)
    write = upload()
    assert len(kept_files()) == 1

    write = services.carry_out(write.pk)

    assert write.mutation.state == State.HAPPENED
    assert f"({len(MP3)} bytes" in uploaded(sandbox)[0].transcript
    assert write.interview.emails == PEOPLE
    assert write.interview.transcript == uploaded(sandbox)[0].transcript
    assert kept_files() == []
    assert results("interview.create") == ["asked", "ok"]
    assert not write.is_open


def test_the_request_that_left_names_no_file_of_the_person(sandbox, upload):
    services.carry_out(upload().pk)
    body = sandbox.world.requests_to(PATH, "POST")[0].body
    text = body.decode("latin-1") if isinstance(body, bytes) else str(body)
    assert "talk with ida" not in text


def test_personal_data_is_in_no_audit_row_and_leaves_the_gate_when_it_ends(upload):
    write = upload()
    assert write.mutation.payload["interviewee_emails"] == PEOPLE
    services.carry_out(write.pk)

    mutation = Mutation.objects.get()
    told = [str(vars(entry)) for entry in AuditEntry.objects.filter(action="interview.create")]
    for secret in ("ida", "mail.example", "Thank you for joining", "A conversation with"):
        assert not [row for row in told if secret in row]
        assert secret not in str((mutation.payload, mutation.before, mutation.after, mutation.remote))
    assert mutation.payload["interviewee_emails"]["count"] == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop_after", "POST", PATH),
        Fault("status_500", "POST", PATH, act=True),
        Fault("status_503_html", "POST", PATH, act=True),
        Fault("html_200", "POST", PATH, act=True),
        Fault("truncated", "POST", PATH),
        Fault("slow", "POST", PATH, seconds=1, when="after"),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_lost_answer_is_found_by_listing_and_nothing_is_sent_again(sandbox, settings, interviews, upload, fault):
    settings.INTERVIEW_ANSWER_SECONDS = 0.3
    sandbox.world.faults.add(fault)
    write = services.carry_out(upload().pk)
    assert write.mutation.state == State.UNCONFIRMED
    assert len(kept_files()) == 1

    write = settled(write, 20)

    assert write.mutation.state == State.HAPPENED
    assert str(write.interview.posthog_id) == uploaded(sandbox)[0].id
    assert (posts(sandbox), len(uploaded(sandbox)), kept_files()) == (1, 1, [])
    assert results("interview.create") == ["asked", "unknown", "ok"]
    assert not ObjectLock.objects.exists()


def test_did_not_happen_is_only_said_when_a_slow_server_cannot_be_at_it_any_more(sandbox, upload):
    sandbox.world.faults.add(Fault("drop_before", "POST", PATH))
    write = services.carry_out(upload().pk)

    assert settled(write, 600).mutation.state == State.UNCONFIRMED
    assert len(kept_files()) == 1
    write = settled(write)

    assert write.mutation.state == State.DID_NOT_HAPPEN
    assert "Upload the recording again" in write.mutation.error
    assert (posts(sandbox), kept_files()) == (1, [])


def test_what_was_there_before_or_belongs_to_somebody_else_is_not_taken_for_ours(sandbox, upload):
    world = sandbox.world

    def there(by: int, emails: list[str]) -> None:
        key = world.new_id()
        world.interviews[key] = Remote(key, by, world.now(), emails, "t", "s")

    there(6, PEOPLE)  # made with the same key a moment before
    world.faults.add(Fault("drop_before", "POST", PATH))
    write = services.carry_out(upload().pk)
    there(2, PEOPLE)  # the same people, by another person
    there(6, ["somebody@else.example"])

    assert settled(write).mutation.state == State.DID_NOT_HAPPEN


def test_two_that_may_both_be_ours_are_left_to_a_person(sandbox, upload):
    world = sandbox.world
    world.faults.add(Fault("drop_after", "POST", PATH))
    write = services.carry_out(upload().pk)
    key = world.new_id()
    world.interviews[key] = Remote(key, uploaded(sandbox)[0].created_by, world.now(), list(PEOPLE), "t", "s")

    write = settled(write)

    assert write.mutation.state == State.CONFLICT
    assert "cannot be told" in write.mutation.error
    assert write.interview is None
    assert results("interview.create") == ["asked", "unknown", "unknown"]
    assert kept_files() == []


def test_an_empty_list_does_not_prove_that_it_did_not_happen(sandbox, upload):
    sandbox.world.faults.add(Fault("drop_after", "POST", PATH))
    write = services.carry_out(upload().pk)
    sandbox.world.faults.add(Fault("empty_list", "GET", PATH))

    assert settled(write).mutation.state == State.UNCONFIRMED
    assert settled(write, 2_000).mutation.state == State.HAPPENED


def test_a_worker_killed_before_sending_is_replaced_and_one_killed_after_is_never_repeated(
    sandbox, upload, monkeypatch
):
    def die(*args, **kwargs):
        raise Killed

    write = upload()
    with monkeypatch.context() as patch:
        patch.setattr(gate, "_mark_sent", die)
        with pytest.raises(Killed):
            services.carry_out(write.pk)
    mutations.settle(write.mutation_id, now=later(61))
    assert posts(sandbox) == 0
    original = writes.create_interview

    def send_and_die(*args, **kwargs):
        original(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(writes, "create_interview", send_and_die)
        with pytest.raises(Killed):
            services.carry_out(write.pk)

    assert services.carry_out(write.pk).mutation.state == State.SENDING  # the task comes back: it was sent already
    assert settled(write, 300).mutation.state == State.SENDING  # its worker may still be waiting
    assert settled(write, 361).mutation.state == State.HAPPENED
    assert (posts(sandbox), len(uploaded(sandbox)), kept_files()) == (1, 1, [])


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_one_upload_send_it_once(sandbox, upload):
    write = upload(key="same")
    again = upload(key="same")
    assert write == again
    assert len(Write.objects.all()) == 1

    at_once(lambda: services.carry_out(write.pk), lambda: services.carry_out(write.pk))

    assert (posts(sandbox), len(uploaded(sandbox))) == (1, 1)


def test_a_second_upload_of_the_same_people_waits_until_the_first_is_told(sandbox, upload):
    sandbox.world.faults.add(Fault("drop_after", "POST", PATH))
    first, second = services.carry_out(upload().pk), upload(list(reversed(PEOPLE)))

    assert services.carry_out(second.pk).mutation.state == State.ASKED
    assert posts(sandbox) == 1

    settled(first, 20)
    assert services.carry_out(second.pk).mutation.state == State.HAPPENED
    assert posts(sandbox) == 2


def test_a_rate_limit_is_waited_for_and_the_sweep_comes_back(sandbox, upload):
    sandbox.world.faults.add(Fault("status_429", "POST", PATH, retry_after=0))
    services.carry_out(upload().pk)
    assert Mutation.objects.get().state == State.ASKED
    assert len(kept_files()) == 1

    Mutation.objects.update(not_before=timezone.now(), asked_at=timezone.now() - timedelta(minutes=1))
    carrying.tend()

    assert Mutation.objects.get().state == State.HAPPENED
    assert kept_files() == []
    assert len(uploaded(sandbox)) == 1


def test_what_never_could_be_sent_is_given_up_after_a_day(upload):
    write = upload()
    Mutation.objects.update(asked_at=timezone.now() - timedelta(hours=25), not_before=later(3_600))
    carrying.tend()
    carrying.tend()
    write.refresh_from_db()
    assert (write.mutation.state, write.is_open, kept_files()) == (State.NOT_SENT, False, [])


def test_uploads_leave_workers_for_others(sandbox, upload):
    writes = [upload([f"p{n}@mail.example"]) for n in range(3)]
    Mutation.objects.filter(pk__in=[write.mutation_id for write in writes[:2]]).update(state=State.SENDING)
    assert services.carry_out(writes[2].pk).mutation.state == State.ASKED
    Mutation.objects.filter(pk=writes[0].mutation_id).update(state=State.UNCONFIRMED)
    assert services.carry_out(writes[2].pk).mutation.state == State.HAPPENED


def test_a_recording_whose_end_nobody_can_tell_is_not_kept_for_ever(sandbox, upload):
    sandbox.world.faults.add(Fault("drop_after", "POST", PATH))
    write = services.carry_out(upload().pk)
    Mutation.objects.update(asked_at=timezone.now() - timedelta(days=8))
    carrying.tend()
    write.refresh_from_db()
    assert (write.is_open, kept_files()) == (True, [])
    assert settled(write, 20).mutation.state == State.HAPPENED


def test_the_same_token_with_another_recording_is_another_upload(upload):
    assert upload(key="form").pk == upload(key="form").pk
    assert upload(key="form", recording=arrived(MP3 + b"more")).pk != upload(key="form").pk
    assert len(kept_files()) == 2


def test_a_refusal_by_posthog_ends_it_in_its_words(sandbox, upload):
    sandbox.world.has_interviews = False
    write = services.carry_out(upload().pk)
    assert write.mutation.state == State.REFUSED
    assert "user-interviews" in write.mutation.error
    assert (posts(sandbox), kept_files()) == (0, [])
    assert results("interview.create") == ["asked", "failed"]


def test_a_recording_that_another_machine_has_is_not_sent(sandbox, upload):
    write = upload()
    recordings.remove(write.recording)
    write = services.carry_out(write.pk)
    assert write.mutation.state == State.NOT_SENT
    assert "same VAR_DIR" in write.mutation.error
    assert posts(sandbox) == 0


@pytest.mark.parametrize(
    ("data", "emails", "error", "told"),
    [
        (b"", PEOPLE, InvalidInput, "no bytes"),
        (b"%PDF-1.7 and so on", PEOPLE, InvalidInput, "no recording"),
        (b"MZ\x90\x00" + bytes(100), PEOPLE, InvalidInput, "no recording"),
        (MP3, [], InvalidInput, "at least one interviewee"),
        (MP3, ["nobody"], InvalidInput, "Number 1"),
        (MP3, ["a@b.io", "x@y"], InvalidInput, "Number 2"),
        (MP3, ["a@b.io\r\nBcc: c@d.io"], InvalidInput, "Number 1"),
        (MP3, [f"p{n}@mail.example" for n in range(51)], InvalidInput, "At most 50"),
        (b"ID3" + bytes(1_100_000), PEOPLE, TooLarge, "at most 1 MB"),
    ],
    ids=["empty", "pdf", "program", "nobody", "malformed", "second malformed", "header", "crowd", "large"],
)
def test_what_cannot_be_sent_is_told_in_a_sentence_and_leaves_nothing(settings, upload, data, emails, error, told):
    settings.INTERVIEW_AUDIO_MAX_BYTES = 1024 * 1024
    with pytest.raises(error, match=told):
        upload(emails, recording=arrived(data))
    assert not Write.objects.exists()
    assert not AuditEntry.objects.filter(action="interview.create").exists()
    assert kept_files() == []


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"ID3\x04", "MP3"),
        (b"\xff\xfb\x90\x64", "MP3"),
        (b"\xff\xf1\x50\x80", "AAC"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "WAV"),
        (b"OggS\x00\x02", "Ogg"),
        (b"fLaC\x00", "FLAC"),
        (b"\x1a\x45\xdf\xa3\x9f", "WebM"),
        (b"\x00\x00\x00\x20ftypM4A \x00", "M4A"),
        (b"\x00\x00\x00\x20ftypisom", "MP4"),
    ],
)
def test_a_recording_is_known_by_its_first_bytes(head, name):
    assert recordings.check(arrived(head + bytes(100))).name == name


def test_a_large_recording_is_not_kept_on_disk_while_it_arrives(settings):
    settings.INTERVIEW_AUDIO_MAX_BYTES = 1_000
    handler = recordings.ToDisk()
    handler.handle_raw_input(None, {}, 500 * 1024 * 1024, b"")
    handler.new_file("audio", "a.mp3", "audio/mpeg", None)
    handler.receive_data_chunk(b"ID3" + bytes(5_000), 0)
    assert kept_files() == []
    assert handler.file_complete(5_003).is_too_large


def test_an_upload_that_is_refused_for_its_role_or_server_is_denied_before_anything_is_kept(
    connection, upload, reviewer, viewer
):
    for person in (reviewer, viewer):
        with pytest.raises(NotPermitted):
            upload(user=person)
    connection.capabilities = {"interviews_write": {"state": "no", "reason": "No scope.", "cause": "scope"}}
    with pytest.raises(NotOffered, match="No scope"):
        upload()
    assert kept_files() == []


def test_files_that_a_killed_process_left_are_cleared_away(upload, recordings_folder):
    upload()
    left = recordings_folder / "left.mp3"
    left.write_bytes(MP3)
    carrying.tend()
    assert left.exists()
    os.utime(left, (1, 1))
    carrying.tend()
    assert not left.exists()
    assert len(kept_files()) == 1
    assert not Interview.objects.exists()
