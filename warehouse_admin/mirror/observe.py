"""The differences worth telling: what a read found otherwise than the mirror had it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouse_admin.mirror.causes import AUTO_PAUSED
from warehouse_admin.mirror.models import Observation, SavedQuery

Kind = Observation.Kind
Found = tuple[Kind, dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Snapshot:
    """The watched fields of a view as the mirror had them."""

    name: str
    sync_frequency: str
    is_materialized: bool | None
    suspended: Any
    query: str | None
    query_hash: str
    latest_history_id: str
    was_deleted: bool
    description: str
    folder_id: str | None
    folder_name: str

    @classmethod
    def of(cls, view: SavedQuery) -> Snapshot:
        return cls(
            view.name,
            view.sync_frequency,
            view.is_materialized,
            view.suspended,
            view.query,
            view.query_hash,
            view.latest_history_id,
            view.deleted_at is not None,
            view.description,
            view.folder_id,
            view.folder_name,
        )


def differences(before: Snapshot, view: SavedQuery) -> Iterator[Found]:
    """What changed of the list fields; an edit of the SQL is told by `edit`."""
    if before.was_deleted and view.deleted_at is None:
        yield Kind.CREATED, {"deleted": True}, {"deleted": False, "name": view.name}
    if view.name != before.name:
        yield Kind.RENAMED, {"name": before.name}, {"name": view.name}
    if view.suspended and not before.suspended:
        yield Kind.SUSPENDED, {"suspended": before.suspended}, {"suspended": view.suspended}
    yield from _cadence(before, view)
    if before.folder_id is not None and view.folder_id is not None:  # else a server has begun or ceased to tell
        yield from _place(before, view)


def _place(before: Snapshot, view: SavedQuery) -> Iterator[Found]:
    """A folder that got another name has moved no view."""
    if view.description != before.description:
        yield Kind.DESCRIBED, {"description": before.description}, {"description": view.description}
    if view.folder_id != before.folder_id:
        old = {"folder_id": before.folder_id, "folder_name": before.folder_name}
        yield Kind.FILED, old, {"folder_id": view.folder_id, "folder_name": view.folder_name}


def _cadence(before: Snapshot, view: SavedQuery) -> Iterator[Found]:
    old = {"is_materialized": before.is_materialized, "sync_frequency": before.sync_frequency}
    new = {"is_materialized": view.is_materialized, "sync_frequency": view.sync_frequency}
    if bool(view.is_materialized) != bool(before.is_materialized):
        yield Kind.MATERIALIZED if view.is_materialized else Kind.UNMATERIALIZED, old, new
    elif view.sync_frequency != before.sync_frequency:
        paused_by_posthog = not view.sync_frequency and view.latest_error.startswith(AUTO_PAUSED)
        yield Kind.SUSPENDED if paused_by_posthog else Kind.CADENCE_CHANGED, old, new


def edit(before: Snapshot, view: SavedQuery) -> Found:
    """The SQL is another one."""
    old = {"query": before.query, "query_hash": before.query_hash, "latest_history_id": before.latest_history_id}
    new = {"query": view.query, "query_hash": view.query_hash, "latest_history_id": view.latest_history_id}
    return Kind.EDITED, old, new
