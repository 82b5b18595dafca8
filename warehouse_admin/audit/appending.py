"""Putting an entry at the chain's end: under the lock of its one row, so that there is neither a gap nor a fork."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models.signals import post_save

from warehouse_admin.audit import chain
from warehouse_admin.audit.errors import ChainBroken
from warehouse_admin.audit.models import AuditEntry, ChainHead

_HEAD, _ENTRIES = ChainHead._meta.db_table, AuditEntry._meta.db_table
_NUMBERED = {"sequence": "sequence", "prev_hash": "previous", "hash": "hash"}
"""What an entry takes from the chain's end, by the name it has there."""
_GIVEN: list[Any] = [field for field in AuditEntry._meta.concrete_fields if field.column not in ("id", *_NUMBERED)]
# One statement from the lock to the row: whoever waits for the chain waits for this and for the commit, nothing else.
# The hash is `chain.hash_of`'s: only the number at the front and the hash at the end are not known beforehand.
_ADD = f"""
WITH head AS (
    UPDATE {_HEAD} SET sequence = sequence + 1, previous = hash,
        hash = encode(sha256(convert_to('[' || (sequence + 1) || %s || hash || '"]', 'UTF8')), 'hex')
    WHERE id = 1 RETURNING sequence, previous, hash
)
INSERT INTO {_ENTRIES} ({", ".join([field.column for field in _GIVEN] + [*_NUMBERED])})
SELECT {", ".join(["%s"] * len(_GIVEN) + [f"head.{name}" for name in _NUMBERED.values()])} FROM head
RETURNING id, {", ".join(_NUMBERED)}, set_config('synchronous_commit', 'off', true)
"""  # noqa: S608  constants only
_FLUSH = "SELECT pg_logical_emit_message(true, 'audit', '')"
"""A transaction of its own whose commit waits until the disk has it, and with it all that was committed before."""


def append(entry: AuditEntry) -> AuditEntry:
    """Number the entry, chain it and write it, within the caller's transaction."""
    # Without a savepoint: when the entry cannot be written, nothing that it tells of may happen.
    with transaction.atomic(savepoint=False):
        return _append_at_once(entry) if connection.vendor == "postgresql" else _append(entry)


def locked_head() -> ChainHead:
    """The end of the chain, which nobody else can append to until the transaction ends."""
    head = ChainHead.objects.select_for_update().filter(pk=1).first()
    if head is None:
        # Only before the first entry ever: afterwards the first insert would collide with sequence 1.
        ChainHead.objects.get_or_create(pk=1)
        head = ChainHead.objects.select_for_update().get(pk=1)
    return head


def _append(entry: AuditEntry) -> AuditEntry:
    head = locked_head()
    entry.sequence = head.sequence + 1
    entry.prev_hash = head.hash
    entry.hash = chain.entry_hash([getattr(entry, name) for name in chain.FIELDS])
    entry.save(force_insert=True)
    # The lock makes this always true; were it ever lost, a fork must fail here.
    moved = ChainHead.objects.filter(pk=head.pk, sequence=head.sequence, hash=head.hash).update(
        sequence=entry.sequence, hash=entry.hash, previous=head.hash
    )
    if moved != 1:
        raise ChainBroken("Another entry was appended at the same time; nothing was done.")
    return entry


def _append_at_once(entry: AuditEntry) -> AuditEntry:
    told = [chain.told_time(entry.at), *(getattr(entry, name) for name in chain.FIELDS[2:-1]), ""]
    between = "," + chain.encode(told)[1:-2]  # as it stands in the list between its first value and the last hash
    values = [_stored(entry, field) for field in _GIVEN]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [between, *values])
        written = cursor.fetchone()
        if written is None:
            locked_head()  # makes the row
            cursor.execute(_ADD, [between, *values])
            written = cursor.fetchone()
    # The commit lets the next writer on before the disk has it, else all would wait for the disk one after the other.
    # The caller still waits for that, right after the commit: whatever comes next, a call too, comes after it.
    if not any(one[1] is _flush for one in connection.run_on_commit):
        transaction.on_commit(_flush)
    entry.pk, entry.sequence, entry.prev_hash, entry.hash, _ = written
    entry._state.adding, entry._state.db = False, connection.alias
    saved = {"created": True, "update_fields": None, "raw": False, "using": connection.alias}
    post_save.send(AuditEntry, instance=entry, **saved)  # whoever listens hears of it on either database
    return entry


def _flush() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FLUSH)


def _stored(entry: AuditEntry, field: Any) -> Any:
    return field.get_db_prep_save(field.pre_save(entry, True), connection)
