"""Writing the file of an export: in parts, by one worker at a time, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.audit import export_texts, masking, policies, presenters, sealing, segments, selectors, services
from warehouse_admin.audit.models import AuditEntry, Export, ExportPart
from warehouse_admin.core.spreadsheets import harmless

TOGETHER = 1_000
"""Entries read at once; after each such batch the part is stored, and whether it was stopped is looked at."""
KEPT = timedelta(days=7)
SILENT = timedelta(seconds=120)
"""A worker that did not get on for so long is taken for dead, and another may begin anew."""
MOST_ATTEMPTS = 3
State = Export.State
COLUMNS = (
    "sequence at actor actor_kind token action connection object_type object_id object_name result reason before after "
    "remote request_id ip user_agent prev_hash hash"
).split()


BROKEN = "Something went wrong while the file was written; ask for it again."
NO_ROOM = "There is no room left, or no right to write, where the database lies: tell an administrator, then ask again."
_FULL = ("disk is full", "readonly database", "No space left", "read-only transaction")


class Superseded(Exception):
    """The export was stopped, or another worker writes it: what this one does counts for nothing more."""


def write(export_id: str) -> None:
    """Write the export if nobody else does; start anew what a killed worker left. Safe to run twice."""
    if not (export := _claimed(export_id)):
        return
    try:
        _write(export)
    except Superseded:
        return
    except Exception as error:
        _end(export, State.FAILED, error=NO_ROOM if _is_full(error) else BROKEN)
        raise


def _is_full(error: Exception) -> bool:
    """Whether the database had no room for it, or may not write."""
    return isinstance(error, DatabaseError) and any(words in str(error) for words in _FULL)


def _claimed(export_id: str) -> Export | None:
    """The export as this worker's own, from its first byte on."""
    now, attempt = timezone.now(), uuid.uuid4()
    with transaction.atomic():
        export = Export.objects.select_for_update().filter(pk=export_id).first()
        waits = export and export.state == State.QUEUED
        died = export and export.state == State.RUNNING and (export.seen_at or now) < now - SILENT
        if export is None or not (waits or died):
            return None
        ExportPart.objects.filter(export=export).delete()
        export.state, export.attempt, export.attempts = State.RUNNING, attempt, export.attempts + 1
        export.started_at = export.seen_at = now
        export.done = export.size = 0
        export.save()
    return export


def _write(export: Export) -> None:
    asker = get_user_model().objects.get(pk=export.asked_by_id)
    sees_all = policies.sees_all(asker)
    if not asker.is_active or not (export.is_masked or sees_all):
        _end(export, State.FAILED, error="Whoever asked for it may no longer read this.")
        return
    visible = selectors.entries_for(asker, sees_all=sees_all)
    entries, _ = selectors.filtered(visible, export.filters)
    entries = entries.filter(sequence__lte=export.to_sequence).order_by("sequence")
    export.total = entries.order_by().count()
    _go_on(export, total=export.total, saw_all=sees_all)
    digest, size = hashlib.sha256(), 0
    for number, content in enumerate(_contents(export, entries, digest), start=1):
        size += len(content)
        with transaction.atomic():
            _go_on(export, done=export.done, size=size)
            ExportPart.objects.create(export=export, number=number, content=zlib.compress(content))
    _end(export, State.SUCCEEDED, sha256=digest.hexdigest(), size=size)


def _contents(export: Export, entries: QuerySet[AuditEntry], digest: Any) -> Iterator[bytes]:
    """The file in pieces; `digest` gets to know every byte of it."""
    for content in _pieces(export, entries, digest):
        digest.update(content)
        yield content


def _pieces(export: Export, entries: QuerySet[AuditEntry], digest: Any) -> Iterator[bytes]:
    signer = sealing.signer() if export.format == Export.Format.SEGMENT else None
    first = entries.values_list("sequence", flat=True).first() or 0
    if signer:
        yield segments.line(segments.header(export_texts.told(export), first, export.to_sequence))
    elif export.format == Export.Format.CSV:
        yield _csv([COLUMNS])
    for batch in _batches(entries):
        export.done += len(batch)
        yield b"".join(_lines(export, batch))
    if signer:
        yield segments.last_line(digest.hexdigest(), export.done, signer)


def _batches(entries: QuerySet[AuditEntry]) -> Iterator[list[AuditEntry]]:
    after = 0
    while batch := list(entries.filter(sequence__gt=after)[:TOGETHER]):
        yield batch
        after = batch[-1].sequence


def _lines(export: Export, batch: list[AuditEntry]) -> Iterator[bytes]:
    kept = masking.masked if export.is_masked else lambda told: told
    if export.format == Export.Format.CSV:
        yield _csv([_row(kept(_flat(entry))) for entry in batch])
        return
    as_told = segments.entry_of if export.format == Export.Format.SEGMENT else _whole
    for entry in batch:
        yield segments.line(kept(as_told(entry)))


def _whole(entry: AuditEntry) -> dict[str, Any]:
    return {**presenters.as_dict(entry), "user_agent": entry.user_agent or None}


def _flat(entry: AuditEntry) -> dict[str, Any]:
    told = _whole(entry)
    about = told.pop("object")
    return {**told, **{f"object_{name}": value for name, value in about.items()}}


def _row(told: dict[str, Any]) -> list[str]:
    return [_cell(told[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return harmless(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def give_up(export: Export) -> None:
    """End what no worker finished, however often it was begun."""
    _end(export, State.FAILED, error="It was begun several times and never finished; ask for it again, or for less.")


def _go_on(export: Export, **told: Any) -> None:
    """Note how far it is; Superseded when it is no longer this worker's to write."""
    mine = Export.objects.filter(pk=export.pk, state=State.RUNNING, attempt=export.attempt)
    if not mine.update(seen_at=timezone.now(), **told):
        raise Superseded


def _end(export: Export, state: str, **told: Any) -> None:
    now = timezone.now()
    with transaction.atomic():
        mine = Export.objects.filter(pk=export.pk, state=State.RUNNING, attempt=export.attempt)
        if not mine.update(state=state, done=export.done, finished_at=now, expires_at=now + KEPT, **told):
            raise Superseded
        export.refresh_from_db()
        if state != State.SUCCEEDED:
            export.parts.all().delete()
        services.record(
            actor=None,
            action="audit.export_finished",
            target=export_texts.target(export),
            result=AuditEntry.Result.OK if state == State.SUCCEEDED else AuditEntry.Result.FAILED,
            reason=export.error,
            after={"state": state, "entries": export.done, "bytes": export.size, "sha256": export.sha256},
        )
