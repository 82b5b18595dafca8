"""Which views an act concerns: ids made into views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery

AT_ONCE = 5_000
NAMED = 10  # so many offenders are named in a message

Chosen = Iterable[SavedQuery | UUID | str]


def resolve(chosen: Chosen) -> list[SavedQuery]:
    """The chosen views, each once; InvalidInput names every id that is malformed, unknown or gone."""
    ids: dict[UUID, None] = {}
    bad: list[str] = []
    for one in chosen:
        try:
            key = one.posthog_id if isinstance(one, SavedQuery) else one
            ids[UUID(str(key).strip())] = None
        except ValueError:
            bad.append(str(one)[:60])
    views = _newest_by_id(list(ids))
    bad += [str(key) for key in ids if key not in views]
    gone = [view.name for view in views.values() if view.deleted_at]
    if bad:
        raise _unusable(f"No such view: {named(bad)}. Choose from the list again.")
    if gone:
        raise _unusable(f"Deleted in PostHog: {named(gone)}. Take them out.")
    if not views:
        raise _unusable("Choose at least one view.")
    return list(views.values())


def _newest_by_id(ids: Sequence[UUID]) -> dict[UUID, SavedQuery]:
    """Rows by their remote id; where two connections have one, the row that is not a tombstone, then the newest."""
    found: dict[UUID, SavedQuery] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        rows = SavedQuery.objects.filter(posthog_id__in=some).select_related("connection").defer("query", "columns")
        for row in rows.order_by("pk"):
            known = found.get(row.posthog_id)
            if known is None or known.deleted_at or not row.deleted_at:
                found[row.posthog_id] = row
    return {key: found[key] for key in ids if key in found}


def _unusable(message: str) -> InvalidInput:
    return InvalidInput(message, errors={"saved_queries": [message]})


def named(names: Sequence[str]) -> str:
    """Some names for a message, not too many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def one_connection(views: Sequence[SavedQuery]) -> Connection:
    """The connection that all of them belong to; InvalidInput where they belong to several."""
    connections = {view.connection_id: view.connection for view in views}
    if len(connections) > 1:
        slugs = named(sorted(connection.slug for connection in connections.values()))
        raise _unusable(f"These views belong to several connections ({slugs}); choose those of one connection.")
    return next(iter(connections.values()))
