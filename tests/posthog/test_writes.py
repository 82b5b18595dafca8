"""Each write sends exactly what was given, once."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import pytest

from tests.posthog.rows import DETAIL_B, TOKEN, VIEW
from tests.posthog.scripted import Scripted, answer, problem
from warehouse_admin.posthog import errors, writes
from warehouse_admin.posthog.client import Client

PROJECT = "/api/projects/7/"
VIEWS = f"{PROJECT}warehouse_saved_queries/"
TABLES = f"{PROJECT}warehouse_tables/"
INTERVIEWS = f"{PROJECT}user_interviews/"
FOLDERS = f"{PROJECT}warehouse_saved_query_folders/"
SQL = "SELECT '\u00e9\U0001f600'\r\n  FROM events\n"
QUERY = {"kind": "HogQLQuery", "query": SQL}
ROW = {"id": VIEW, "name": "x"}


@pytest.mark.parametrize(("status", "upsert"), [(201, False), (200, True)])
def test_a_create_that_overwrote_says_so(server: Scripted, client: Client, status: int, upsert: bool):
    server.play(answer(status, DETAIL_B))

    created = writes.create_saved_query(client, name="stg.orders", hogql=SQL)

    assert (created.saved_query.id, created.was_upsert, client.last_status) == (VIEW, upsert, status)
    assert server.asked[0].json() == {"name": "stg.orders", "query": QUERY}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"hogql": SQL, "edited_history_id": TOKEN}, {"query": QUERY, "edited_history_id": TOKEN}),
        ({"hogql": SQL, "edited_history_id": UUID(TOKEN)}, {"query": QUERY, "edited_history_id": TOKEN}),
        ({"hogql": SQL}, {"query": QUERY}),
        ({"name": "mart.orders"}, {"name": "mart.orders"}),
        ({"sync_frequency": "never"}, {"sync_frequency": "never"}),
        ({"name": "a", "edited_history_id": TOKEN}, {"name": "a"}),
        ({"folder_id": None, "description": ""}, {"folder_id": None, "description": ""}),
        (
            {"hogql": SQL, "base_query": {"kind": "Old", "query": "SELECT 1", "values": {"a": 1}}},
            {"query": {**QUERY, "values": {"a": 1}}},
        ),
    ],
)
def test_an_update_sends_only_what_is_given(server: Scripted, client: Client, fields: dict, body: dict):
    server.play(answer(200, DETAIL_B))

    assert writes.update_saved_query(client, VIEW, **fields).id == VIEW

    assert (server.asked[0].method, server.asked[0].path) == ("PATCH", f"{VIEWS}{VIEW}/")
    assert server.asked[0].json() == body


def test_a_conflict_is_its_own_error(server: Scripted, client: Client):
    server.play(problem(400, "The query was modified by someone else."))

    with pytest.raises(errors.Conflict) as caught:
        writes.update_saved_query(client, VIEW, hogql=SQL, edited_history_id=TOKEN)
    assert not caught.value.unconfirmed


@pytest.mark.parametrize(
    ("act", "method", "path", "body"),
    [
        (lambda c: writes.materialize(c, VIEW), "POST", f"{VIEWS}{VIEW}/materialize/", {}),
        (
            lambda c: writes.materialize(c, VIEW, sync_frequency="1hour"),
            "POST",
            f"{VIEWS}{VIEW}/materialize/",
            {"sync_frequency": "1hour"},
        ),
        (lambda c: writes.revert_materialization(c, VIEW), "POST", f"{VIEWS}{VIEW}/revert_materialization/", {}),
        (lambda c: writes.run(c, VIEW), "POST", f"{VIEWS}{VIEW}/run/", {}),
        (lambda c: writes.run(c, VIEW, full_refresh=False), "POST", f"{VIEWS}{VIEW}/run/", {"full_refresh": False}),
        (lambda c: writes.cancel(c, VIEW), "POST", f"{VIEWS}{VIEW}/cancel/", {}),
        (lambda c: writes.refresh_table_schema(c, VIEW), "POST", f"{TABLES}{VIEW}/refresh_schema/", {}),
        (
            lambda c: writes.update_table_schema(c, VIEW, {"a": "float"}),
            "POST",
            f"{TABLES}{VIEW}/update_schema/",
            {"updates": {"a": "float"}},
        ),
        (
            lambda c: writes.resume_schedules(c, [VIEW.upper(), UUID(TOKEN)]),
            "POST",
            f"{VIEWS}resume_schedules/",
            {"view_ids": [VIEW, TOKEN]},
        ),
        (lambda c: writes.delete_saved_query(c, VIEW), "DELETE", f"{VIEWS}{VIEW}/", None),
        (lambda c: writes.delete_table(c, VIEW), "DELETE", f"{TABLES}{VIEW}/", None),
        (lambda c: writes.delete_interview(c, VIEW), "DELETE", f"{INTERVIEWS}{VIEW}/", None),
        (lambda c: writes.delete_folder(c, VIEW), "DELETE", f"{FOLDERS}{VIEW}/", None),
    ],
)
def test_actions_answered_with_nothing(
    server: Scripted, client: Client, act: Any, method: str, path: str, body: dict | None
):
    server.play(answer(204 if method == "DELETE" else 202))

    assert act(client) is None

    asked = server.asked[0]
    assert (asked.method, asked.path, len(server.asked)) == (method, path, 1)
    assert (asked.json() if asked.body else None) == body
    assert client.last_status in {202, 204}


@pytest.mark.parametrize(("body", "resumed"), [({"resumed": True}, True), ({"resumed": False}, False), (None, None)])
def test_a_single_resume_tells_whether_there_was_a_suspension(
    server: Scripted, client: Client, body: dict | None, resumed: bool | None
):
    server.play(answer(200, body))

    assert writes.resume(client, VIEW) is resumed
    assert server.asked[0].path == f"{VIEWS}{VIEW}/resume/"


@pytest.mark.parametrize("ids", [[], [VIEW] * 51, [VIEW, "not-an-id"], [VIEW, ""]])
def test_a_batch_that_posthog_would_choke_on_stays_here(server: Scripted, client: Client, ids: list[str]):
    with pytest.raises(ValueError, match="views at a time|not the id"):
        writes.resume_schedules(client, ids)
    assert server.asked == []


def test_a_table_is_linked_with_its_credentials(server: Scripted, client: Client):
    server.play(answer(201, ROW))

    writes.create_table(client, name="x", format="CSV", url_pattern="https://b/x", access_key="k", access_secret="s")

    credential = {"access_key": "k", "access_secret": "s"}
    body = {"name": "x", "format": "CSV", "url_pattern": "https://b/x", "credential": credential}
    assert (server.asked[0].path, server.asked[0].json()) == (TABLES, body)


@pytest.mark.parametrize(
    ("fields", "body"),
    [({"name": "y"}, {"name": "y"}), ({"access_secret": "new"}, {"credential": {"access_secret": "new"}})],
)
def test_a_table_is_changed_only_where_given(server: Scripted, client: Client, fields: dict, body: dict):
    server.play(answer(200, ROW))

    assert writes.update_table(client, VIEW, **fields).name == "x"
    assert (server.asked[0].method, server.asked[0].json()) == ("PATCH", body)


@pytest.mark.parametrize(
    "act",
    [
        lambda c: writes.update_saved_query(c, VIEW),
        lambda c: writes.update_saved_query(c, VIEW, edited_history_id=TOKEN),
        lambda c: writes.update_table(c, VIEW),
        lambda c: writes.update_table_schema(c, VIEW, {}),
        lambda c: writes.update_interview(c, VIEW),
    ],
)
def test_a_change_of_nothing_is_refused_here(server: Scripted, client: Client, act: Any):
    with pytest.raises(ValueError, match="Nothing to change"):
        act(client)
    assert server.asked == []


def test_folders_are_made_and_renamed(server: Scripted, client: Client):
    server.play(answer(201, ROW), answer(200, ROW))

    assert writes.create_folder(client, name="x").id == VIEW
    assert writes.update_folder(client, VIEW, name="x").name == "x"
    assert [(a.method, a.path) for a in server.asked] == [("POST", FOLDERS), ("PATCH", f"{FOLDERS}{VIEW}/")]


# Interviews


class NoisyFile(BytesIO):
    """Notes the largest piece anybody asked for."""

    largest = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None and size > 0, "the whole file was asked for at once"
        self.largest = max(self.largest, size)
        return super().read(size)


def upload(client: Client, audio: Any, **changed: Any) -> Any:
    fields = {"filename": "talk.mp3", "content_type": "audio/mpeg", "interviewee_emails": ["a@x.io", "B <b@x.io>"]}
    return writes.create_interview(client, audio=audio, **{**fields, **changed})


def parts_of(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    boundary = content_type.partition("boundary=")[2].encode()
    pieces = body.split(b"--" + boundary)
    assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
    found = []
    for piece in pieces[1:-1]:
        head, _, value = piece[2:-2].partition(b"\r\n\r\n")
        found.append((head.decode(), value))
    return found


def test_a_recording_is_streamed_as_a_form(server: Scripted, client: Client):
    server.play(answer(201, {"id": VIEW, "interviewee_emails": ["a@x.io"]}))
    sound = bytes(range(256)) * 4_000
    audio = NoisyFile(sound)

    assert upload(client, audio).interviewee_emails == ["a@x.io"]

    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", INTERVIEWS)
    assert int(asked.headers["content-length"]) == len(asked.body)
    assert parts_of(asked.headers["content-type"], asked.body) == [
        ('Content-Disposition: form-data; name="interviewee_emails"', b"a@x.io"),
        ('Content-Disposition: form-data; name="interviewee_emails"', b"B <b@x.io>"),
        (
            'Content-Disposition: form-data; name="audio"; filename="talk.mp3"\r\nContent-Type: audio/mpeg',
            sound,
        ),
    ]
    assert audio.largest <= 64 * 1024


def test_a_file_name_cannot_break_out_of_its_header(server: Scripted, client: Client):
    server.play(answer(201, {"id": VIEW}))

    upload(client, BytesIO(b"x"), filename='a"\r\nX-Evil: 1\r\n\r\n\u00e9.mp3')

    head, value = parts_of(server.asked[0].headers["content-type"], server.asked[0].body)[-1]
    assert 'filename="a%22%0D%0AX-Evil: 1%0D%0A%0D%0A\u00e9.mp3"' in head
    assert value == b"x"


@pytest.mark.parametrize("changed", [{"interviewee_emails": []}, {"content_type": "audio/mpeg\r\nX: y"}])
def test_an_unfit_upload_stays_here(server: Scripted, client: Client, changed: dict):
    with pytest.raises(ValueError, match="interviewee|media type"):
        upload(client, BytesIO(b"x"), **changed)
    assert server.asked == []


def test_an_upload_that_failed_late_is_unconfirmed(server: Scripted, client: Client):
    server.play(problem(504, "Gateway time-out"))

    with pytest.raises(errors.ServerError) as caught:
        upload(client, BytesIO(b"x"))

    assert caught.value.unconfirmed
    assert len(server.asked) == 1


def test_an_interview_is_changed_only_where_given(server: Scripted, client: Client):
    server.play(answer(200, {"id": VIEW, "summary": "short"}))

    assert writes.update_interview(client, VIEW, summary="short").summary == "short"
    assert (server.asked[0].method, server.asked[0].json()) == ("PATCH", {"summary": "short"})


@pytest.mark.parametrize("spelled", ["a/b+c&d", "a%2Fb%2Bc%26d", "a/b+c&amp;d"])
def test_an_error_of_the_storage_tells_no_keys_however_it_spells_them(server: Scripted, client: Client, spelled: str):
    server.play(problem(400, f"<AWSAccessKeyId>{spelled}</AWSAccessKeyId> of AKIA77"))

    with pytest.raises(errors.Refused) as refused:
        writes.create_table(
            client, name="x", format="CSV", url_pattern="https://b/x", access_key="AKIA77", access_secret="a/b+c&d"
        )

    assert refused.value.detail == "<AWSAccessKeyId>[hidden]</AWSAccessKeyId> of [hidden]"
