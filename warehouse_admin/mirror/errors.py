"""What a person can be told about the mirror and its syncs."""

from __future__ import annotations

from typing import Any

from warehouse_admin.core.errors import UserError


class SyncRunning(UserError):
    """A connection has one sync at a time; `sync` is the row of the one under way."""

    def __init__(self, sync: Any) -> None:
        super().__init__(f"A sync of {sync.connection.name} is already under way. Wait for it, or stop it first.")
        self.sync = sync

    @property
    def members(self) -> dict[str, Any]:
        return {"id": str(self.sync.pk)}


class SyncNotOpen(UserError):
    """The sync has ended, so there is nothing to stop or to decide."""
