"""What can be done with activity."""

from __future__ import annotations

from warehouse_admin.activity.asking import answer, ask
from warehouse_admin.activity.assigning import assign, snooze
from warehouse_admin.activity.bulk import Matching, assign_keys, chosen, keys_of, review_keys
from warehouse_admin.activity.ingest import ingest
from warehouse_admin.activity.lost_certifications import watch as watch_certifications
from warehouse_admin.activity.overdue import watch as watch_overdue
from warehouse_admin.activity.reverting import open_revert
from warehouse_admin.activity.review import adopt, reopen, resolve, review, review_many
from warehouse_admin.activity.searches import remove as remove_search
from warehouse_admin.activity.searches import save as save_search
from warehouse_admin.activity.undo import undo
from warehouse_admin.activity.wake_ups import watch as watch_wake_ups

__all__ = [
    "Matching",
    "adopt",
    "answer",
    "ask",
    "assign",
    "assign_keys",
    "chosen",
    "ingest",
    "keys_of",
    "open_revert",
    "remove_search",
    "reopen",
    "resolve",
    "review",
    "review_keys",
    "review_many",
    "save_search",
    "snooze",
    "undo",
    "watch_certifications",
    "watch_overdue",
    "watch_wake_ups",
]
