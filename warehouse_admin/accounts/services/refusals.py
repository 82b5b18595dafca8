"""Keys that PostHog refused: noted once however many requests are told so, and not used again until they are mended."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection, PersonalKey
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target

Holder = Connection | PersonalKey
"""Whose row a key is stored in."""


def note(holder: Holder, *, key: str) -> None:
    """PostHog answered 401 to `key`. Without effect when that is known, or when another key was stored meanwhile."""
    with transaction.atomic():
        row = _locked(holder)
        if row is None or row.api_key != key or row.key_refused_at:
            return
        row.key_refused_at = timezone.now()
        row.save(update_fields=["key_refused_at"])
        _record(row, "refused", result="failed", reason=why_refused(row))
    holder.key_refused_at = row.key_refused_at


def forget(row: Connection, *, key: str) -> None:
    """PostHog accepted `key`: in the caller's transaction, last in it, on the locked row."""
    if row.key_refused_at and row.api_key == key:
        row.key_refused_at = None
        row.save(update_fields=["key_refused_at"])
        _record(row, "accepted")


def require_accepted(holder: Holder) -> None:
    """Raise KeyRefused while the stored key is refused; `holder` may have been loaded long ago."""
    holder.refresh_from_db(fields=["key_refused_at"])
    if why := why_refused(holder):
        raise KeyRefused(why)


def why_refused(holder: Holder) -> str:
    """Since when nothing is sent with this key, and who can mend that; empty when PostHog accepts it."""
    if not holder.key_refused_at:
        return ""
    since = f"since {holder.key_refused_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, so nothing is sent with it."
    if isinstance(holder, Connection):
        return (
            f"PostHog refuses the API key of {holder.name} {since} An administrator has to store a working key on the "
            "connection's page, or check it there once PostHog accepts it again."
        )
    owner = holder.user.get_username()
    return (
        f"PostHog refuses {owner}'s own key for {holder.connection.name} {since} "
        f"{owner} has to store a working key on the settings page."
    )


def _locked(holder: Holder) -> Any:
    """The row as it is stored now, locked; None when it is gone."""
    return type(holder).objects.select_for_update().filter(pk=holder.pk).first()


def _record(row: Holder, did: str, **details: Any) -> None:
    connection = row if isinstance(row, Connection) else row.connection
    audit.record(
        actor=None,
        action=f"connection.key_{did}" if isinstance(row, Connection) else f"personal_key.{did}",
        target=Target("connection", connection.slug, connection.name),
        connection=connection.slug,
        after=None if isinstance(row, Connection) else {"person": row.user.get_username()},
        **details,
    )
