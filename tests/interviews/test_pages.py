"""The pages: who sees them, what they cost, and that nothing of a stranger's text is run."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.interviews.conftest import MP3, PATH, PEOPLE, kept_files, sent_file
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.interviews import markdown, services
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault

pytestmark = pytest.mark.django_db
TYPED = "\r\n".join(PEOPLE)


def many(connection, count: int) -> None:
    Interview.objects.bulk_create(
        Interview(
            connection=connection,
            posthog_id=uuid.uuid4(),
            emails_text=f"person{n}@mail.example",
            summary=f"# Summary {n}\nwith **words**",
            transcript=f"said {n}",
            remote_created_at=timezone.now() - timedelta(hours=n),
        )
        for n in range(count)
    )


def test_only_those_with_the_permission_see_the_pages_and_the_link(interviews, person, client_of):
    paths = ["/interviews/", f"/interviews/{interviews[0].posthog_id}/"]
    may = {"editor", "reviewer", "operator", "admin"}
    from warehouse_admin.accounts.roles import Role

    for role in Role:
        client = client_of(person(f"p_{role.value}", role))
        assert {client.get(path).status_code for path in paths} == {200 if role.value in may else 403}, role
        assert (b'href="/interviews/"' in client.get("/settings/").content) is (role.value in may)
        writes = role.value in may - {"reviewer"}
        assert client.get("/interviews/upload/").status_code == (200 if writes else 403)
        assert client.get(f"{paths[1]}edit/").status_code == (200 if writes else 403)
    assert AuditEntry.objects.filter(result="denied", action="interview.read").count() == 6


@pytest.mark.parametrize("path", ["/interviews/", "/interviews/?q=person1+words&sort=by"])
def test_the_list_costs_the_same_at_ten_and_at_sixty(
    connection, author, client_of, django_assert_max_num_queries, path
):
    client = client_of(author)
    many(connection, 10)
    with django_assert_max_num_queries(20) as small:
        client.get(path)
    many(connection, 60)
    with django_assert_max_num_queries(20) as large:
        client.get(path)
    assert len(small) == len(large)


@pytest.mark.parametrize("words", ["GIFT renews", "Paul thought", "lea@mail", "charged paul@mail.example"])
def test_search_looks_into_summary_transcript_and_addresses(interviews, author, client_of, words):
    page = client_of(author).get("/interviews/", {"q": words}).content.decode()
    assert "Gift subscriptions" in page
    assert "Office plan" not in page


def test_an_htmx_search_answers_the_table_alone(interviews, author, client_of):
    page = client_of(author).get("/interviews/", {"q": "office"}, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<section id="interview-table"')
    assert "Office plan" in page


def test_a_missing_product_is_said_and_is_no_error(connection, sandbox, author, client_of):
    sandbox.world.has_interviews = False
    services.read_all(connection)
    page = client_of(author).get("/interviews/").content.decode()
    assert "has no user interviews for this key" in page
    assert "user-interviews" in page
    upload = client_of(author).get("/interviews/upload/").content.decode()
    assert "user-interviews" in upload
    sent = {"audio": sent_file(), "interviewee_emails": TYPED}
    assert client_of(author).post("/interviews/upload/", sent).status_code == 409
    assert kept_files() == []


EVIL = """# Big <script>alert(1)</script>

