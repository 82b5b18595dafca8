"""Walks the chain and names the first bad row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from warehouse_admin.audit import chain
from warehouse_admin.audit.models import AuditEntry, ChainHead, Verification

BATCH = 5_000
_COLUMNS = (*chain.FIELDS, "hash")


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
    return (
        AuditEntry.objects.filter(sequence__gte=start)
        .order_by("sequence")
        .values_list(*_COLUMNS)
        .iterator(chunk_size=BATCH)
    )


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
