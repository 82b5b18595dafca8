"""The one place that writes what PostHog said about views into the mirror: never newer by older."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import insert_rows, update_rows
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import observe, rows
from warehouse_admin.mirror.models import (
    FormerView,
    Observation,
    SavedQuery,
    SavedQueryVersion,
    SyncRun,
    WarehouseTable,
)
from warehouse_admin.mirror.observe import Snapshot
from warehouse_admin.mirror.states import TOLD
from warehouse_admin.mirror.texts import storable
from warehouse_admin.posthog import types

Origin = SavedQueryVersion.Origin
_STAMPS = {
    "synced_at",
    "detail_synced_at",
    "needs_detail",
    "query",
    "query_hash",
    "latest_history_id",
    "last_cadence",
    "cadence_lost_at",
    "hidden_at",
    "search_stale",
}

_SEARCHED = frozenset({"name", "description", "columns"})
"""Fields that, beside the SQL, make the copy stale that searches read (`search.texts`)."""
_OF_THE_STATE = frozenset({"deleted_at", *TOLD})
_KEPT_AS_IT_WAS = frozenset(FormerView.FACTS)


@dataclass
class Writing:
    """What one transaction is going to write; `sync` None is a read outside of a sync.

    `ours` are the kinds of differences that we made ourselves: they are observed nowhere.
    """

    connection: Connection
    sync: SyncRun | None = None
    is_history: bool = False
    ours: frozenset[str] = frozenset()
    changed: list[SavedQuery] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    versions: list[SavedQueryVersion] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    former: list[FormerView] = field(default_factory=list)
    puzzling: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    """Views that are new, whose SQL was edited, or of which something else is told that their schedules depend on."""

    def observe(self, view: SavedQuery, found: Iterable[observe.Found], since: datetime | None, at: datetime) -> None:
        for kind, before, after in found:
            if kind in self.ours:
                continue
            if kind != Observation.Kind.SUSPENDED:  # no log tells of what PostHog does by itself
                self.ask_log(view)
            self.observations.append(
                Observation(
                    connection=self.connection,
                    saved_query=view,
                    sync_run=self.sync,
                    kind=kind,
                    before=before,
                    after=after,
                    is_history=self.is_history,
                    since=since,
                    seen_at=at,
                )
            )

    def ask_log(self, view: SavedQuery) -> None:
        """What happened to a view before the first sync ended is not asked about."""
        if not self.is_history:
            self.puzzling.add(view.pk)

    def flush(self) -> None:
        """Write it all; called last, inside the caller's transaction."""
        if self.fields & _OF_THE_STATE:
            self.touched.update(view.pk for view in self.changed)
        if self.changed and self.fields:
            update_rows(self.changed, sorted(self.fields))
        insert_rows(self.versions)
        insert_rows(self.observations)
        insert_rows(self.former)
        if self.puzzling:
            SavedQuery.objects.filter(pk__in=self.puzzling).update(needs_log=True)


def locked(connection: Connection, ids: Iterable[str]) -> dict[str, SavedQuery]:
    """The mirrored rows of these remote ids, locked until the transaction ends."""
    found = SavedQuery.objects.select_for_update().filter(connection=connection, posthog_id__in=list(ids))
    return {str(view.posthog_id): view for view in found}


def forget_the_future(connection: Connection, began: datetime) -> None:
    """Stamps from a clock that has since been set back: all that is stored was asked for before the sync that `began`.

    By less than any clock tells, so that the sync takes its own answers, and what the log tells of, for newer.
    """
    before = began - timedelta(microseconds=1)
    views = SavedQuery.objects.filter(connection=connection)
    views.filter(synced_at__gt=before).update(synced_at=before)
    views.filter(detail_synced_at__gt=before).update(detail_synced_at=before)
    WarehouseTable.objects.filter(connection=connection, synced_at__gt=before).update(synced_at=before)


def next_version_numbers(views: Iterable[SavedQuery]) -> dict[int, int]:
    """The number that the next version of each view gets, by primary key."""
    ids = [view.pk for view in views]
    known = SavedQueryVersion.objects.filter(saved_query__in=ids).values_list("saved_query").annotate(Max("number"))
    highest = dict(known)
    return {key: highest.get(key, 0) + 1 for key in ids}