<img src=x onerror=alert(1)> ![pic](https://evil.example/p.png) [click](javascript:alert(1)) [ok](https://a.example/)
<iframe src="https://evil.example"></iframe>

- **bold** & _soft_
"""


def test_a_summary_is_markdown_without_anything_that_runs_or_loads(interviews, author, client_of):
    Interview.objects.filter(pk=interviews[0].pk).update(
        summary=EVIL, transcript="<script>alert(2)</script>\nline two", topic="<b>x</b>", emails_text="<i>@x.io"
    )
    page = client_of(author).get(interviews[0].get_absolute_url()).content.decode()
    body = page[page.index("<main") : page.index("</main>")]
    for bad in ("<script", "<iframe", 'href="javascript', "<img", "<b>x", "<i>@x"):
        assert bad not in body
    assert "<h3>Big &lt;script&gt;" in body
    assert "<strong>bold</strong>" in body
    assert "[picture: pic]" in body
    assert "evil.example/p.png" not in body
    assert 'rel="noopener noreferrer nofollow"' in body
    assert "&lt;script&gt;alert(2)" in body
    listed = client_of(author).get("/interviews/").content.decode()
    assert "<script>alert" not in listed


def test_the_first_line_of_a_summary_has_no_marks():
    text = "# What *we* heard\n\n- one\n2. two\n> Ada <ada@x.io> said"
    assert markdown.to_line(text) == "What we heard one two Ada <ada@x.io> said"


def test_a_very_long_summary_is_shown_as_text():
    assert markdown.to_html("<b>" * 70_000).startswith("<p>&lt;b&gt;")


def test_uploading_by_the_form_ends_at_an_interview(
    sandbox, connection, author, client_of, django_capture_on_commit_callbacks
):
    client = client_of(author)
    sent = {"audio": sent_file(), "interviewee_emails": TYPED, "token": "t1"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/interviews/upload/", sent)

    write = Write.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, write.get_absolute_url())
    assert write.interview.emails == PEOPLE
    assert kept_files() == []
    assert "Open the interview" in client.get(write.get_absolute_url()).content.decode()
    again = client.post("/interviews/upload/", {**sent, "audio": sent_file()})
    assert again["Location"] == write.get_absolute_url()
    assert len(sandbox.world.requests_to(PATH, "POST")) == 1


def test_the_form_checks_the_token_of_the_session_and_answers_htmx_with_a_redirect(connection, author):
    client = Client(enforce_csrf_checks=True)
    client.force_login(author)
    sent = {"audio": sent_file(), "interviewee_emails": TYPED}
    assert client.post("/interviews/upload/", sent).status_code == 403
    assert not Write.objects.exists()
    client.cookies["portal_csrf"] = "c" * 32
    headers = {"X-CSRFToken": "c" * 32, "HX-Request": "true"}
    answer = client.post("/interviews/upload/", {**sent, "audio": sent_file()}, headers=headers)
    assert answer["HX-Redirect"] == Write.objects.get().get_absolute_url()
    assert len(kept_files()) == 1


def test_everything_wrong_is_told_at_once_and_what_was_typed_is_kept(connection, author, client_of):
    client = client_of(author)
    sent = {"audio": sent_file(b"%PDF-1.4 no audio"), "interviewee_emails": "ada@example.com\nnobody"}
    answer = client.post("/interviews/upload/", sent, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.lstrip().startswith('<form id="upload-form"')
    assert "This file is no recording" in page
    assert "Number 2 is not an e-mail address" in page
    assert "ada@example.com\nnobody" in page
    nothing = client.post("/interviews/upload/", {"interviewee_emails": ""}).content.decode()
    assert "Choose the recording" in nothing
    assert "at least one interviewee" in nothing
    assert kept_files() == []


def test_a_recording_above_the_limit_is_told_with_both_sizes(settings, connection, author, client_of):
    settings.INTERVIEW_AUDIO_MAX_BYTES = 1024 * 1024
    big = sent_file(b"ID3" + bytes(3 * 1024 * 1024))
    answer = client_of(author).post("/interviews/upload/", {"audio": big, "interviewee_emails": TYPED})
    assert answer.status_code == 422
    assert "has 3 MB; at most 1 MB" in answer.content.decode()
    assert kept_files() == []


def test_a_viewer_is_turned_away_before_the_recording_is_read(connection, viewer, client_of):
    answer = client_of(viewer).post("/interviews/upload/", {"audio": sent_file(), "interviewee_emails": TYPED})
    assert answer.status_code == 403
    assert kept_files() == []
    assert AuditEntry.objects.get(result="denied").action == "interview.create"


def test_editing_by_the_form_keeps_what_was_typed_where_somebody_was_faster(sandbox, interviews, author, client_of):
    one, client = interviews[0], client_of(author)
    sent = {"summary": "my words", "interviewee_emails": "a@b.io", "reason": "", "seen": one.fingerprint}
    sandbox.world.interviews[str(one.posthog_id)].summary = "theirs"
    Interview.objects.filter(pk=one.pk).update(summary="theirs")
    answer = client.post(f"{one.get_absolute_url()}edit/", sent)
    assert answer.status_code == 409
    assert "my words" in answer.content.decode()
    one.refresh_from_db()
    answer = client.post(f"{one.get_absolute_url()}edit/", {**sent, "seen": one.fingerprint})
    assert answer["Location"] == one.get_absolute_url()
    assert Mutation.objects.get().kind == "update_interview"
    assert "Asked" in client.get(one.get_absolute_url()).content.decode()


def test_deleting_by_the_form_needs_the_whole_id(
    sandbox, interviews, author, client_of, django_capture_on_commit_callbacks
):
    one, client = interviews[0], client_of(author)
    url = f"{one.get_absolute_url()}delete/"
    assert str(one.posthog_id) in client.get(url).content.decode()
    wrong = client.post(url, {"confirm": str(one.posthog_id)[:8], "reason": "asked to"})
    assert wrong.status_code == 422
    assert "cannot be undone" in wrong.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url, {"confirm": str(one.posthog_id), "reason": "asked to", "seen": one.fingerprint})
    assert str(one.posthog_id) not in sandbox.world.interviews
    page = client.get(one.get_absolute_url()).content.decode()
    assert "gone from PostHog" in page
    assert "lea@mail.example" not in page


def test_the_state_of_a_write_is_polled_until_its_end(sandbox, connection, author, client_of):
    sandbox.world.faults.add(Fault("drop_after", "POST", PATH))
    from tests.interviews.conftest import arrived

    write = services.create(user=author, connection=connection, recording=arrived(MP3), emails=PEOPLE)
    services.carry_out(write.pk)
    client = client_of(author)
    page = client.get(write.get_absolute_url(), headers={"HX-Request": "true"})
    assert (page.status_code, b"every 2s" in page.content, b"Unconfirmed" in page.content) == (200, True, True)
    Mutation.objects.update(state="happened", object_id=str(uuid.uuid4()))
    services.tend()
    page = client.get(write.get_absolute_url(), headers={"HX-Request": "true"})
    assert (page.status_code, page["HX-Refresh"], b"every 2s" in page.content) == (286, "true", False)


def form_of(page: str) -> dict[str, str]:
    """What a browser would send back of a form as it came, beside what is typed."""
    return {"seen": re.search(r'name="seen" value="([0-9a-f]{64})"', page)[1]}


def test_a_deletion_is_asked_again_where_somebody_changed_the_interview_in_posthog(
    sandbox, interviews, author, client_of, django_capture_on_commit_callbacks
):
    one, client = interviews[0], client_of(author)
    url, typed = f"{one.get_absolute_url()}delete/", {"confirm": str(one.posthog_id), "reason": "asked to"}
    opened = form_of(client.get(url).content.decode())
    sandbox.world.interviews[str(one.posthog_id)].summary = "said since then"

    answer = client.post(url, typed | opened)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed this interview since the form was opened" in page
    assert "said since then" in page and "asked to" in page
    assert not Write.objects.exists() and not sandbox.world.requests_to(PATH, "DELETE")
    assert not AuditEntry.objects.filter(action="interview.delete").exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(url, typed | form_of(page)).status_code == 302
    assert str(one.posthog_id) not in sandbox.world.interviews
    assert AuditEntry.objects.filter(action="interview.delete").last().result == "ok"


def test_a_deletion_that_does_not_say_what_it_was_decided_on_is_not_taken(interviews, author, client_of):
    url = f"{interviews[0].get_absolute_url()}delete/"
    answer = client_of(author).post(url, {"confirm": str(interviews[0].posthog_id), "reason": "asked to"})
    assert (answer.status_code, Write.objects.exists()) == (422, False)
    assert "open it again" in answer.content.decode()


def test_an_edit_keeps_what_was_typed_beside_what_posthog_has_by_now(
    sandbox, interviews, author, client_of, django_capture_on_commit_callbacks
):
    one, client = interviews[0], client_of(author)
    there = sandbox.world.interviews[str(one.posthog_id)]
    url, typed = f"{one.get_absolute_url()}edit/", {"summary": "my words", "interviewee_emails": one.emails_text}
    opened = form_of(client.get(url).content.decode())
    there.summary = "their words"

    answer = client.post(url, typed | opened)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "my words" in page and "their words" in page
    assert not Write.objects.exists() and there.summary == "their words"
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(url, typed | form_of(page)).status_code == 302
    assert there.summary == "my words"
    assert AuditEntry.objects.filter(action="interview.update").last().result == "ok"


@pytest.mark.parametrize("which", ["edit", "delete"])
def test_of_a_deleted_interview_the_forms_say_that_it_is_gone(sandbox, interviews, author, client_of, which):
    one, client = interviews[0], client_of(author)
    url = f"{one.get_absolute_url()}{which}/"
    sent = {"summary": "x", "interviewee_emails": "a@b.io", "confirm": str(one.posthog_id), "reason": "r"}
    sent |= form_of(client.get(url).content.decode())
    del sandbox.world.interviews[str(one.posthog_id)]

    posted = client.post(url, sent)  # notices it
    opened = client.get(url)

    for answer in (posted, opened):
        assert answer.status_code == 409
        assert "This interview was deleted in PostHog." in answer.content.decode()
        assert 'name="reason"' not in answer.content.decode()
    one.refresh_from_db()
    assert one.deleted_at and not one.summary
    assert not Write.objects.exists()


def test_a_recording_just_above_the_limit_is_not_said_to_have_the_limit(settings, connection, author, client_of):
    settings.INTERVIEW_AUDIO_MAX_BYTES = 1024 * 1024
    big = sent_file(MP3 + bytes(1024 * 1024 + 1 - len(MP3)))
    answer = client_of(author).post("/interviews/upload/", {"audio": big, "interviewee_emails": TYPED})
    assert "has 1.1 MB; at most 1 MB" in answer.content.decode()
    assert not Write.objects.exists()


def test_an_empty_recording_is_told_together_with_what_else_is_wrong(connection, author, client_of):
    client = client_of(author)
    for emails, also in (
        (TYPED, ""),
        ("", "at least one interviewee"),
        ("nobody", "Number 1 is not an e-mail address"),
    ):
        page = client.post("/interviews/upload/", {"audio": sent_file(b""), "interviewee_emails": emails})
        told = page.content.decode()
        assert page.status_code == 422
        assert "The recording is empty: it has no bytes." in told and also in told
    assert not Write.objects.exists() and kept_files() == []
    assert not AuditEntry.objects.filter(action="interview.create").exists()


def test_without_scripts_there_is_a_way_to_look_again(interviews, author, client_of):
    write = services.edit(user=author, interview=interviews[0], summary="mine")
    assert "Look again" in client_of(author).get(write.get_absolute_url()).content.decode()
    services.carry_out(write.pk)
    assert "Look again" not in client_of(author).get(write.get_absolute_url()).content.decode()


@pytest.mark.parametrize("which", ["upload", "edit"])
def test_a_form_repeats_what_is_no_address_and_shortens_it(interviews, author, client_of, which):
    one = interviews[0]
    url = "/interviews/upload/" if which == "upload" else f"{one.get_absolute_url()}edit/"
    sent = {"summary": "x", "seen": one.fingerprint, "interviewee_emails": f"a@b.io\nno<i>body\n{'y' * 60}"}
    if which == "upload":
        sent["audio"] = sent_file(b"no recording")
    answer = client_of(author).post(url, sent)
    told = answer.content.decode()
    assert answer.status_code == 422
    assert "Ada &lt;a@example.com&gt;: “no&lt;i&gt;body”." in told
    assert f"“{'y' * 40}…”" in told
    assert ("This file is no recording" in told) is (which == "upload")
    assert not Write.objects.exists() and kept_files() == []
