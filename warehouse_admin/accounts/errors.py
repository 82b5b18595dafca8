"""What a person can be told about keys."""

from __future__ import annotations

from warehouse_admin.core.errors import UserError


class KeyRefused(UserError):
    """PostHog refuses the key that would be used, so nothing is sent with it; the message says who can mend that."""
