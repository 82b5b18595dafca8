"""Walks the chain and names the first bad row; says what it did while it walks, so that a killed walk goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.audit import archives, chain, checkpoints
from warehouse_admin.audit.archives import Base
from warehouse_admin.audit.checkpoints import Problem
from warehouse_admin.audit.models import AuditEntry, ChainHead, Verification

BATCH = 1_000
STORED_EVERY = 100_000
"""Entries after which it is stored how far a walk came."""
_COLUMNS = (*chain.FIELDS, "hash")
_AT, _BEFORE, _REMOTE = (chain.FIELDS.index(name) for name in ("at", "before", "remote"))
# As the hash tells it. PostgreSQL's other core does that while this one hashes; Django's converter is slow.
_TIME = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
_NUMBERS = ("sequence", "actor_id")
_UNREADABLE = "{"
_ANOTHER = "Entry {} is not the one that was verified before."
Kind = Verification.Kind


def verify(*, from_sequence: int = 1, resume: bool = False) -> Verification:
    """Check every entry from `from_sequence` to the end, and all checkpoints; store the first thing that is wrong.

    With `resume` go on from the last entry that an earlier check found good, or where a killed one stopped.
    """
    # Read first: entries appended while we walk are for the next time.
    head = ChainHead.objects.filter(pk=1).first()
    base, forged = archives.base()
    run = _resumed(base) if resume else None
    if run is None:
        first = base.sequence + 1
        start = max(first, from_sequence)
        kind = Kind.WHOLE if start == first else Kind.PART
        run = Verification(kind=kind, from_sequence=start, to_sequence=start - 1, to_hash=_hash_before(start, base))
    run.checkpoints, broken = checkpoints.check(base)
    problem = Problem(base.sequence + 1, forged) if forged else None
    problem = problem or _walk(run, base) or _check_end(head, run) or broken or _cut_since(run)
    return _store(run, problem)


def verified() -> QuerySet[Verification]:
    """Checks before which every entry had been found good too, the newest first."""
    return Verification.objects.filter(kind__in=(Kind.WHOLE, Kind.RESUMED)).exclude(to_hash="").order_by("-at", "-pk")


def _resumed(base: Base) -> Verification | None:
    """A check that goes on where the last one got to; that one itself when it was killed."""
    newest = Verification.objects.filter(is_finished=True).order_by("-at", "-pk").first()
    if newest and newest.kind == Kind.PART and newest.bad_sequence is not None:
        return None  # what it found may lie before the last entry that was good once, and must not be passed over
    last = verified().filter(to_sequence__gte=base.sequence).first()
    if last is None or not last.is_finished:
        return last
    return Verification(
        kind=Kind.RESUMED,
        from_sequence=last.to_sequence + 1,
        to_sequence=last.to_sequence,
        to_hash=last.to_hash,
    )


def _walk(run: Verification, base: Base) -> Problem | None:
    start, expected = run.to_sequence + 1, run.to_sequence + 1
    previous = run.to_hash
    if start > 1 and run.kind != Kind.PART and (found := _hash_before(start, base)) != previous:
        run.to_hash = ""
        return _cut_off(start - 1) if not found else Problem(start - 1, _ANOTHER.format(start - 1))
    problem, seen = None, STORED_EVERY
    while seen == STORED_EVERY and problem is None:
        seen = 0
        with closing(_rows(expected)) as rows:
            for row in rows:
                # The one line that every entry goes through; what is wrong with one is worked out apart.
                if row[0] != expected or row[-2] != previous or not _is_whole(row):
                    problem = Problem(expected, _told(row, expected, previous))
                    break
                previous = row[-1]
                expected += 1
                seen += 1
        if seen == STORED_EVERY:
            _note(run, expected - 1, previous)
    run.to_sequence, run.to_hash = expected - 1, previous
    return problem


def _rows(start: int) -> Generator[Sequence[Any]]:
    """The next STORED_EVERY rows from `start` on, in order.

    Read without the model's converters, which cost more than the hashing. To be read to the end or closed before
    anything else is asked of the database.
    """
    return _copied(start) if connection.vendor == "postgresql" else _selected(start)


def _selected(start: int) -> Generator[Sequence[Any]]:
    columns = ["CAST(at AS TEXT)" if name == "at" else name for name in _COLUMNS]
    with connection.cursor() as cursor:
        database = cursor.connection
        usual, database.text_factory = database.text_factory, _decoded
        try:
            cursor.execute(_query(columns, start))
            while batch := cursor.fetchmany(BATCH):
                yield from map(_as_written, batch)
        finally:
            database.text_factory = usual


def _decoded(raw: bytes) -> str:
    """Text that SQLite holds, be it none: bytes that are no UTF-8 become letters that cannot be hashed."""
    return raw.decode(errors="surrogateescape")


def _as_written(row: Sequence[Any]) -> list[Any]:
    """A row as PostgreSQL gives it.

    SQLite keeps times and JSON as plain text, in which more can be changed than what they mean: a name that is put in
    twice is one thing to Python and another to SQLite. So what is not letter by letter what was written cannot be read.
    """
    told = list(row)
    told[_AT] = _time_as_written(row[_AT])
    for place in range(_BEFORE, _REMOTE + 1):
        if row[place] is not None and not _is_as_written(row[place]):
            told[place] = _UNREADABLE
    return told


def _time_as_written(text: Any) -> str:
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return ""
    return chain.told_time(at.replace(tzinfo=UTC)) if at.tzinfo is None and str(at) == text else ""


def _is_as_written(text: Any) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        return False
    return value is not None and json.dumps(value) == text


def _copied(start: int) -> Generator[Sequence[Any]]:
    """PostgreSQL goes on reading and writing out while what it sent already is checked here."""
    types = ["int8" if name in _NUMBERS else "text" for name in _COLUMNS]
    columns = [_TIME if name == "at" else f"{name}::{kind}" for name, kind in zip(_COLUMNS, types, strict=True)]
    # In binary nothing has to be searched for marks and tabs.
    written = f"COPY ({_query(columns, start)}) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(written) as copy:
        copy.set_types(types)
        rows = copy.rows()
        try:
            for row in rows:  # noqa: UP028  `yield from` would close the rows before they are read away
                yield row
        finally:
            for _ in rows:
                pass  # what nobody wants any more is read away: to cancel it would spoil the transaction around it


def _query(columns: Sequence[str], start: int) -> str:
    table = AuditEntry._meta.db_table
    found = f"SELECT {', '.join(columns)} FROM {table} WHERE sequence >= {start:d}"  # noqa: S608  constants, a number
    return f"{found} ORDER BY sequence LIMIT {STORED_EVERY:d}"


def _is_whole(row: Sequence[Any]) -> bool:
    """Whether its hash is that of its content.

    The fast encoder writes what the chain's own one does, but for numbers that it cannot hold. It is only believed
    where it finds the very hash, which nothing but the hashed text gives.
    """
    try:
        text = orjson.dumps(_values(row, orjson.loads), option=orjson.OPT_SORT_KEYS)
        if chain.digest(text) == row[-1]:
            return True
    except (ValueError, TypeError):
        pass
    try:
        return chain.hash_of(_values(row, json.loads)) == row[-1]
    except (ValueError, TypeError):
        return False  # what cannot be read was never written like that


def _values(row: Sequence[Any], loads: Callable[[str], Any]) -> list[Any]:
    """What was hashed: JSON comes as text."""
    values = list(row[:-1])
    for place in range(_BEFORE, _REMOTE + 1):
        if row[place] is not None:
            values[place] = loads(row[place]) if row[place] else None
    return values


def _hash_before(start: int, base: Base) -> str:
    """The hash that the first row must continue; "" when the row before it is missing."""
    if start == base.sequence + 1:
        return base.hash
    return AuditEntry.objects.filter(sequence=start - 1).values_list("hash", flat=True).first() or ""


def _told(row: Sequence[Any], expected: int, previous: str) -> str:
    if row[0] != expected:
        return f"Entry {expected} is missing; the next one is {row[0]}."
    if not previous:
        return f"Entry {expected - 1} is missing, so entry {expected} cannot be checked."
    if row[-2] != previous:
        return f"Entry {expected} does not continue the entry before it."
    return f"Entry {expected} was changed: its content does not match its hash."


def _check_end(head: ChainHead | None, run: Verification) -> Problem | None:
    last, end = run.to_sequence, head.sequence if head else 0
    if last < end:
        return Problem(last + 1, f"Entry {last + 1} is missing: the chain ends at {last}, not at {end}.")
    if head is None:
        return Problem(last, "The record of the chain's end is missing.") if last >= max(run.from_sequence, 1) else None
    if 0 < end and run.from_sequence <= end + 1:
        found = AuditEntry.objects.filter(sequence=end).values_list("hash", flat=True).first()
        if found != head.hash:
            return Problem(end, f"Entry {end} is not the one the chain's end remembers.")
    return None


def _cut_since(run: Verification) -> Problem | None:
    """Whether an earlier check came further than the chain goes now."""
    if run.kind == Kind.PART:
        return None
    furthest = verified().order_by("-to_sequence").values_list("to_sequence", flat=True).first() or 0
    return _cut_off(furthest) if furthest > run.to_sequence else None


def _cut_off(verified_to: int) -> Problem:
    end = AuditEntry.objects.filter(sequence__lt=verified_to).order_by("-sequence").values_list("sequence", flat=True)
    last = end.first() or 0
    text = (
        f"The end was cut off: the chain ends at {last}, and was whole up to {verified_to} when it was verified before."
    )
    return Problem(last + 1, text)


def _note(run: Verification, sequence: int, hash_: str) -> None:
    run.to_sequence, run.to_hash, run.is_finished, run.at = sequence, hash_, False, timezone.now()
    run.save()


def _store(run: Verification, problem: Problem | None) -> Verification:
    run.at, run.is_finished = timezone.now(), True
    if problem:
        run.bad_sequence, run.bad_checkpoint, run.problem = problem.sequence, problem.checkpoint, problem.text[:300]
        if problem.sequence <= run.to_sequence:
            # What is known to be good ends before the place that the walk came to.
            run.to_sequence, run.to_hash = max(problem.sequence - 1, 0), ""
    run.save()
    return run
