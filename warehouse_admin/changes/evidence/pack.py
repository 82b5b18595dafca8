"""One archive of a change's evidence: for people, for machines, and what proves that nobody touched either."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from warehouse_admin.audit import archives, segments, signing
from warehouse_admin.audit.models import Archive
from warehouse_admin.audit.signing import Signer
from warehouse_admin.changes.evidence.collect import evidence_of
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.unseen import visible_page

VERSION = 1
VERIFIER = Path(__file__).with_name("verify.py")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive can name: the same evidence gives the same bytes


def build(change: ChangeRequest, signer: Signer) -> bytes:
    """The archive, byte for byte the same while nothing new happens to the change."""
    evidence = evidence_of(change)
    files = {
        "evidence.html": visible_page(render_to_string("changes/evidence/pack.html", {"told": evidence})).encode(),
        "evidence.json": _written(evidence),
        "verify.py": VERIFIER.read_bytes(),
    }
    numbers = [entry["sequence"] for entry in evidence["entries"]]
    checkpoints = segments.nearest_checkpoints(min(numbers), max(numbers)) if numbers else []
    manifest = _manifest(change, files, checkpoints, signer)
    return _archive({**files, "manifest.json": _written(manifest)})


def _manifest(
    change: ChangeRequest, files: Mapping[str, bytes], checkpoints: list[dict[str, Any]], signer: Signer
) -> dict[str, Any]:
    """What is signed is all of it but the signature itself."""
    moved = [{**archives.payload_of(one), "signature": one.signature} for one in Archive.objects.order_by("number")]
    needed = {signer.key_id, *(signed["key_id"] for signed in (*checkpoints, *moved))}
    keys = {signer.key_id: signer.public_key, **signing.public_keys()}
    told = {
        "version": VERSION,
        "change": change.pk,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "checkpoints": checkpoints,
        "archives": moved,  # where older entries of the trail went
        "public_keys": {name: key for name, key in keys.items() if name in needed},
        "key_id": signer.key_id,
    }
    return {**told, "signature": signer.sign(told)}


def _written(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Not compressed, so that the verifier can write the same bytes again with any version of its libraries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, files[name])
    return made.getvalue()
