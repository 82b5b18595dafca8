"""What can be told to whoever deals with interviews."""

from __future__ import annotations

from warehouse_admin.core.errors import UserError


class NotOffered(UserError):
    """PostHog has no user interviews for this connection; the message says why."""


class UnderWay(UserError):
    """Another write of the same interview has not come to its end."""


class ChangedSince(UserError):
    """The interview is not any more what the form was opened on."""


class Gone(UserError):
    """The interview was deleted."""


class TooLarge(UserError):
    """More than a recording may have."""

    status = 413
