"""Signed checkpoints: what one says, and whether the chain still is what they said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from warehouse_admin.audit import archives, chain, signing
from warehouse_admin.audit.archives import Base
from warehouse_admin.audit.models import AuditEntry, Checkpoint

VERSION = 1
TOLD_BY = "audit.checkpointed"
"""The action of the entry that tells of a checkpoint, so that the chain itself says how many there are."""
_TOGETHER = 500


@dataclass(frozen=True)
class Problem:
    """What is wrong, and the entry where it shows."""

    sequence: int
    text: str
    checkpoint: int | None = None


def payload_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the signature covers; its digest is what the next checkpoint names as `previous`."""
    return {
        "version": VERSION,
        "number": checkpoint.number,
        "at": checkpoint.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "sequence": checkpoint.sequence,
        "hash": checkpoint.hash,
        "count": checkpoint.count,
        "key_id": checkpoint.key_id,
        "previous": checkpoint.previous,
    }


def as_dict(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as auditors keep it: what is signed, and the signature."""
    return {**payload_of(checkpoint), "signature": checkpoint.signature}


def check(base: Base) -> tuple[int, Problem | None]:
    """How many checkpoints were checked, and the first thing that is wrong with them or with what they vouch for."""
    kept = list(Checkpoint.objects.order_by("number"))
    problem = _first_bad(kept, signing.public_keys()) or _untold(kept) or _contradiction(kept, base)
    return len(kept), problem


def check_copies(copies: Iterable[Mapping[str, Any]], public_keys: Mapping[str, str]) -> Problem | None:
    """The first of some checkpoints kept elsewhere that the chain contradicts. The copy's own keys are what counts."""
    kept = [_from_copy(copy) for copy in copies]
    for checkpoint in kept:
        told = payload_of(checkpoint)
        if not signing.is_signed(told, checkpoint.signature, public_keys.get(checkpoint.key_id, "")):
            text = f"The copy of checkpoint {checkpoint.number} is not signed by a key that comes with it."
            return Problem(checkpoint.sequence, text, checkpoint.number)
    return _contradiction(sorted(kept, key=lambda one: one.sequence), archives.base()[0])


def _from_copy(copy: Mapping[str, Any]) -> Checkpoint:
    checkpoint = Checkpoint(**{name: copy[name] for name in copy if name != "version"})
    checkpoint.at = Checkpoint._meta.get_field("at").to_python(copy["at"])
    return checkpoint


def _first_bad(kept: list[Checkpoint], keys: Mapping[str, str]) -> Problem | None:
    """Numbers without a gap, each continuing the one before, each signed by a key that is known here."""
    previous = chain.GENESIS
    for number, checkpoint in enumerate(kept, start=1):
        if checkpoint.number != number:
            return _missing(number)
        told = payload_of(checkpoint)
        key = keys.get(checkpoint.key_id, "")
        if not key or signing.key_id_of(key) != checkpoint.key_id:
            text = f"Checkpoint {number} is signed with the key {checkpoint.key_id}, which is not known here."
            return Problem(checkpoint.sequence, text, number)
        if not signing.is_signed(told, checkpoint.signature, key):
            text = f"Checkpoint {number} was changed: its signature does not match."
            return Problem(checkpoint.sequence, text, number)
        if checkpoint.previous != previous:
            return Problem(checkpoint.sequence, f"Checkpoint {number} does not continue the one before it.", number)
        previous = signing.digest(told)
    return None


def _missing(number: int) -> Problem:
    told = AuditEntry.objects.filter(action=TOLD_BY, object_id=str(number)).order_by("sequence").first()
    where = f", which entry {told.sequence} tells of" if told else ""
    return Problem(told.sequence if told else 0, f"Checkpoint {number}{where}, is missing.", number)


def _untold(kept: list[Checkpoint]) -> Problem | None:
    """The newest checkpoints could be taken out without a gap, but for the entries that tell of them."""
    told = AuditEntry.objects.filter(action=TOLD_BY).order_by("-sequence").values_list("object_id", flat=True).first()
    return _missing(len(kept) + 1) if told and told.isdecimal() and int(told) > len(kept) else None


def _contradiction(checked: list[Checkpoint], base: Base) -> Problem | None:
    """The first checkpoint whose entry is gone or another one; those of entries that were archived go by the file."""
    kept = [one for one in checked if one.sequence >= base.sequence]
    for start in range(0, len(kept), _TOGETHER):
        some = kept[start : start + _TOGETHER]
        found = AuditEntry.objects.filter(sequence__in={one.sequence for one in some if one.sequence})
        hashes = dict(found.values_list("sequence", "hash"))
        hashes[base.sequence] = base.hash
        for checkpoint in some:
            if hashes.get(checkpoint.sequence) != checkpoint.hash:
                return _named(checkpoint, hashes.get(checkpoint.sequence), kept)
    return None


def _named(checkpoint: Checkpoint, found: str | None, kept: list[Checkpoint]) -> Problem:
    number, last = checkpoint.number, checkpoint.sequence
    when = f"{checkpoint.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if found is None:
        end = AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
        if end < last:
            gone = f"entries {end + 1} to {last} are gone, which checkpoint {number} of {when} signed"
            return Problem(end + 1, f"The end was cut off: {gone}.", number)
        return Problem(last, f"Entry {last}, which checkpoint {number} of {when} signed, is missing.", number)
    before = max((one.sequence for one in kept if one.sequence < last), default=0)
    text = (
        f"The chain was rewritten somewhere from entry {before + 1} to {last}: "
        f"entry {last} is not the one that checkpoint {number} of {when} signed."
    )
    return Problem(last, text, number)
