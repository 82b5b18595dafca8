"""Exports: what is in the files, who gets them, and what becomes of those that a worker left half written."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.audit.conftest import Tamper
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import export_writing, exports, sealing, segments, services, signing, tasks
from warehouse_admin.audit.models import AuditEntry, Export, ExportPart
from warehouse_admin.audit.segments import BadSegment
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context

ClientOf = Callable[[User], Client]
State = Export.State


@pytest.fixture
def acts(author: User, reviewer: User) -> list[AuditEntry]:
    here = context.RequestContext(request_id="request-1", ip="192.0.2.7", user_agent="Firefox 140 secretly")
    with context.use(here):
        return [
            services.record(
                actor=actor,
                action="change.submitted",
                target=Target("change", str(number), f"orders_{number}"),
                reason=f"=cmd() asked by jo.doe@example.com from 10.1.2.3, v1.2.3 ({number})",
                after={"note": ["mail kim@example.org"], "n": number},
            )
            for number, actor in enumerate([author, author, reviewer])
        ]


@pytest.fixture
def ask(django_capture_on_commit_callbacks: Any) -> Callable[..., Export]:
    """Ask for an export, which the worker then writes."""

    def run(user: User, format: str = "jsonl", **options: Any) -> Export:
        with django_capture_on_commit_callbacks(execute=True):
            export = exports.ask(user=user, format=format, filters=options.pop("filters", {}), **options)
        export.refresh_from_db()
        return export

    return run


Ask = Callable[..., Export]


def file_of(export: Export, user: User) -> bytes:
    return b"".join(exports.content(export, user=user))


def test_json_lines_hold_what_the_filters_find(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    export = ask(auditor, filters={"actor": "author"})

    lines = [json.loads(line) for line in file_of(export, auditor).splitlines()]
    assert [line["object"]["name"] for line in lines] == ["orders_0", "orders_1"]
    assert (export.state, export.done, export.total) == (State.SUCCEEDED, 2, 2)
    assert lines[0]["hash"] == acts[0].hash


def test_personal_data_is_masked_wherever_it_stands(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    for format in Export.Format.values:
        text = file_of(ask(auditor, format, filters={"action": "change."}), auditor).decode()
        for personal in ("192.0.2.7", "secretly", "jo.doe", "kim@", "10.1.2.3"):
            assert personal not in text, (format, personal)
        assert "v1.2.3" in text and "[masked]" in text


def test_addresses_of_either_kind_are_masked_and_nothing_that_only_looks_like_one(
    author: User, auditor: User, ask: Ask
) -> None:
    said = "ip:2001:db8::7, ::ffff:192.0.2.9 and [fe80::1] at 11:28:48, toDate(x)::Date, 00:11:22:33:44:55"
    services.record(actor=author, action="test.done", reason=said)

    (line,) = file_of(ask(auditor, filters={"action": "test.done"}), auditor).splitlines()
    masked = "ip:[masked], [masked] and [[masked]] at 11:28:48, toDate(x)::Date, 00:11:22:33:44:55"
    assert json.loads(line)["reason"] == masked


def test_an_auditor_with_a_reason_gets_it_unmasked(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    export = ask(auditor, masked=False, reason="Incident 7", filters={"action": "change."})

    assert "jo.doe@example.com" in file_of(export, auditor).decode()
    asked = AuditEntry.objects.get(action="audit.export_asked")
    assert (asked.actor, asked.reason, asked.after["masked"]) == (auditor, "Incident 7", False)


def test_unmasked_needs_a_reason_and_the_role(
    acts: list[AuditEntry], auditor: User, author: User, client_of: ClientOf
) -> None:
    body = {"format": "csv", "unmasked": True}
    refused = client_of(auditor).post("/api/v1/audit/exports/", body, content_type="application/json")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["reason"])
    body["reason"] = "Curious"
    denied = client_of(author).post("/api/v1/audit/exports/", body, content_type="application/json")
    assert denied.status_code == 403
    assert AuditEntry.objects.get(action="audit.export_asked").result == "denied"
    assert not Export.objects.exists()


def test_csv_is_no_formula_and_reads_back(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    export = ask(auditor, "csv", filters={"action": "change."})

    rows = list(csv.DictReader(io.StringIO(file_of(export, auditor).decode())))
    assert [row["object_name"] for row in rows] == ["orders_0", "orders_1", "orders_2"]
    assert rows[0]["reason"].startswith("'=cmd()")
    assert json.loads(rows[0]["after"]) == {"note": ["mail [masked]"], "n": 0}


def test_people_export_only_what_they_may_read(acts: list[AuditEntry], author: User, ask: Ask) -> None:
    lines = [json.loads(line) for line in file_of(ask(author), author).splitlines()]

    assert {line["actor"] for line in lines} == {"author"}


def test_the_trail_tells_that_it_was_asked_for_written_and_fetched(
    acts: list[AuditEntry], auditor: User, ask: Ask
) -> None:
    export = ask(auditor)
    content = file_of(export, auditor)

    told = dict(AuditEntry.objects.filter(object_id=str(export.pk)).values_list("action", "result"))
    assert told == {"audit.export_asked": "asked", "audit.export_finished": "ok", "audit.export_downloaded": "ok"}
    finished = AuditEntry.objects.get(action="audit.export_finished")
    assert finished.after["sha256"] == sha256(content).hexdigest()
    assert finished.after["entries"] == export.done


def test_a_signed_segment_proves_itself(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    checkpoint = sealing.seal(services.verify())
    export = ask(auditor, "segment", masked=False, reason="For the regulator", filters={"action": "change."})

    lines = file_of(export, auditor).splitlines(keepends=True)
    held = segments.check(lines)
    assert (held["entries"], held["asked_by"]) == (3, "auditor")
    assert [one["number"] for one in held["checkpoints"]] == [checkpoint.number]
    assert segments.check(lines, signing.public_keys())["key_id"] == checkpoint.key_id
    with pytest.raises(BadSegment, match="none of those that count"):
        segments.check(lines, {"another": "key"})


def test_the_command_checks_a_segment(acts: list[AuditEntry], auditor: User, ask: Ask, tmp_path: Path) -> None:
    content = file_of(ask(auditor, "segment"), auditor)
    path = tmp_path / "segment"
    path.write_bytes(content)
    out = StringIO()
    call_command("verify_audit", "--json", "--segment", str(path), stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["entries"] == len(content.splitlines()) - 2

    path.write_bytes(content.replace(b"orders_1", b"orders_9"))
    with pytest.raises(CommandError) as failure:
        call_command("verify_audit", "--segment", str(path))
    assert failure.value.returncode == 1


def test_any_changed_byte_of_a_segment_is_found(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    content = file_of(ask(auditor, "segment", filters={"action": "change."}), auditor)
    for place in [*range(0, len(content), 7), *range(len(content) - 150, len(content))]:
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(BadSegment):
            segments.check(bytes(changed).splitlines(keepends=True))


def test_a_segment_cut_or_lengthened_is_found(acts: list[AuditEntry], auditor: User, ask: Ask) -> None:
    lines = file_of(ask(auditor, "segment", filters={"action": "change."}), auditor).splitlines(keepends=True)

    with pytest.raises(BadSegment, match="cut off"):
        segments.check(lines[:-1])
    with pytest.raises(BadSegment, match="bytes are not those"):
        segments.check([lines[0], *lines[2:]])
    with pytest.raises(BadSegment, match="added after"):
        segments.check([*lines, lines[1]])
    with pytest.raises(BadSegment, match="no segment"):
        segments.check([b"{}\n"])


def test_a_killed_worker_leaves_nothing_that_can_be_fetched(
    acts: list[AuditEntry], auditor: User, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_writing, "TOGETHER", 1)
    batches = export_writing._batches

    def killed(entries: Any) -> Iterator[Any]:
        for number, batch in enumerate(batches(entries)):
            if number == 2:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(export_writing, "_batches", killed)
    with pytest.raises(KeyboardInterrupt):
        ask(auditor)
    export = Export.objects.get()
    assert (export.state, export.parts.count()) == (State.RUNNING, 2)
    with pytest.raises(exports.UserError, match="not written to its end"):
        exports.content(export, user=auditor)
    tasks.write_export(str(export.pk))  # delivered again while the first worker may be alive: nothing happens
    assert export.parts.count() == 2

    monkeypatch.setattr(export_writing, "_batches", batches)
    Export.objects.update(seen_at=timezone.now() - export_writing.SILENT - timedelta(seconds=1))
    tasks.write_export(str(export.pk))
    export.refresh_from_db()
    assert (export.state, export.attempts) == (State.SUCCEEDED, 2)
    content = file_of(export, auditor)
    assert sha256(content).hexdigest() == export.sha256
    assert len(content.splitlines()) == export.done == export.total


def test_a_worker_taken_for_dead_can_write_no_more(
    acts: list[AuditEntry], auditor: User, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = export_writing._batches

    def overtaken(entries: Any) -> Iterator[Any]:
        for batch in batches(entries):
            Export.objects.update(attempt=uuid.uuid4())
            yield batch

    monkeypatch.setattr(export_writing, "_batches", overtaken)
    export = ask(auditor)

    assert export.state == State.RUNNING
    assert not ExportPart.objects.exists()
    assert not AuditEntry.objects.filter(action="audit.export_finished").exists()


def test_what_nobody_finishes_is_begun_anew_and_given_up_in_the_end(
    acts: list[AuditEntry], auditor: User, django_capture_on_commit_callbacks: Any
) -> None:
    export = exports.ask(user=auditor, format="csv", filters={})  # and the message was lost
    long_ago = timezone.now() - timedelta(minutes=5)
    Export.objects.update(asked_at=long_ago)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.tend_exports()
    export.refresh_from_db()
    assert export.state == State.SUCCEEDED

    Export.objects.update(state=State.RUNNING, attempts=export_writing.MOST_ATTEMPTS, seen_at=long_ago)
    tasks.tend_exports()
    export.refresh_from_db()
    assert (export.state, export.parts.count()) == (State.FAILED, 0)
    assert AuditEntry.objects.filter(action="audit.export_finished").latest("sequence").result == "failed"


def test_a_stopped_export_is_written_no_further(
    acts: list[AuditEntry], auditor: User, client_of: ClientOf, django_capture_on_commit_callbacks: Any
) -> None:
    client = client_of(auditor)
    with django_capture_on_commit_callbacks() as queued:
        client.post(reverse("audit:exports"), {"format": "csv"})
    export = Export.objects.get()
    assert client.post(reverse("audit:export-stop", args=[export.pk])).status_code == 302
    for callback in queued:
        callback()

    export.refresh_from_db()
    assert (export.state, export.parts.count()) == (State.STOPPED, 0)
    assert AuditEntry.objects.get(action="audit.export_stopped").actor == auditor
    assert client.get(reverse("audit:export-file", args=[export.pk])).status_code == 409


def test_only_whoever_asked_gets_the_file_and_only_while_they_may(
    acts: list[AuditEntry], auditor: User, admin: User, client_of: ClientOf, ask: Ask
) -> None:
    export = ask(auditor, "csv")
    url = reverse("audit:export-file", args=[export.pk])

    assert client_of(admin).get(url).status_code == 404
    answer = client_of(auditor).get(url)
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert sha256(content).hexdigest() == export.sha256
    assert answer["Content-Length"] == str(len(content))
    assert answer["Cache-Control"] == "private, no-store"
    auditor.groups.set([Group.objects.get(name="Viewer")])
    assert client_of(auditor).get(url).status_code == 403


def test_old_files_are_cleared_away(acts: list[AuditEntry], auditor: User, ask: Ask, client_of: ClientOf) -> None:
    export = ask(auditor)
    Export.objects.update(expires_at=timezone.now())
    tasks.tend_exports()

    assert not ExportPart.objects.exists()
    answer = client_of(auditor).get(f"/api/v1/audit/exports/{export.pk}/file/")
    assert answer.status_code == 409
    assert "cleared away" in answer.json()["detail"]
    assert Export.objects.get().state == State.SUCCEEDED  # that there was one stays known


def test_over_rest_from_asking_to_fetching(
    acts: list[AuditEntry], auditor: User, client_of: ClientOf, django_capture_on_commit_callbacks: Any
) -> None:
    client, url = client_of(auditor), "/api/v1/audit/exports/"
    body = {"format": "jsonl", "filters": {"actor": "reviewer"}}
    with django_capture_on_commit_callbacks(execute=True):
        asked = [
            client.post(url, body, content_type="application/json", headers={"Idempotency-Key": "k1"}) for _ in range(2)
        ]
    assert [answer.status_code for answer in asked] == [202, 202]
    (listed,) = client.get(url).json()["results"]
    assert (listed["id"], listed["state"], listed["masked"]) == (asked[0].json()["id"], "succeeded", True)
    assert listed["progress"] == {"done": 1, "total": 1, "seconds_left": None}
    content = b"".join(client.get(listed["file"]).streaming_content)  # type: ignore[attr-defined]
    assert json.loads(content)["actor"] == "reviewer"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"format": "csv", "filters": {"colour": "red"}}, "filters"),
        ({"format": "csv", "filters": {"since": "yesterday"}}, "filters"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    auditor: User, client_of: ClientOf, body: dict[str, Any], field: str
) -> None:
    answer = client_of(auditor).post("/api/v1/audit/exports/", body, content_type="application/json")

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Export.objects.exists()


def test_a_key_in_the_filters_or_the_reason_of_an_export_is_refused(auditor: User, client_of: ClientOf) -> None:
    client, key = client_of(auditor), "phx_0123456789abcdefABCDEF"
    for asked in ({"q": f"leaked {key}"}, {"actor": key}, {"reason": f"for {key}"}):
        page = client.post(reverse("audit:exports"), {"format": "segment", **asked}, follow=True)
        assert "looks like an API key" in page.content.decode()

    assert not Export.objects.exists()


def test_an_export_keeps_its_filters_as_they_are_applied(auditor: User, client_of: ClientOf) -> None:
    client_of(auditor).post(reverse("audit:exports"), {"format": "csv", "q": " a\x00b ", "actor": "x" * 5_000})

    assert Export.objects.get().filters == {"q": "ab", "actor": "x" * 300}


def test_a_person_has_a_few_under_way_at_most(auditor: User) -> None:
    for _ in range(exports.MOST_AT_ONCE):
        exports.ask(user=auditor, format="csv", filters={})

    with pytest.raises(exports.UserError, match="wait for one"):
        exports.ask(user=auditor, format="csv", filters={})


def test_the_page_tells_how_much_it_will_be_and_how_far_it_is(
    acts: list[AuditEntry], auditor: User, client_of: ClientOf, ask: Ask
) -> None:
    client = client_of(auditor)
    page = client.get(reverse("audit:exports"), {"actor": "author"}).content.decode()
    assert ">2</strong> entries" in page and "actor = author" in page

    export = ask(auditor)
    Export.objects.update(state=State.RUNNING, done=1, total=4)
    fragment = client.get(reverse("audit:exports"), headers={"HX-Request": "true"}).content.decode()
    assert "1 of 4" in fragment and 'hx-trigger="every 2s"' in fragment
    assert str(export.pk) in fragment


def test_planted_secrets_are_in_no_export(author: User, auditor: User, ask: Ask, tamper: Tamper) -> None:
    secret = "phx_0123456789abcdefABCDEF"
    services.record(actor=author, action="test.done", reason=secret, after={"api_key": secret, "note": f"x {secret}"})
    for format in Export.Format.values:
        assert secret not in file_of(ask(auditor, format, masked=False, reason="test"), auditor).decode()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {AuditEntry._meta.db_table} WHERE reason LIKE %s", [f"%{secret}%"])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("words", ["database or disk is full", "attempt to write a readonly database"])
def test_no_room_is_said_and_the_next_one_goes_through(
    words: str, acts: list[AuditEntry], auditor: User, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ExportPart.objects.create

    def full(**_: Any) -> None:
        raise OperationalError(words)

    monkeypatch.setattr(ExportPart.objects, "create", full)
    with pytest.raises(OperationalError):
        ask(auditor)
    export = Export.objects.get()
    assert (export.state, export.error, export.parts.count()) == (State.FAILED, export_writing.NO_ROOM, 0)
    assert AuditEntry.objects.get(action="audit.export_finished").reason == export_writing.NO_ROOM

    monkeypatch.setattr(ExportPart.objects, "create", create)
    assert ask(auditor).state == State.SUCCEEDED


def test_it_is_fetched_as_often_as_wanted_and_each_time_told(
    acts: list[AuditEntry], auditor: User, ask: Ask, client_of: ClientOf
) -> None:
    url = reverse("audit:export-file", args=[ask(auditor).pk])
    first, second = (b"".join(client_of(auditor).get(url).streaming_content) for _ in range(2))

    assert first == second and first
    assert AuditEntry.objects.filter(action="audit.export_downloaded", actor=auditor).count() == 2
