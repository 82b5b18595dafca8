"""Handing the evidence of a change to those who may read the trail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import require
from warehouse_admin.accounts.roles import VIEW_ALL_ENTRIES
from warehouse_admin.audit import sealing
from warehouse_admin.changes.evidence.pack import build
from warehouse_admin.changes.evidence.trail import DOWNLOADED
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.policies import target_of
from warehouse_admin.changes.transitions import record


@dataclass(frozen=True)
class Pack:
    """An archive and what to call it."""

    name: str
    content: bytes


def download(change: ChangeRequest, user: User) -> Pack:
    """The signed pack of a change; who took it, and its digest, is written into the trail."""
    require(user, VIEW_ALL_ENTRIES, action=DOWNLOADED, target=target_of(change))
    content = build(change, sealing.signer(actor=user))
    with transaction.atomic():
        record(change, user, DOWNLOADED.partition(".")[2], after={"sha256": hashlib.sha256(content).hexdigest()})
    return Pack(f"change-{change.pk}-evidence.zip", content)
