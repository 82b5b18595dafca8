"""REST: the contract of interviews."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from tests.api.caller import BASE, is_problem
from tests.interviews.conftest import MP3, PATH, PEOPLE, kept_files, sent_file
from warehouse_admin.accounts import tokens
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.interviews import services
from warehouse_admin.interviews.models import Interview, Write

pytestmark = pytest.mark.django_db
URL = f"{BASE}interviews/"


@pytest.fixture
def script_of():
    def make(user, **more):
        _, text = tokens.create_token(user=user, name="nightly", read_only=False)
        return Client(headers={"Authorization": f"Bearer {text}", **more})

    return make


def send(client, data=MP3, emails=PEOPLE, **more):
    return client.post(URL, {"audio": sent_file(data), "interviewee_emails": emails, **more})


def one_url(interview: Interview) -> str:
    return f"{URL}{interview.posthog_id}/"


def change(client, method: str, url: str, body: dict):
    return getattr(client, method)(url, body, "application/json")


def test_the_whole_life_of_an_interview(sandbox, connection, author, script_of, django_capture_on_commit_callbacks):
    script = script_of(author)
    with django_capture_on_commit_callbacks(execute=True):
        answer = send(script)
    assert answer.status_code == 202
    state = script.get(answer.json()["url"]).json()
    assert (state["state"], state["kind"], state["error"]) == ("happened", "create", None)

    url = f"{URL}{state['interview']}/"
    found = script.get(url).json()
    assert (found["interviewee_emails"], found["connection"]) == (PEOPLE, "demo")
    assert found["transcript"]
    assert "audio" not in found

    with django_capture_on_commit_callbacks(execute=True):
        changed = change(script, "patch", url, {"summary": "Shorter."})
    assert changed.status_code == 202
    assert script.get(url).json()["summary"] == "Shorter."
    same = change(script, "patch", url, {"summary": "Shorter."})
    assert (same.status_code, same.json()) == (
        200,
        {"kind": "edit", "state": "happened", "interview": state["interview"]},
    )
    is_problem(change(script, "patch", url, {"reason": "nothing else"}), 400)

    is_problem(change(script, "delete", url, {"reason": "r", "confirm": "yes"}), 400)
    with django_capture_on_commit_callbacks(execute=True):
        gone = change(script, "delete", url, {"reason": "r", "confirm": state["interview"]})
    assert gone.status_code == 202
    tombstone = script.get(url).json()
    assert tombstone["deleted_at"]
    assert (tombstone["summary"], tombstone["transcript"], tombstone["interviewee_emails"]) == (None, None, [])
    assert state["interview"] not in sandbox.world.interviews
    assert kept_files() == []


def test_lists_are_paged_searched_and_ordered(interviews, author, script_of):
    script = script_of(author)
    page = script.get(URL, {"limit": 2}).json()
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert "transcript" not in page["results"][0]
    oldest = script.get(URL, {"ordering": "created_at", "limit": 1}).json()["results"][0]
    assert oldest["interviewee_emails"] == ["Nora Feld <nora.feld@mail.example>"]
    found = script.get(URL, {"search": "adeyemi office"}).json()
    assert [row["interviewee_emails"] for row in found["results"]] == [["t.adeyemi@mail.example"]]
    assert script.get(URL, {"deleted": "only"}).json()["count"] == 0
    is_problem(script.get(URL, {"emial": "x"}), 400)
    is_problem(script.get(URL, {"ordering": "summary"}), 400)
    is_problem(script.get(f"{URL}not-an-id/"), 404)
    is_problem(script.get(f"{URL}0190a1b2-0000-7000-8000-000000000000/"), 404)


def test_the_list_costs_the_same_however_many_there_are(interviews, author, script_of, django_assert_max_num_queries):
    from tests.interviews.test_pages import many

    script = script_of(author)
    script.get(URL)  # the first call notes that the token was used
    with django_assert_max_num_queries(9) as small:
        script.get(URL)
    many(interviews[0].connection, 50)
    with django_assert_max_num_queries(9) as large:
        script.get(URL)
    assert len(small) == len(large)


@pytest.mark.parametrize("role", ["viewer", "auditor", "outsider"])
def test_those_who_may_not_read_get_403_everywhere(interviews, request, role, script_of):
    script = script_of(request.getfixturevalue(role))
    key = str(interviews[0].posthog_id)
    url = one_url(interviews[0])
    answers = [
        script.get(URL),
        script.get(url),
        send(script),
        change(script, "patch", url, {"summary": "x"}),
        change(script, "delete", url, {"reason": "r", "confirm": key}),
    ]
    for answer in answers:
        is_problem(answer, 403)
        assert "mail.example" not in answer.content.decode()
    assert AuditEntry.objects.filter(result="denied").count() == 5
    assert not Write.objects.exists()
    assert kept_files() == []


def test_a_reviewer_reads_and_does_not_write(interviews, reviewer, script_of):
    script, url = script_of(reviewer), one_url(interviews[0])
    assert script.get(url).status_code == 200
    is_problem(change(script, "patch", url, {"summary": "x"}), 403)
    is_problem(send(script), 403)


def test_the_same_key_uploads_once_and_another_recording_under_it_is_refused(sandbox, connection, author, script_of):
    script = script_of(author, **{"Idempotency-Key": "k-1"})
    first, again = send(script), send(script)
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (202, 202, "true")
    assert first.json() == again.json()
    is_problem(send(script, MP3 + b"other"), 422)
    is_problem(send(script, emails=["else@x.io", PEOPLE[1]]), 422)
    assert Write.objects.count() == 1
    assert len(kept_files()) == 1


def test_the_key_counts_for_deletions_too(interviews, author, script_of):
    script, one = script_of(author, **{"Idempotency-Key": "k-2"}), interviews[0]
    body = {"reason": "r", "confirm": str(one.posthog_id)}
    first, again = (change(script, "delete", one_url(one), body) for _ in range(2))
    assert (first.status_code, again["Idempotency-Replayed"]) == (202, "true")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"interviewee_emails": PEOPLE}, "audio"),
        ({"audio": "text", "interviewee_emails": PEOPLE}, "audio"),
        ({"audio": b"", "interviewee_emails": PEOPLE}, "audio"),
        ({"audio": b"GIF89a" + bytes(90), "interviewee_emails": PEOPLE}, "audio"),
        ({"audio": MP3}, "interviewee_emails"),
        ({"audio": MP3, "interviewee_emails": "nobody"}, "interviewee_emails"),
        ({"audio": MP3, "interviewee_emails": PEOPLE, "summary": "mine"}, "summary"),
        ({"audio": MP3, "interviewee_emails": PEOPLE, "connection": "nowhere"}, "connection"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said_by_field(connection, author, script_of, sent, field):
    body = {name: sent_file(value) if isinstance(value, bytes) else value for name, value in sent.items()}
    assert field in is_problem(script_of(author).post(URL, body), 400)["errors"]
    assert not Write.objects.exists()
    assert kept_files() == []


def test_json_cannot_carry_a_recording_and_one_that_is_too_large_is_413(settings, connection, author, script_of):
    script = script_of(author)
    refused = is_problem(change(script, "post", URL, {"interviewee_emails": PEOPLE, "audio": "x"}), 400)
    assert "audio" in refused["errors"]
    settings.INTERVIEW_AUDIO_MAX_BYTES = 1024 * 1024
    assert "at most 1 MB" in is_problem(send(script, b"ID3" + bytes(1_500_000)), 413)["detail"]
    assert kept_files() == []


def test_a_transcript_cannot_be_changed(interviews, author, script_of):
    answer = change(script_of(author), "patch", one_url(interviews[0]), {"transcript": "forged"})
    assert "transcript" in is_problem(answer, 400)["errors"]


def test_a_server_without_the_product_is_a_409_with_the_reason(sandbox, connection, author, script_of):
    connection.capabilities = {"interviews_write": {"state": "no", "reason": "The flag is off.", "cause": "access"}}
    connection.save()
    assert is_problem(send(script_of(author)), 409)["detail"] == "The flag is off."
    assert not sandbox.world.requests_to(PATH)


def test_an_export_of_the_trail_has_nothing_of_the_interviews(
    connection, author, auditor, script_of, django_capture_on_commit_callbacks
):
    services.read_all(connection)
    script = script_of(author)
    with django_capture_on_commit_callbacks(execute=True):
        send(script)
    one = Interview.objects.get(emails_text__startswith="Ida")
    reason = "ida@mail.example wants it"
    with django_capture_on_commit_callbacks(execute=True):
        change(script, "delete", one_url(one), {"reason": reason, "confirm": str(one.posthog_id)})
        asked = script_of(auditor).post(f"{BASE}audit/exports/", {"format": "csv"}, "application/json").json()
    answer = script_of(auditor).get(f"{BASE}audit/exports/{asked['id']}/file/")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert any("interview.delete" in row for row in rows)
    assert "mail.example" not in text
    assert "[masked] wants it" in text


def test_the_schema_tells_of_the_upload(author, script_of):
    schema = script_of(author).get(f"{BASE}schema/", {"format": "json"}).json()
    post = schema["paths"]["/api/v1/interviews/"]["post"]
    assert "multipart/form-data" in post["requestBody"]["content"]
    assert "202" in post["responses"]
    assert {"get", "patch", "delete"} <= schema["paths"]["/api/v1/interviews/{posthog_id}/"].keys()


def test_a_call_may_say_what_it_was_decided_on(sandbox, interviews, author, script_of):
    script, one = script_of(author), interviews[0]
    seen = script.get(one_url(one)).json()["fingerprint"]
    sandbox.world.interviews[str(one.posthog_id)].summary = "theirs"
    body = {"reason": "r", "confirm": str(one.posthog_id), "seen": seen}
    assert "changed" in is_problem(change(script, "delete", one_url(one), body), 409)["detail"]
    is_problem(change(script, "patch", one_url(one), {"summary": "mine", "seen": seen}), 409)
    assert not Write.objects.exists()
    body["seen"] = script.get(one_url(one)).json()["fingerprint"]
    assert change(script, "delete", one_url(one), body).status_code == 202
