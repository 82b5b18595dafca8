"""A signed segment: some entries with their hashes, in a file that proves itself with nothing but a public key.

JSON Lines: a header with what was asked for, the nearest checkpoints and the public keys; the entries; and a last line
that signs the SHA-256 of every byte before it. An entry that is not masked proves its own hash, and that it continues
the one before where that is in the file too. A masked one is vouched for by the signature alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q

from warehouse_admin.audit import chain, checkpoints, signing
from warehouse_admin.audit.models import AuditEntry, Checkpoint

FORMAT = "warehouse-admin audit segment"
VERSION = 1


class BadSegment(ValueError):
    """The file is not what was signed; the message says where that shows."""


def nearest_checkpoints(first: int, last: int) -> list[dict[str, Any]]:
    """The checkpoints among the entries, the last one before them, and the first one after."""
    rows = Checkpoint.objects.order_by("sequence")
    before = rows.filter(sequence__lt=first).last()
    after = rows.filter(sequence__gte=last).first()
    inside = rows.filter(Q(sequence__gte=first) & Q(sequence__lt=last))
    return [checkpoints.as_dict(one) for one in (before, *inside, after) if one]


def header(told: Mapping[str, Any], first: int, last: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        **told,
        "fields": [*chain.FIELDS, "hash"],
        "checkpoints": nearest_checkpoints(first, last),
        "public_keys": signing.public_keys(),
    }


def entry_of(entry: AuditEntry) -> dict[str, Any]:
    """Everything that the hash covers, and the hash."""
    told = {name: getattr(entry, name) for name in (*chain.FIELDS, "hash")}
    return {**told, "at": chain.told_time(entry.at)}


def line(value: Mapping[str, Any]) -> bytes:
    return signing.canonical(value) + b"\n"


def last_line(digest: str, entries: int, signer: signing.Signer) -> bytes:
    """What closes a segment: the signature over the digest of all that came before."""
    told = {"entries": entries, "key_id": signer.key_id, "sha256": digest}
    return line({**told, "public_key": signer.public_key, "signature": signer.sign(told)})


def check(lines: Iterable[bytes], public_keys: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a segment holds; BadSegment when a byte of it is not as it was signed.

    With `public_keys` only a signature by one of them counts, else the key that came with the file does.
    """
    kept = iter(lines)
    head = _read(next(kept, b""), 1)
    if head.get("format") != FORMAT:
        raise BadSegment("This is no segment of an audit trail.")
    digest = hashlib.sha256(line(head))
    close, count = _check_entries(kept, digest, is_masked=bool(head.get("masked")))
    told = {name: close.get(name) for name in ("entries", "key_id", "sha256")}
    if told["sha256"] != digest.hexdigest() or told["entries"] != count:
        raise BadSegment("The file was changed: its bytes are not those that were signed.")
    known = public_keys if public_keys is not None else {str(told["key_id"]): str(close.get("public_key"))}
    key = known.get(str(told["key_id"]), "")
    if not key or signing.key_id_of(key) != told["key_id"]:
        raise BadSegment(f"It is signed by the key {told['key_id']}, which is none of those that count.")
    if not signing.is_signed(told, str(close.get("signature")), key):
        raise BadSegment("The signature does not match.")
    return {**head, **told}


def _check_entries(lines: Iterator[bytes], digest: Any, *, is_masked: bool) -> tuple[dict[str, Any], int]:
    """The closing line, and how many entries came before it; each is checked as far as it can be."""
    before: dict[str, Any] = {}
    for number, raw in enumerate(lines, start=2):
        entry = _read(raw, number)
        if "signature" in entry:
            if next(lines, None) is not None:
                raise BadSegment("Something was added after the signature.")
            return entry, number - 2
        digest.update(line(entry))
        _check_entry(entry, before, is_masked=is_masked)
        before = entry
    raise BadSegment("The file was cut off: its signature is missing.")


def _check_entry(entry: Mapping[str, Any], before: Mapping[str, Any], *, is_masked: bool) -> None:
    try:
        told = [entry[name] for name in chain.FIELDS]
        number, hash_ = entry["sequence"], entry["hash"]
    except KeyError as error:
        raise BadSegment(f"An entry lacks {error}.") from None
    if not is_masked and chain.hash_of(told) != hash_:
        raise BadSegment(f"Entry {number} was changed: its content does not match its hash.")
    if before and before["sequence"] + 1 == number and entry["prev_hash"] != before["hash"]:
        raise BadSegment(f"Entry {number} does not continue the entry before it.")


def _read(raw: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict) or line(value) != raw.rstrip(b"\n") + b"\n":
        raise BadSegment(f"Line {number} is not as it was written.")
    return value
