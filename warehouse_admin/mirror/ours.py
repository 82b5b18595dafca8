"""What PostHog answered about one view outside of a sync, above all after we changed it: ours is not observed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import recreation, store
from warehouse_admin.mirror.models import Observation, SavedQuery, SavedQueryVersion
from warehouse_admin.mirror.refresh import refresh_state
from warehouse_admin.mirror.signals import announce_read
from warehouse_admin.mirror.store import Writing
from warehouse_admin.posthog import types

Kind = Observation.Kind
Origin = SavedQueryVersion.Origin

EFFECTS: dict[str, frozenset[str]] = {
    Kind.CREATED: frozenset(Kind),
    Kind.EDITED: frozenset({Kind.EDITED}),
    Kind.RENAMED: frozenset({Kind.RENAMED}),
    # The oldest servers materialize with it, and `never` reads like a pause after failures.
    Kind.CADENCE_CHANGED: frozenset({Kind.CADENCE_CHANGED, Kind.MATERIALIZED, Kind.SUSPENDED}),
    Kind.MATERIALIZED: frozenset({Kind.MATERIALIZED, Kind.CADENCE_CHANGED}),
    Kind.UNMATERIALIZED: frozenset({Kind.UNMATERIALIZED, Kind.CADENCE_CHANGED}),
    Kind.DESCRIBED: frozenset({Kind.DESCRIBED}),
    Kind.FILED: frozenset({Kind.FILED}),
}
"""The differences that come with each thing we do; any other difference was somebody else."""


def store_read_back(
    *,
    saved_query: SavedQuery,
    row: types.SavedQuery,
    read_at: datetime,
    origin: str = Origin.PORTAL,
    did: str = Kind.EDITED,
    author_name: str = "",
    change_number: int | None = None,
) -> SavedQuery:
    """Keep an answer asked for at `read_at`. Origin portal: what came of what we `did` is ours, and not observed."""
    ours = EFFECTS[did] if origin == Origin.PORTAL else frozenset()
    with transaction.atomic():
        view = SavedQuery.objects.select_for_update(of=("self",)).select_related("connection").get(pk=saved_query.pk)
        _take(view, row, read_at, ours, author_name, change_number)
    saved_query.refresh_from_db()
    return saved_query


def store_created(
    *,
    connection: Connection,
    row: types.SavedQuery,
    read_at: datetime,
    author_name: str = "",
    change_number: int | None = None,
) -> SavedQuery:
    """Keep a view that we made: its first text is ours, whether a sync has met it already or not."""
    with transaction.atomic():
        store.lock_newcomers(connection)
        view = store.locked(connection, [row.id]).get(row.id)
        if view is None:
            view = store.new_view(connection, row, "", read_at)
            recreation.link_to_tombstones(connection, [view])
            store.insert_views(connection, [view])
        _take(view, row, read_at, EFFECTS[Kind.CREATED], author_name, change_number)
    return SavedQuery.objects.get(pk=view.pk)


def store_deleted(*, saved_query: SavedQuery, read_at: datetime) -> SavedQuery:
    """Make a tombstone of a view that we deleted, with its last name and SQL; `read_at` is when it was found gone.

    A view that answered to somebody who asked later is there again, and is left as it is.
    """
    with transaction.atomic():
        view = SavedQuery.objects.select_for_update().get(pk=saved_query.pk)
        if view.deleted_at is None and (view.synced_at is None or view.synced_at <= read_at):
            # The list of a sync that asked before then must not bring it back.
            store.former(view, read_at).save()
            view.deleted_at = view.synced_at = read_at
            view.save(update_fields=["deleted_at", "synced_at"])
            recreation.link_successor(view)
            announce_read(view)
    saved_query.refresh_from_db()
    return saved_query


def _take(
    view: SavedQuery,
    row: types.SavedQuery,
    read_at: datetime,
    ours: frozenset[str],
    author_name: str,
    change_number: int | None,
) -> None:
    """Put an answer onto a locked view; its SQL is only ours where an edit is."""
    writing = Writing(connection=view.connection, ours=ours)
    before = _governed(view)
    text_is_ours = Kind.EDITED in ours
    store.take(
        writing,
        view,
        row,
        read_at,
        version=store.next_version_numbers([view])[view.pk],
        origin=Origin.PORTAL if text_is_ours else Origin.OUTSIDE,
        author_name=author_name if text_is_ours else "",
        change_number=change_number if text_is_ours else None,
    )
    writing.flush()
    if text_is_ours:
        _claim_version(view, author_name, change_number, with_first=Kind.CREATED in ours)
    refresh_state(view)
    if _governed(view) != before or Kind.CREATED in ours:
        announce_read(view)


def _governed(view: SavedQuery) -> tuple[object, ...]:
    """What lineage and the inbox care about; the rest of an answer is not worth a task."""
    kept = ("name", "query_hash", "sync_frequency", "is_materialized", "suspended", "deleted_at")
    return tuple(getattr(view, name) for name in (*kept, "description", "folder_id"))


def _claim_version(view: SavedQuery, author_name: str, change_number: int | None, *, with_first: bool) -> None:
    """A sync that read our edit before we read it back took it for an outside one: put that right."""
    newest = view.versions.order_by("-number").first()
    claimable = (Origin.OUTSIDE, Origin.FIRST_SEEN) if with_first else (Origin.OUTSIDE,)
    if newest is None or newest.origin not in claimable or change_number is None:
        return
    if newest.query_hash == view.query_hash:
        newest.origin, newest.author_name = Origin.PORTAL, author_name
        newest.change_number = change_number
        newest.save(update_fields=["origin", "author_name", "change_number"])