def take(
    writing: Writing,
    view: SavedQuery,
    row: types.SavedQuery,
    at: datetime,
    *,
    version: int,
    origin: str = Origin.OUTSIDE,
    author_name: str = "",
    change_number: int | None = None,
) -> set[str]:
    """Put a row asked for at `at` onto a locked view, each part only where nothing newer is known. Gives the fields."""
    before = Snapshot.of(view)
    touched: set[str] = set()
    since = view.synced_at
    if view.synced_at is None or view.synced_at <= at:
        was = former(view, at)
        touched |= _take_values(view, rows.view_values(row), at)
        if touched & _KEPT_AS_IT_WAS:
            writing.former.append(was)
        writing.observe(view, observe.differences(before, view), since, at)
    if row.has("query") and (view.detail_synced_at is None or view.detail_synced_at <= at):
        first = view.detail_synced_at is None and not view.query_hash
        since = view.detail_synced_at
        touched |= _take_query(view, row, at)
        if view.query_hash != before.query_hash:
            nobodys = first and Observation.Kind.CREATED not in writing.ours
            kept = Origin.FIRST_SEEN if nobodys else origin
            author, number = ("", None) if nobodys else (author_name, change_number)
            if view.query is not None:
                _note_version(writing, view, at, version, kept, author, number)
            if not nobodys:
                writing.touched.add(view.pk)
            if not first:
                writing.observe(view, [observe.edit(before, view)], since, at)
        elif (
            view.latest_history_id != before.latest_history_id
            and not first
            and Observation.Kind.EDITED not in writing.ours
        ):
            writing.ask_log(view)  # the same SQL under another token: edited and put back, it may be
    if touched:
        if touched & _SEARCHED or view.query_hash != before.query_hash:
            view.search_stale = True
            touched.add("search_stale")
        if _differs_from_list(before, view, touched):
            view.list_fingerprint = ""
            touched.add("list_fingerprint")
        writing.changed.append(view)
        writing.fields |= touched
    return touched


def former(view: SavedQuery, until: datetime) -> FormerView:
    """A row, not saved yet, that keeps what the view is like before it becomes otherwise."""
    return FormerView(saved_query=view, until=until, **{name: getattr(view, name) for name in FormerView.FACTS})


def _differs_from_list(before: Snapshot, view: SavedQuery, touched: set[str]) -> bool:
    """Whether the row is no longer what the last list said, so that the next one is compared even if it says the same.

    Whoever takes a row of a list sets the fingerprint anew afterwards.
    """
    edited = (before.query_hash, before.latest_history_id) != (view.query_hash, view.latest_history_id)
    return bool(before.query_hash and edited) or bool(touched - _STAMPS)


def _note_version(
    writing: Writing, view: SavedQuery, at: datetime, number: int, origin: str, author: str, change: int | None
) -> None:
    writing.versions.append(
        SavedQueryVersion(
            saved_query=view,
            number=number,
            query=view.query or "",
            query_hash=view.query_hash,
            origin=origin,
            seen_at=at,
            author_name=storable(author, 254),
            change_number=change,
        )
    )


def _take_values(view: SavedQuery, values: dict[str, Any], at: datetime) -> set[str]:
    touched = {"synced_at"}
    view.synced_at = at
    had_cadence = bool(view.sync_frequency)
    if view.deleted_at is not None:
        view.deleted_at = None  # it answers again under the same id
        touched.add("deleted_at")
    for name, value in values.items():
        if getattr(view, name) != value:
            setattr(view, name, value)
            touched.add(name)
    if view.sync_frequency and view.last_cadence != view.sync_frequency:
        view.last_cadence = view.sync_frequency
        touched.add("last_cadence")
    if had_cadence != bool(view.sync_frequency):
        view.cadence_lost_at = at if had_cadence else None
        touched.add("cadence_lost_at")
    return touched


def _take_query(view: SavedQuery, row: types.SavedQuery, at: datetime) -> set[str]:
    view.detail_synced_at, view.needs_detail = at, False
    view.query = storable(row.hogql) if row.hogql is not None else None
    view.query_hash = text_digest(view.query) if view.query is not None else ""
    view.latest_history_id = storable(row.latest_history_id, 64)
    return {"detail_synced_at", "needs_detail", "query", "query_hash", "latest_history_id"}


def lock_newcomers(connection: Connection) -> None:
    """Held until the transaction ends by whoever adds views: a sync and a change may come upon the same new view."""
    Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)


def new_view(connection: Connection, row: types.SavedQuery, fingerprint: str, at: datetime) -> SavedQuery:
    """A row for a view seen for the first time in a list, not saved yet, without its SQL."""
    values = rows.view_values(row)
    return SavedQuery(
        connection=connection,
        posthog_id=row.id,
        synced_at=at,
        last_cadence=values.get("sync_frequency", ""),
        list_fingerprint=fingerprint,
        **values,
    )


def insert_views(connection: Connection, views: Sequence[SavedQuery]) -> None:
    """Save new views of a connection; afterwards they have their primary keys."""
    insert_rows(views)
    made = SavedQuery.objects.filter(connection=connection, posthog_id__in=[view.posthog_id for view in views])
    keys = dict(made.values_list("posthog_id", "pk"))
    for view in views:
        view.pk = keys[UUID(str(view.posthog_id))]
        view._state.adding = False
