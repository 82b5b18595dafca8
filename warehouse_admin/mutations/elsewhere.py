"""A new view whose answer was lost and whose name nobody has: made, and renamed or deleted since, or never made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.mutations import timing, trace
from warehouse_admin.mutations.kinds import Standing, kind_of
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import snapshot
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry, SavedQuery

PAGES = 5
MOST = 20
"""Of the views that came since, so many are read; more are a sign that names cannot tell."""


@dataclass(frozen=True)
class Doubt:
    """Views that came while the request may have landed, and no log tells whether one is ours: for people to judge."""

    candidates: list[dict[str, Any]]

    @property
    def said(self) -> str:
        names = ", ".join(row["name"] or row["id"] for row in self.candidates[:3])
        told = f"{names} came then, and no log tells whether that is ours, renamed."
        return f"PostHog lists no view of this name, but {told}"


def is_due(mutation: Mutation, standing: Standing, live: SavedQuery | None, now: datetime) -> bool:
    """Whether nothing but the missing name would say that it did not happen."""
    kind = kind_of(mutation)
    missing = kind.makes and kind.trace is not None and live is None and standing is Standing.BASE
    return missing and timing.age(mutation.sent_at, now) >= timing.write_seconds()


def look(client: Client, mutation: Mutation, *, now: datetime) -> trace.Found | Doubt | None:
    """The proof that it was made; else what may be it, which only a person can tell; None: it was not made.

    Raises PostHogError while the log may still be had later.
    """
    entries, is_whole = _log(client, mutation, now)
    entry = trace.own_entry(client, mutation, entries)
    if entry is not None and entry.item_id:
        return _proven(client, mutation, entry, entry.item_id)
    return None if is_whole else _among_newcomers(client, mutation, now)


def _log(client: Client, mutation: Mutation, now: datetime) -> tuple[list[ActivityEntry], bool]:
    """The project's log, and whether it was read down to when the request left."""
    if accounts.capability(mutation.connection, "activity_log").state == "no":
        return [], False
    entries: list[ActivityEntry] = []
    cursor: str | None = None
    try:
        for _ in range(PAGES):
            page = reads.list_activity_log(client, cursor=cursor)
            entries += page.results
            past = [entry for entry in page.results if entry.created_at and entry.created_at < _since(mutation)]
            cursor = page.cursor
            if past or not page.has_next or not cursor:
                return entries, True
    except (errors.PermissionDenied, errors.NotFound, errors.Refused) as error:
        accounts.learn(mutation.connection, "activity_log", error)
    except errors.PostHogError:
        if timing.age(mutation.sent_at, now) < timing.LOG_PATIENCE:
            raise
    return entries, False


def _proven(client: Client, mutation: Mutation, entry: ActivityEntry, view_id: str) -> trace.Found:
    return found(client, mutation, view_id, "PostHog's log shows that it was made.", at=entry.created_at)


def found(client: Client, mutation: Mutation, view_id: str, why: str, *, at: datetime | None = None) -> trace.Found:
    """This view is the one that was made. Kept is what our write left; its name now is for the next sync to tell."""
    at = at or mutation.sent_at or mutation.asked_at
    try:
        live = reads.get_saved_query(client, view_id)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        said, row = "It was deleted afterwards.", {"id": view_id}
    else:
        said, row = f"It is called {live.name} by now.", snapshot(live, at)
    left = kind_of(mutation).trace.left(mutation)  # type: ignore[union-attr]
    return trace.Found(at, f"{why} {said}", {**row, **left})


def _among_newcomers(client: Client, mutation: Mutation, now: datetime) -> trace.Found | Doubt | None:
    """Views that came then, by the log of each where it can be read; without any log nothing is credited to us."""
    rows = [row for row in reads.list_saved_queries(client, include_columns=False).results if _came_then(mutation, row)]
    mine = trace.owner_of_key(client, mutation) if rows else None
    doubtful = [_candidate(row, None) for row in rows[MOST:]]
    for row in rows[:MOST]:
        maker = row.created_by.email if row.created_by else None
        if maker and mine and maker != mine:
            continue
        entries = trace.read(client, mutation, row.id, now)
        if entry := trace.own_entry(client, mutation, entries):
            return _proven(client, mutation, entry, row.id)
        if any(entry.activity == "created" for entry in entries):
            continue
        has_our_text = _has_our_text(client, mutation, row.id)
        if (maker and mine) or has_our_text:
            doubtful.append(_candidate(row, has_our_text))
    return Doubt(doubtful) if doubtful else None


def _candidate(row: SavedQuery, has_our_text: bool | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name or "",
        "created_at": row.created_at.isoformat() if row.created_at else None,
        "created_by": (row.created_by.email if row.created_by else None) or "",
        "same_text": has_our_text,
    }


def _came_then(mutation: Mutation, row: SavedQuery) -> bool:
    """Made while the request may have landed, and by none of our other requests."""
    until = _since(mutation) + 2 * timing.CLOCKS + timedelta(seconds=timing.write_seconds())
    if row.created_at is None or row.deleted or not _since(mutation) <= row.created_at <= until:
        return False
    return not Mutation.objects.filter(connection=mutation.connection, object_id=row.id).exists()


def _has_our_text(client: Client, mutation: Mutation, view_id: str) -> bool:
    try:
        return reads.get_saved_query(client, view_id).hogql == mutation.payload["query"]
    except errors.NotFound:
        return False


def _since(mutation: Mutation) -> datetime:
    return (mutation.sent_at or mutation.asked_at) - timing.CLOCKS
