"""User interviews: read into the mirror, and written through the gate."""

from __future__ import annotations

from warehouse_admin.interviews.asking import create, delete, edit, refusal
from warehouse_admin.interviews.carrying import carry_out, tend
from warehouse_admin.interviews.reading import read_all, read_one
from warehouse_admin.interviews.recordings import check as check_recording

__all__ = ["carry_out", "check_recording", "create", "delete", "edit", "read_all", "read_one", "refusal", "tend"]
