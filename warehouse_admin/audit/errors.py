"""What can go wrong with the trail itself."""

from __future__ import annotations

from warehouse_admin.core.errors import UserError


class ChainBroken(Exception):
    """The end of the chain moved under its lock, or is gone: nothing was written, and nothing may be done either."""


class NotSealed(UserError):
    """The chain was not found whole, so its end is not signed."""
