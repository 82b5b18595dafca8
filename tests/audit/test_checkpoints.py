"""Signed checkpoints: what the chain alone cannot tell."""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Callable
from datetime import timedelta
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
from warehouse_admin.audit import checkpoints, sealing, selectors, services, signing, tasks, verification
from warehouse_admin.audit.errors import NotSealed
from warehouse_admin.audit.models import AuditEntry, Checkpoint, SigningKey, Verification

ClientOf = Callable[[User], Client]
TABLE = AuditEntry._meta.db_table
CHECKPOINTS = Checkpoint._meta.db_table


@pytest.fixture
def sealed(entries: list[AuditEntry]) -> Checkpoint:
    return sealing.seal(services.verify())


def forget_checks() -> None:
    """As somebody would who rules the database: what earlier checks found is only rows too."""
    Verification.objects.all().delete()


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("verify_audit", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def refused(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("verify_audit", "--json", *arguments, stdout=out)
    return {**json.loads(out.getvalue().splitlines()[-1]), "status": failure.value.returncode}


def test_a_checkpoint_signs_the_end_and_the_trail_tells_of_it(sealed: Checkpoint, entries: list[AuditEntry]) -> None:
    assert (sealed.number, sealed.sequence, sealed.hash) == (1, entries[-1].sequence, entries[-1].hash)
    key = SigningKey.objects.get()
    assert signing.is_signed(checkpoints.payload_of(sealed), sealed.signature, key.public_key)
    entry = AuditEntry.objects.get(action="audit.checkpointed")
    assert (entry.object_id, entry.after["sequence"]) == ("1", sealed.sequence)
    made = AuditEntry.objects.get(action="audit.key_made")
    assert made.after == {"ed25519": key.public_key, "fingerprint": key.key_id}

    found = services.verify()
    assert (found.bad_sequence, found.checkpoints) == (None, 1)


def test_the_private_key_is_encrypted_at_rest(sealed: Checkpoint) -> None:
    key = SigningKey.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT private_key FROM {SigningKey._meta.db_table}")
        (stored,) = cursor.fetchone()

    assert len(base64.b64decode(key.private_key)) == 32
    assert stored.startswith("gAAAA") and key.private_key not in stored


def test_a_cut_tail_is_found_though_the_end_was_set_back(sealed: Checkpoint, cut: Callable[[int], None]) -> None:
    cut(3)
    forget_checks()

    found = services.verify()
    assert (found.bad_sequence, found.bad_checkpoint) == (4, 1)
    assert "entries 4 to 5 are gone, which checkpoint 1" in found.problem


def test_a_chain_rewritten_with_right_hashes_is_found(sealed: Checkpoint, rewrite: Callable[[int], None]) -> None:
    rewrite(2)
    forget_checks()

    found = services.verify()
    assert (found.bad_sequence, found.bad_checkpoint) == (sealed.sequence, 1)
    assert "rewritten somewhere from entry 1 to 5" in found.problem


def test_a_rewrite_after_the_last_checkpoint_names_where_it_can_be(
    sealed: Checkpoint, author: User, rewrite: Callable[[int], None]
) -> None:
    services.record(actor=author, action="test.done")
    sealing.seal(services.verify())
    rewrite(sealed.sequence + 1)
    forget_checks()

    found = services.verify()
    assert found.bad_checkpoint == 2
    assert f"from entry {sealed.sequence + 1} to" in found.problem


def test_a_deleted_checkpoint_is_named_by_the_entry_that_tells_of_it(sealed: Checkpoint, tamper: Tamper) -> None:
    tamper(f"DELETE FROM {CHECKPOINTS}")

    found = services.verify()
    entry = AuditEntry.objects.get(action="audit.checkpointed")
    assert (found.bad_sequence, found.bad_checkpoint) == (entry.sequence, 1)
    assert "Checkpoint 1" in found.problem and "is missing" in found.problem


def test_a_checkpoint_deleted_in_the_middle_is_named(sealed: Checkpoint, author: User, tamper: Tamper) -> None:
    services.record(actor=author, action="test.done")
    sealing.seal(services.verify())
    tamper(f"DELETE FROM {CHECKPOINTS} WHERE number = 1")

    assert services.verify().bad_checkpoint == 1


@pytest.mark.parametrize(
    ("column", "value"), [("hash", "f" * 64), ("sequence", 2), ("signature", "A" * 88), ("previous", "1" * 64)]
)
def test_a_changed_checkpoint_is_found(sealed: Checkpoint, tamper: Tamper, column: str, value: Any) -> None:
    tamper(f"UPDATE {CHECKPOINTS} SET {column} = %s", value)

    found = services.verify()
    assert found.bad_checkpoint == 1
    assert "was changed" in found.problem


def test_a_checkpoint_signed_by_a_key_of_somebody_elses_is_found(sealed: Checkpoint, tamper: Tamper) -> None:
    stranger = signing._signer(base64.b64encode(os.urandom(32)).decode())
    sealed.key_id = stranger.key_id
    signature = stranger.sign(checkpoints.payload_of(sealed))
    tamper(f"UPDATE {CHECKPOINTS} SET key_id = %s, signature = %s", stranger.key_id, signature)
    # Under an id that is not its own, a key is none.
    SigningKey.objects.update(public_key=stranger.public_key)

    assert "is not known here" in services.verify().problem


@pytest.mark.parametrize("statement", [f"UPDATE {CHECKPOINTS} SET number = 9", f"DELETE FROM {CHECKPOINTS}"])
def test_the_database_refuses_to_change_checkpoints(sealed: Checkpoint, statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_broken_chain_is_not_signed(entries: list[AuditEntry], tamper: Tamper) -> None:
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 2")

    with pytest.raises(NotSealed):
        sealing.seal(services.verify())
    assert sealing.seal_if_due() is None
    assert not Checkpoint.objects.exists()


def test_another_key_goes_on_where_the_old_one_ended(sealed: Checkpoint, author: User) -> None:
    services.record(actor=author, action="test.done")
    answer = told("--new-key", "--checkpoint")

    old, new = SigningKey.objects.order_by("pk")
    assert old.retired_at and not old.private_key and new.private_key
    assert answer["checkpoint"]["key_id"] == new.key_id != sealed.key_id
    assert set(answer["public_keys"]) == {old.key_id, new.key_id}
    assert services.verify().bad_sequence is None
    assert AuditEntry.objects.filter(action="audit.key_retired").count() == 1


def test_a_key_from_the_environment_is_not_kept(entries: list[AuditEntry], settings: Any) -> None:
    settings.AUDIT_SIGNING_KEY = base64.b64encode(os.urandom(32)).decode()
    made = sealing.seal(services.verify())

    key = SigningKey.objects.get()
    assert (key.key_id, key.private_key) == (made.key_id, "")
    assert services.verify().bad_sequence is None


def test_a_copy_kept_elsewhere_convicts_whoever_holds_the_signing_key(
    sealed: Checkpoint, tamper: Tamper, rewrite: Callable[[int], None], tmp_path: Path
) -> None:
    copy = tmp_path / "checkpoints.json"
    copy.write_text(json.dumps(selectors.all_checkpoints()))
    assert told("--against", str(copy))["ok"]
    # With the key, everything in the database can be made anew so that it agrees with itself.
    rewrite(2)
    forget_checks()
    tamper(f"DELETE FROM {CHECKPOINTS}")
    forged = sealing._signed(Verification(to_sequence=5, to_hash=AuditEntry.objects.get(sequence=5).hash), None, None)
    assert forged.number == 1
    told_of = AuditEntry.objects.get(action="audit.checkpointed")
    assert services.verify().bad_sequence is None and told_of

    answer = refused("--against", str(copy))
    assert (answer["status"], answer["bad_row"], answer["bad_checkpoint"]) == (1, sealed.sequence, 1)


def test_a_forged_copy_is_refused(sealed: Checkpoint, tmp_path: Path) -> None:
    copies = selectors.all_checkpoints()
    copies["checkpoints"][0]["hash"] = "0" * 64
    copy = tmp_path / "checkpoints.json"
    copy.write_text(json.dumps(copies))

    assert "is not signed by a key that comes with it" in refused("--against", str(copy))["error"]
    for nonsense in ([], {"checkpoints": [{"a": 1}], "public_keys": {}}, {"checkpoints": [7], "public_keys": {}}):
        copy.write_text(json.dumps(nonsense))
        assert refused("--against", str(copy))["status"] == 2


def test_the_beat_signs_what_is_new_and_only_that(
    entries: list[AuditEntry], author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.seal_chain()
    tasks.seal_chain()
    assert Checkpoint.objects.count() == 1

    services.record(actor=author, action="test.done")
    tasks.seal_chain()
    assert Checkpoint.objects.count() == 1  # neither long ago nor many entries
    later = timezone.now() + sealing.EVERY
    monkeypatch.setattr(timezone, "now", lambda: later)
    tasks.seal_chain()
    assert Checkpoint.objects.count() == 2


def test_many_entries_are_signed_at_once(entries: list[AuditEntry], monkeypatch: pytest.MonkeyPatch) -> None:
    sealing.seal_if_due()
    monkeypatch.setattr(sealing, "EVERY_ENTRIES", 3)
    for _ in range(3):
        services.record(actor=None, action="test.done")
    tasks.seal_chain()

    assert Checkpoint.objects.count() == 2


def test_a_check_goes_on_from_the_last_good_entry(entries: list[AuditEntry], tamper: Tamper) -> None:
    services.verify()
    services.record(actor=None, action="test.done")
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 2")

    found = services.verify(resume=True)
    assert (found.kind, found.from_sequence, found.to_sequence, found.bad_sequence) == ("resumed", 6, 6, None)
    assert services.verify().bad_sequence == 2


def test_a_check_that_goes_on_does_not_pass_over_what_one_of_a_part_found(
    entries: list[AuditEntry], tamper: Tamper
) -> None:
    services.verify()
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 4")
    assert services.verify(from_sequence=3).bad_sequence == 4

    assert [services.verify(resume=True).bad_sequence for _ in range(2)] == [4, 4]


def test_a_check_that_goes_on_says_that_nothing_came_since(entries: list[AuditEntry]) -> None:
    told()
    out = StringIO()
    call_command("verify_audit", "--resume", stdout=out)

    assert "Nothing came since entry 5" in out.getvalue()


def test_a_check_that_goes_on_finds_the_end_cut_or_exchanged(
    entries: list[AuditEntry], cut: Callable[[int], None], rewrite: Callable[[int], None]
) -> None:
    services.verify()
    rewrite(4)
    assert "Entry 5 is not the one that was verified before" in services.verify(resume=True).problem
    cut(3)

    found = services.verify(resume=True)
    assert found.bad_sequence == 4
    assert "was whole up to 5" in found.problem


def test_a_killed_check_goes_on_where_it_was(
    entries: list[AuditEntry], monkeypatch: pytest.MonkeyPatch, tamper: Tamper
) -> None:
    monkeypatch.setattr(verification, "STORED_EVERY", 3)
    is_whole, seen = verification._is_whole, itertools.count(1)

    def killed(row: Any) -> bool:
        if next(seen) == 5:
            raise KeyboardInterrupt
        return is_whole(row)

    monkeypatch.setattr(verification, "_is_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        services.verify()
    monkeypatch.setattr(verification, "_is_whole", is_whole)
    assert selectors.latest_verification() is None
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 1")  # looked at before it was killed

    answer = told("--resume")
    assert (answer["from"], answer["verified_to"]) == (1, 5)
    found = Verification.objects.get()
    assert (found.kind, found.is_finished) == ("whole", True)


def test_the_regular_check_walks_the_whole_chain_once_a_week(entries: list[AuditEntry]) -> None:
    kinds = []
    for days in (0, 1, 8):
        Verification.objects.update(at=timezone.now() - timedelta(days=days))
        tasks.verify_chain()
        kinds.append(Verification.objects.latest().kind)

    assert kinds == ["whole", "resumed", "whole"]


def test_the_command_signs_only_what_was_checked_from_the_start(entries: list[AuditEntry]) -> None:
    assert refused("--checkpoint", "--from", "3")["status"] == 2

    answer = told("--checkpoint")
    assert answer["checkpoint"]["sequence"] == 5
    assert told()["checkpoints"] == 1


def test_auditors_read_and_download_what_they_should_keep(
    sealed: Checkpoint, auditor: User, author: User, client_of: ClientOf, tmp_path: Path
) -> None:
    client = client_of(auditor)
    page = client.get(reverse("audit:checkpoints")).content.decode()
    assert sealed.hash in page and sealed.key_id in page
    assert "signed to 5" in client.get(reverse("audit:list")).content.decode()

    answer = client.get(reverse("audit:checkpoint-download"))
    assert answer.json()["checkpoints"] == [checkpoints.as_dict(sealed)]
    copy = tmp_path / "copy.json"
    copy.write_bytes(answer.content)
    assert told("--against", str(copy))["ok"]
    assert AuditEntry.objects.get(action="audit.checkpoints_downloaded").actor == auditor

    for name in ("audit:checkpoints", "audit:checkpoint-download"):
        assert client_of(author).get(reverse(name)).status_code == 403
    denied = AuditEntry.objects.filter(actor=author, action="audit.checkpoints_read", result="denied")
    assert denied.count() == 2


def test_checkpoints_and_keys_over_rest(sealed: Checkpoint, auditor: User, author: User, client_of: ClientOf) -> None:
    client = client_of(auditor)
    found = client.get("/api/v1/audit/checkpoints/").json()
    keys = client.get("/api/v1/audit/keys/").json()["results"]

    assert found["results"] == [checkpoints.as_dict(sealed)]
    assert [set(key) for key in keys] == [{"key_id", "public_key", "created_at", "retired_at"}]
    one = found["results"][0]
    signature = one.pop("signature")
    assert signing.is_signed(one, signature, keys[0]["public_key"])
    assert client_of(author).get("/api/v1/audit/checkpoints/").status_code == 403


def test_the_page_tells_of_a_bad_chain_and_that_one_is_not_signed(
    entries: list[AuditEntry], auditor: User, client_of: ClientOf, tamper: Tamper
) -> None:
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = 1")
    page = client_of(auditor).post(reverse("audit:verify"), follow=True).content.decode()

    assert "Entry 1 was changed" in page
    assert not Checkpoint.objects.exists()


def test_verify_now_walks_the_whole_chain_and_signs_it(
    entries: list[AuditEntry], auditor: User, client_of: ClientOf
) -> None:
    page = client_of(auditor).post(reverse("audit:verify"), follow=True).content.decode()

    assert "by a walk of the whole chain" in page
    assert Checkpoint.objects.get().sequence == Verification.objects.get().to_sequence >= 5
