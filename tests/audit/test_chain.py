"""The trail only grows, and tells when somebody changed it behind its back."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import appending, services
from warehouse_admin.audit.errors import ChainBroken
from warehouse_admin.audit.models import AuditEntry, ChainHead, Verification

TABLE = AuditEntry._meta.db_table


def test_a_whole_chain_is_verified_to_its_end(entries: list[AuditEntry]) -> None:
    found = services.verify()

    assert (found.bad_sequence, found.problem) == (None, "")
    assert found.to_sequence == entries[-1].sequence == AuditEntry.objects.count()


def test_entries_are_numbered_without_a_gap_and_each_continues_the_one_before(entries: list[AuditEntry]) -> None:
    rows = list(AuditEntry.objects.order_by("sequence"))

    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert [row.prev_hash for row in rows] == ["0" * 64, *(row.hash for row in rows[:-1])]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "nobody asked"),
        ("actor_name", "somebody"),
        ("action", "other.done"),
        ("result", "denied"),
        ("object_id", "other"),
        ("after", json.dumps({"n": 99})),
        ("ip", "10.1.2.3"),
        ("at", "2020-01-01 00:00:00+00:00"),
    ],
)
def test_a_changed_value_is_found_and_its_row_named(
    entries: list[AuditEntry], tamper: Callable[..., None], column: str, value: str
) -> None:
    bad = entries[2].sequence
    tamper(f"UPDATE {TABLE} SET {column} = %s WHERE sequence = %s", value, bad)

    assert services.verify().bad_sequence == bad


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite can hold a time that is none.")
def test_a_value_that_cannot_even_be_read_is_found(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE {TABLE} SET at = 'rubbish' WHERE sequence = %s", entries[2].sequence)

    assert services.verify().bad_sequence == entries[2].sequence


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps what a value means, not how it was written."
)
@pytest.mark.parametrize(
    "changed",
    [
        """after = '{"n": 99, ' || SUBSTR(after, 2)""",  # which SQLite reads as 99, and Python as before
        "after = after || ' '",
        "remote = 'null'",
        "at = at || ' '",
        "at = at || '+02:00'",
        "reason = x'00ff'",
        "reason = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_byte_is_found_that_does_not_change_what_a_value_means(
    entries: list[AuditEntry], tamper: Callable[..., None], changed: str
) -> None:
    tamper(f"UPDATE {TABLE} SET {changed} WHERE sequence = %s", entries[2].sequence)

    assert services.verify().bad_sequence == entries[2].sequence


def test_numbers_that_encoders_write_each_in_its_way_are_whole_and_a_changed_one_is_found(
    author: User, tamper: Callable[..., None]
) -> None:
    services.record(actor=author, action="some.act", after={"large": 2**80, "float": 1e16, "small": 1e-7})
    assert services.verify().bad_sequence is None

    tamper("""UPDATE audit_auditentry SET after = '{"large": 1, "float": 1e16, "small": 1e-7}'""")

    assert services.verify().bad_sequence == 1


def test_a_row_rewritten_with_a_matching_hash_breaks_the_next_one(
    entries: list[AuditEntry], tamper: Callable[..., None]
) -> None:
    tamper(f"UPDATE {TABLE} SET hash = %s WHERE sequence = %s", "f" * 64, entries[1].sequence)

    assert services.verify().bad_sequence == entries[1].sequence


def test_a_removed_row_is_named(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"DELETE FROM {TABLE} WHERE sequence = %s", entries[2].sequence)

    found = services.verify()
    assert (found.bad_sequence, found.to_sequence) == (entries[2].sequence, entries[1].sequence)


def test_a_cut_tail_is_named(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"DELETE FROM {TABLE} WHERE sequence >= %s", entries[3].sequence)

    assert services.verify().bad_sequence == entries[3].sequence


def test_all_rows_gone_is_noticed(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"DELETE FROM {TABLE}")

    assert services.verify().bad_sequence == 1


def test_verification_can_start_in_the_middle(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = %s", entries[1].sequence)

    assert services.verify(from_sequence=entries[2].sequence).bad_sequence is None
    assert services.verify(from_sequence=entries[1].sequence).bad_sequence == entries[1].sequence


@pytest.mark.parametrize("statement", [f"UPDATE {TABLE} SET reason = 'x'", f"DELETE FROM {TABLE}"])
def test_the_database_refuses_changes(entries: list[AuditEntry], statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)

    assert services.verify().bad_sequence is None


def test_the_database_refuses_to_empty_or_replace(entries: list[AuditEntry]) -> None:
    statement = (
        f"TRUNCATE {TABLE}"
        if connection.vendor == "postgresql"
        else f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE} WHERE sequence = 1"
    )
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Checks of foreign keys that still wait for the commit would forbid it for a reason of their own.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(statement)


def test_an_entry_of_a_rolled_back_transaction_leaves_no_gap(entries: list[AuditEntry], author: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.record(actor=author, action="test.undone")
        _ = 1 / 0

    added = services.record(actor=author, action="test.done")
    assert added.sequence == entries[-1].sequence + 1
    assert services.verify().bad_sequence is None


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL reads and moves the end in one statement.")
def test_a_lost_lock_writes_nothing(entries: list[AuditEntry], author: User, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = ChainHead.objects.get(pk=1)
    services.record(actor=author, action="test.done")
    monkeypatch.setattr(appending, "locked_head", lambda: stale)

    with pytest.raises((ChainBroken, DatabaseError)), transaction.atomic():
        services.record(actor=author, action="test.fork")

    assert not AuditEntry.objects.filter(action="test.fork").exists()


def test_an_end_that_was_set_back_lets_nothing_be_written_twice(entries: list[AuditEntry], author: User) -> None:
    ChainHead.objects.update(sequence=3, hash=entries[2].hash)

    with pytest.raises(DatabaseError), transaction.atomic():
        services.record(actor=author, action="test.fork")

    assert not AuditEntry.objects.filter(action="test.fork").exists()
    assert ChainHead.objects.get().sequence == 3


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_neither_gap_nor_fork() -> None:
    user = User.objects.create_user("writer")

    def write() -> None:
        try:
            for number in range(20):
                services.record(actor=user, action="test.done", after={"n": number})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write) for _ in range(6)]
    for writer in writers:
        writer.result()  # raises what the writer raised

    assert AuditEntry.objects.count() == 120
    found = services.verify()
    assert (found.bad_sequence, found.to_sequence) == (None, 120)


def test_the_command_says_that_the_chain_is_whole(entries: list[AuditEntry]) -> None:
    out = StringIO()
    call_command("verify_audit", "--json", stdout=out)

    assert json.loads(out.getvalue().splitlines()[-1])["verified_to"] == entries[-1].sequence


def test_the_command_fails_and_names_the_bad_row(entries: list[AuditEntry], tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE {TABLE} SET reason = 'x' WHERE sequence = %s", entries[2].sequence)
    out = StringIO()

    with pytest.raises(CommandError) as failure:
        call_command("verify_audit", "--json", stdout=out)

    assert failure.value.returncode == 1
    assert json.loads(out.getvalue().splitlines()[-1])["bad_row"] == entries[2].sequence


@pytest.mark.parametrize("start", ["0", "2", "99999999999999999999"])
def test_the_command_calls_a_nonsensical_start_misuse(db: None, start: str) -> None:
    with pytest.raises(CommandError) as failure:
        call_command("verify_audit", "--from", start)

    assert failure.value.returncode == 2
    assert not Verification.objects.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL lets others on before the disk has it.")
@pytest.mark.django_db(transaction=True)
def test_an_entry_is_on_the_disk_when_its_transaction_is_over() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        services.record(actor=None, action="test.done")
        services.record(actor=None, action="test.done")
        assert len(connection.run_on_commit) == 1
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        (written,) = cursor.fetchone()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn, current_setting('synchronous_commit')", [written]
        )
        assert cursor.fetchone() == (True, "on")
