"""The trail's exports and saved filters: made once, however often the call is repeated."""

from __future__ import annotations

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.audit import export_api, saved_api


class AuditExports(Idempotent, export_api.ExportList):
    """A person's own exports; POST asks for one."""


class AuditFilters(Idempotent, saved_api.FilterList):
    """Your saved filters of the trail, and those that are shared with whoever may read all of it."""


class StopAuditExport(Idempotent, export_api.StopExport):
    """Stop one that is queued or running."""
