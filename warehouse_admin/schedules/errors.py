"""What an operator can be told."""

from __future__ import annotations

from warehouse_admin.core.errors import UserError


class AlreadyInCampaign(UserError):
    """Some of the chosen views are being resumed by another campaign."""


class NotOffered(UserError):
    """PostHog will refuse the action for the connection's key; the message says why."""


class NothingToDo(UserError):
    """The state of the view or of the campaign forbids the action."""
