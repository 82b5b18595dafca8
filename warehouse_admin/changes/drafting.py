"""Changes that other parts of the portal begin for a person: drafts, which that person reads and submits."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.propose import create
from warehouse_admin.changes.review import withdraw
from warehouse_admin.mirror.models import SavedQuery


def draft(
    *,
    author: User,
    action: str,
    saved_query: SavedQuery | None,
    connection: Connection,
    reason: str,
    nonce: str,
    values: dict[str, Any],
) -> int:
    """Begin a change with these values; its number. The same nonce finds the same change again."""
    change = create(
        author=author,
        action=action,
        saved_query=saved_query,
        connection=connection,
        reason=reason,
        nonce=nonce,
        **values,
    )
    return change.pk


def drop(*, author: User, number: int) -> None:
    """Withdraw such a draft; StateForbids once it has gone on."""
    change = ChangeRequest.objects.get(pk=number)
    if change.state == ChangeRequest.State.WITHDRAWN:
        return
    if change.state != ChangeRequest.State.DRAFT:
        told = change.get_state_display().lower()
        raise StateForbids(f"{change} is {told} by now: withdraw it on its own page first.")
    withdraw(change, author)
