"""Whose name PostHog puts to what a key does: the person the key belongs to."""

from __future__ import annotations

from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client


def email_of(client: Client) -> str | None:
    """The e-mail address of the key's owner; None where PostHog does not say."""
    try:
        return reads.current_user(client).email or None
    except errors.PostHogError:
        return None
