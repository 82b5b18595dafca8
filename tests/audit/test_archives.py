"""Retention: the oldest entries leave by one way alone, into a signed file, and the chain stays whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.audit.conftest import Tamper
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import archives, pruning, sealing, segments, services, signing
from warehouse_admin.audit.models import Archive, AuditEntry, Checkpoint, Verification
from warehouse_admin.core.errors import UserError

TABLE, ARCHIVES = AuditEntry._meta.db_table, Archive._meta.db_table
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def trail(author: User, monkeypatch: pytest.MonkeyPatch) -> list[AuditEntry]:
    """Five entries of 2025, then three of 2026."""
    made = []
    for number in range(8):
        moment = NEW_YEAR + timedelta(days=number - 5)
        with monkeypatch.context() as patch:
            patch.setattr(timezone, "now", lambda at=moment: at)
            made.append(services.record(actor=author, action="test.done", after={"n": number}))
    return made


def archive(path: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("archive_audit", "--before", "2026-01-01", "--to", str(path), "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def refused(path: Path, before: str = "2026-01-01") -> CommandError:
    with pytest.raises(CommandError) as failure:
        call_command("archive_audit", "--before", before, "--to", str(path))
    return failure.value


def kept() -> list[int]:
    return list(AuditEntry.objects.filter(action="test.done").order_by("sequence").values_list("sequence", flat=True))


def test_old_entries_move_into_a_file_that_proves_itself(trail: list[AuditEntry], tmp_path: Path) -> None:
    path = tmp_path / "2025.jsonl"
    answer = archive(path)

    assert (answer["from"], answer["to"], kept()) == (1, 5, [6, 7, 8])
    with path.open("rb") as lines:
        held = segments.check(lines, signing.public_keys())
    assert (held["entries"], held["sha256"]) == (5, answer["sha256"])
    assert [one["number"] for one in held["checkpoints"]] == [1]
    told = AuditEntry.objects.get(action="audit.archived")
    assert told.after == {"from": 1, "to": 5, "sha256": answer["sha256"]}


def test_the_chain_is_verified_from_there_on_and_says_so(trail: list[AuditEntry], tmp_path: Path) -> None:
    archive(tmp_path / "2025.jsonl")

    for options in ({}, {"resume": True}, {"from_sequence": 3}, {"from_sequence": 7}):
        found = services.verify(**options)  # type: ignore[arg-type]
        assert (found.bad_sequence, found.problem) == (None, "")
    found = services.verify()
    assert (found.kind, found.from_sequence) == ("whole", 6)
    services.record(actor=None, action="test.done")
    assert sealing.seal(services.verify()).number == 2


def test_a_second_archive_goes_on_after_the_first(trail: list[AuditEntry], tmp_path: Path) -> None:
    archive(tmp_path / "one")
    pruning.archive_and_prune(before=NEW_YEAR + timedelta(days=1), path=tmp_path / "two")

    assert kept() == [7, 8]
    assert list(Archive.objects.order_by("number").values_list("from_sequence", "to_sequence")) == [(1, 5), (6, 6)]
    assert services.verify().bad_sequence is None


def test_tampering_after_it_is_still_found(
    trail: list[AuditEntry], tmp_path: Path, tamper: Tamper, cut: Callable[[int], None]
) -> None:
    archive(tmp_path / "2025.jsonl")
    tamper(f"DELETE FROM {TABLE} WHERE sequence = 6")
    assert services.verify().bad_sequence == 6
    cut(7)
    Verification.objects.all().delete()
    assert services.verify().bad_sequence is not None


@pytest.mark.parametrize(
    "statement",
    [f"DELETE FROM {TABLE} WHERE sequence = 6", f"UPDATE {ARCHIVES} SET to_sequence = 7", f"DELETE FROM {ARCHIVES}"],
)
def test_the_database_lets_nothing_else_go(trail: list[AuditEntry], tmp_path: Path, statement: str) -> None:
    archive(tmp_path / "2025.jsonl")

    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_an_archive_that_nobody_signed_is_found(trail: list[AuditEntry], tmp_path: Path) -> None:
    """The database cannot check a signature, so it lets these entries go; the verification does not."""
    sealing.seal(services.verify())
    forged = Archive(number=1, at=timezone.now(), from_sequence=1, to_sequence=4, to_hash=trail[3].hash)
    forged.key_id, forged.signature = next(iter(signing.public_keys())), "A" * 88
    forged.save()
    AuditEntry.objects.filter(sequence__lte=4).delete()

    found = services.verify()
    assert found.bad_sequence == 1
    assert "Archive 1 is not as it was signed" in found.problem
    assert archives.base()[0].sequence == 0


def test_a_deleted_archive_is_found(trail: list[AuditEntry], tmp_path: Path, tamper: Tamper) -> None:
    archive(tmp_path / "2025.jsonl")
    tamper(f"DELETE FROM {ARCHIVES}")

    assert services.verify().bad_sequence == 1


def test_a_broken_trail_is_not_pruned(trail: list[AuditEntry], tmp_path: Path, tamper: Tamper) -> None:
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 7")

    assert "not whole" in str(refused(tmp_path / "2025.jsonl"))
    assert kept() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_prunes_nothing(trail: list[AuditEntry], tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("kept")

    assert "exists already" in str(refused(there))
    assert "cannot be written" in str(refused(tmp_path / "no" / "folder"))
    assert there.read_text() == "kept"
    assert len(kept()) == 8 and not Archive.objects.exists()


def test_a_file_that_does_not_read_back_prunes_nothing(
    trail: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_lines", lambda first, last: list(_all_but_one(first, last)))
    with pytest.raises(UserError, match="so nothing was pruned"):
        pruning.archive_and_prune(before=NEW_YEAR, path=tmp_path / "2025.jsonl")

    assert len(kept()) == 8 and not Archive.objects.exists()


def _all_but_one(first: int, last: int) -> Any:
    yield segments.line(segments.header({"masked": False}, first, last))
    for entry in AuditEntry.objects.filter(sequence__gte=first, sequence__lt=last).order_by("sequence"):
        yield segments.line(segments.entry_of(entry))


def test_misuse_and_nothing_to_do_are_told_apart(trail: list[AuditEntry], tmp_path: Path) -> None:
    assert refused(tmp_path / "x", "yesterday").returncode == refused(tmp_path / "x", "2026-02-31").returncode == 2
    nothing = refused(tmp_path / "x", "2001-01-01")
    assert nothing.returncode == 1 and "No entry is that old" in str(nothing)
    assert Checkpoint.objects.count() <= 1


def test_the_pages_and_the_list_tell_of_it(
    trail: list[AuditEntry], auditor: User, author: User, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    archive(tmp_path / "2025.jsonl")
    client = client_of(auditor)

    told = Archive.objects.get()
    assert told.file_sha256 in client.get(reverse("audit:checkpoints")).content.decode()
    client.post(reverse("audit:verify"))
    assert "from entry 6 on, the first that is not archived" in client.get(reverse("audit:list")).content.decode()
    assert client.get("/api/v1/audit/").json()["count"] == AuditEntry.objects.count()
    hidden = AuditEntry.objects.exclude(actor=author).count()
    assert f"{hidden} entries of other people" in client_of(author).get(reverse("audit:list")).content.decode()
