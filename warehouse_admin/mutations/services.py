"""The one gate through which everything that changes PostHog goes; README.md tells its three steps."""

from __future__ import annotations

from warehouse_admin.mutations.ask import ask
from warehouse_admin.mutations.credentials import FIELD as CREDENTIAL
from warehouse_admin.mutations.credentials import Entered, is_same, repeated, seal, spent, still_kept, told, wipe
from warehouse_admin.mutations.decide import candidates, decide, decided_by, made_as
from warehouse_admin.mutations.kinds.interviews import in_digests as interview_in_digests
from warehouse_admin.mutations.preview import preview
from warehouse_admin.mutations.rows import fetched_at, restore, restore_table, snapshot
from warehouse_admin.mutations.send import send
from warehouse_admin.mutations.sent import read_back, sent
from warehouse_admin.mutations.settle import give_up, settle, settle_due
from warehouse_admin.mutations.silence import silence

__all__ = [
    "CREDENTIAL",
    "Entered",
    "ask",
    "candidates",
    "decide",
    "decided_by",
    "fetched_at",
    "give_up",
    "interview_in_digests",
    "is_same",
    "made_as",
    "preview",
    "read_back",
    "repeated",
    "restore",
    "restore_table",
    "seal",
    "send",
    "sent",
    "settle",
    "settle_due",
    "silence",
    "snapshot",
    "spent",
    "still_kept",
    "told",
    "wipe",
]
