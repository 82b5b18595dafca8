"""The one gate through which everything that changes PostHog goes; README.md tells its three steps."""

from __future__ import annotations

from warehouse_admin.mutations.ask import ask
from warehouse_admin.mutations.decide import candidates, decide, decided_by, made_as
from warehouse_admin.mutations.preview import preview
from warehouse_admin.mutations.rows import fetched_at, restore, snapshot
from warehouse_admin.mutations.send import send
from warehouse_admin.mutations.sent import read_back, sent
from warehouse_admin.mutations.settle import settle, settle_due
from warehouse_admin.mutations.silence import silence

__all__ = [
    "ask",
    "candidates",
    "decide",
    "decided_by",
    "fetched_at",
    "made_as",
    "preview",
    "read_back",
    "restore",
    "send",
    "sent",
    "settle",
    "settle_due",
    "silence",
    "snapshot",
]
