"""The trail's exports, asked for once however often the call is repeated."""

from __future__ import annotations

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.audit import export_api


class AuditExports(Idempotent, export_api.ExportList):
    """A person's own exports; POST asks for one."""


class StopAuditExport(Idempotent, export_api.StopExport):
    """Stop one that is queued or running."""
