"""What was archived and pruned: where the chain that is kept begins, and whether that is signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from warehouse_admin.audit import chain, signing
from warehouse_admin.audit.models import Archive


@dataclass(frozen=True)
class Base:
    """The last entry that is not kept here any more, and its hash; 0 and GENESIS where nothing is gone."""

    sequence: int = 0
    hash: str = chain.GENESIS


def payload_of(archive: Archive) -> dict[str, Any]:
    """What the signature covers."""
    return {
        "archive": archive.number,
        "at": archive.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "from_sequence": archive.from_sequence,
        "to_sequence": archive.to_sequence,
        "to_hash": archive.to_hash,
        "file_sha256": archive.file_sha256,
        "key_id": archive.key_id,
    }


def base() -> tuple[Base, str]:
    """Where the kept chain begins after, and what is wrong with that: archives without a gap, each of them signed."""
    found, keys = Base(), signing.public_keys()
    for number, archive in enumerate(Archive.objects.order_by("number"), start=1):
        key = keys.get(archive.key_id, "")
        follows = archive.number == number and archive.from_sequence == found.sequence + 1
        known = key and signing.key_id_of(key) == archive.key_id
        if not (follows and known and signing.is_signed(payload_of(archive), archive.signature, key)):
            return found, f"Archive {archive.number} is not as it was signed, so the entries it speaks of are missing."
        found = Base(archive.to_sequence, archive.to_hash)
    return found, ""
