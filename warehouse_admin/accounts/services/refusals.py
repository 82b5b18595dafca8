"""Keys that PostHog refused: noted once however many requests are told so, and not used again until they are mended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection, PersonalKey
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target

Holder = Connection | PersonalKey
"""Whose row a key is stored in."""


def note(holder: Holder, *, key: str) -> None:
    """PostHog answered 401 to `key`, wherever it is stored. Without effect when that is known, or when another key was
    stored meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        rows = [row for row in _with_key(holder, key) if not row.key_refused_at]
        own = next((row for row in rows if row.pk == holder.pk), None)
        if own is None:
            return
        _mark(rows, now)
        _record(own, rows, "refused", result="failed", reason=why_refused(own))
    holder.key_refused_at = now


def forget(row: Connection, *, key: str) -> None:
    """PostHog accepted `key`, wherever it is stored: in the caller's transaction, last in it, on the locked row."""
    if row.key_refused_at and row.api_key == key:
        rows = [other for other in _with_key(row, key) if other.key_refused_at]
        _mark(rows, None)
        row.key_refused_at = None
        _record(row, rows, "accepted")


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
    owner = holder.user.display_name
    return (
        f"PostHog refuses {owner}'s own key for {holder.connection.name} {since} "
        f"{owner} has to store a working key on the settings page."
    )


def _with_key(holder: Holder, key: str) -> list[Any]:
    """The rows, locked, that hold this key of the holder's host: connections, or the same person's own keys."""
    host = _connection_of(holder).host
    rows: QuerySet[Any]
    if isinstance(holder, Connection):
        rows = Connection.objects.filter(host=host)
    else:
        rows = PersonalKey.objects.filter(user=holder.user_id, connection__host=host)
    return [row for row in rows.select_for_update(of=("self",)).order_by("pk") if row.api_key == key]


def _mark(rows: list[Any], refused_at: datetime | None) -> None:
    for row in rows:
        row.key_refused_at = refused_at
        row.save(update_fields=["key_refused_at"])


def _record(row: Holder, rows: list[Any], did: str, **details: Any) -> None:
    """One entry for a key, with all the connections where it is stored."""
    told: dict[str, Any] = {"connections": [_connection_of(one).slug for one in rows]}
    connection = _connection_of(row)
    if not isinstance(row, Connection):
        told["person"] = row.user.get_username()
    audit.record(
        actor=None,
        action=f"connection.key_{did}" if isinstance(row, Connection) else f"personal_key.{did}",
        target=Target("connection", connection.slug, connection.name),
        connection=connection.slug,
        after=told,
        **details,
    )


def _connection_of(row: Holder) -> Connection:
    return row if isinstance(row, Connection) else row.connection
