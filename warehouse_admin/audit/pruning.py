"""Archive the oldest entries in a signed segment, then prune them: the one way by which entries leave the trail."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.audit import archives, sealing, segments, services, signing
from warehouse_admin.audit.appending import locked_head
from warehouse_admin.audit.models import Archive, AuditEntry
from warehouse_admin.audit.targets import Target
from warehouse_admin.audit.verification import verify
from warehouse_admin.core.errors import UserError

TOGETHER = 1_000


def archive_and_prune(*, before: datetime, path: Path, actor: Any = None) -> Archive:
    """Write the entries before a moment to a new file and take them out of the database; UserError when it cannot be.

    Only a chain that was just found whole is pruned, only after the file was read back, and never its last entry.
    """
    found = verify()
    if found.bad_sequence is not None:
        raise UserError(f"The trail is not whole, so nothing is taken out of it: {found.problem}")
    base, _ = archives.base()
    last = _last_before(before, base.sequence, found.to_sequence)
    sealing.seal(found, actor=actor)
    signer = sealing.signer(actor=actor)
    digest = _write(path, signer, base.sequence + 1, last.sequence)
    _read_back(path, signer, last.sequence - base.sequence)
    return _prune(signer, base, last, digest, actor)


def _last_before(moment: datetime, base: int, end: int) -> AuditEntry:
    """The newest entry to go: every entry up to it is older, and at least one stays."""
    kept = AuditEntry.objects.filter(sequence__gt=base, sequence__lte=end)
    first_kept = kept.filter(at__gte=moment).order_by("sequence").values_list("sequence", flat=True).first() or end
    last = kept.filter(sequence__lt=first_kept).order_by("-sequence").first()
    if last is None:
        raise UserError("No entry is that old; nothing was archived.")
    return last


def _read_back(path: Path, signer: signing.Signer, count: int) -> None:
    try:
        with path.open("rb") as lines:
            held = segments.check(lines, {signer.key_id: signer.public_key})
    except segments.BadSegment as error:
        raise UserError(f"{path} does not read back as it was written, so nothing was pruned: {error}") from None
    if held["entries"] != count:
        raise UserError(f"{path} does not hold every entry, so nothing was pruned.")


def _write(path: Path, signer: signing.Signer, first: int, last: int) -> str:
    """The signed segment, on the disk whole or not at all; the digest that its last line tells."""
    digest = hashlib.sha256()
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.exists():
            raise UserError(f"{path} exists already; name a new file.")
        with unfinished.open("wb") as file:
            for content in _lines(first, last):
                digest.update(content)
                file.write(content)
            file.write(segments.last_line(digest.hexdigest(), last - first + 1, signer))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; nothing was pruned.") from None
    return digest.hexdigest()


def _lines(first: int, last: int) -> Iterator[bytes]:
    yield segments.line(segments.header({"archive": True, "masked": False}, first, last))
    for start in range(first, last + 1, TOGETHER):
        entries = AuditEntry.objects.filter(sequence__gte=start, sequence__lt=min(start + TOGETHER, last + 1))
        yield b"".join(segments.line(segments.entry_of(entry)) for entry in entries.order_by("sequence"))


def _prune(signer: signing.Signer, base: archives.Base, last: AuditEntry, digest: str, actor: Any) -> Archive:
    with transaction.atomic():
        locked_head()
        if archives.base()[0] != base:
            raise UserError("Entries were archived by somebody else meanwhile; nothing was pruned.")
        archive = Archive(
            number=Archive.objects.count() + 1,
            at=timezone.now(),
            from_sequence=base.sequence + 1,
            to_sequence=last.sequence,
            to_hash=last.hash,
            file_sha256=digest,
            key_id=signer.key_id,
        )
        archive.signature = signer.sign(archives.payload_of(archive))
        archive.save(force_insert=True)
        AuditEntry.objects.filter(sequence__lte=last.sequence).delete()
        services.record(
            actor=actor,
            action="audit.archived",
            target=Target("archive", str(archive.number), f"archive {archive.number}"),
            after={"from": archive.from_sequence, "to": archive.to_sequence, "sha256": digest},
        )
    return archive
