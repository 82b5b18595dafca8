"""Walks the chain and names the first bad row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from warehouse_admin.audit import chain
from warehouse_admin.audit.models import AuditEntry, ChainHead, Verification

BATCH = 5_000
_COLUMNS = (*chain.FIELDS, "hash")
_AT, _BEFORE, _REMOTE = (chain.FIELDS.index(name) for name in ("at", "before", "remote"))
_NEVER = datetime.min.replace(tzinfo=UTC)
_SELECT = (
    f"SELECT {', '.join(_COLUMNS)} FROM {AuditEntry._meta.db_table} "  # noqa: S608  constants only
    "WHERE sequence > %s ORDER BY sequence LIMIT %s"
)


def verify(*, from_sequence: int = 1) -> Verification:
    """Check every entry from `from_sequence` to the end; store the result, with the first bad row if there is one."""
    start = max(1, from_sequence)
    # Read first: entries appended while we walk are for the next time.
    head = ChainHead.objects.filter(pk=1).first()
    end = head.sequence if head else 0
    previous = _hash_before(start)
    expected = start
    for row in _rows(start):
        problem = _problem(row, expected, previous)
        if problem:
            return _store(start, expected - 1, expected, problem)
        previous = row[-1]
        expected += 1
    return _check_end(head, start, expected - 1, end)


def _rows(start: int) -> Iterator[tuple[Any, ...]]:
    """Rows from `start` on, in order. Read without the model's converters, which cost more than the hashing."""
    after = start - 1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_SELECT, [after, BATCH])
            batch = cursor.fetchall()
        for row in batch:
            yield _converted(row)
        if len(batch) < BATCH:
            return
        after = batch[-1][0]


def _converted(row: Sequence[Any]) -> tuple[Any, ...]:
    """Both databases give JSON as text; SQLite gives times without their zone, which is UTC."""
    # What cannot be read was never written like that: a time that no entry has makes the hash differ.
    at, told = row[_AT] or _NEVER, [None, None, None]
    try:
        told = [json.loads(value) if value else None for value in row[_BEFORE : _REMOTE + 1]]
    except ValueError:
        at = _NEVER
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (row[0], at, *row[_AT + 1 : _BEFORE], *told, *row[_REMOTE + 1 :])


def _hash_before(start: int) -> str | None:
    """The hash that the first row must continue; None when the row before it is missing."""
    if start == 1:
        return chain.GENESIS
    return AuditEntry.objects.filter(sequence=start - 1).values_list("hash", flat=True).first()


def _problem(row: tuple[Any, ...], expected: int, previous: str | None) -> str:
    if row[0] != expected:
        return f"Entry {expected} is missing; the next one is {row[0]}."
    if previous is None:
        return f"Entry {expected - 1} is missing, so entry {expected} cannot be checked."
    if row[-2] != previous:
        return f"Entry {expected} does not continue the entry before it."
    if chain.entry_hash(row[:-1]) != row[-1]:
        return f"Entry {expected} was changed: its content does not match its hash."
    return ""


def _check_end(head: ChainHead | None, start: int, last: int, end: int) -> Verification:
    if last < end:
        return _store(start, last, last + 1, f"Entry {last + 1} is missing: the chain ends at {last}, not at {end}.")
    if head is None:
        if last >= start:
            return _store(start, last, last, "The record of the chain's end is missing.")
    elif start <= end:
        found = AuditEntry.objects.filter(sequence=end).values_list("hash", flat=True).first()
        if found != head.hash:
            return _store(start, end - 1, end, f"Entry {end} is not the one the chain's end remembers.")
    return _store(start, last, None, "")


def _store(start: int, good: int, bad: int | None, problem: str) -> Verification:
    return Verification.objects.create(
        at=timezone.now(), from_sequence=start, to_sequence=good, bad_sequence=bad, problem=problem
    )
