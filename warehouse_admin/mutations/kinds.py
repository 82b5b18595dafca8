"""The one table of everything the gate can do: how each kind is read, written, and recognised as done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from warehouse_admin.core.digests import json_digest
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import reads, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import SavedQuery


class Standing(Enum):
    """What PostHog holds, seen from what was asked for."""

    DONE = "it holds what was asked for"
    BASE = "it holds what the asker saw"
    OTHER = "it holds something else"
    UNTOLD = "reading does not tell"


@dataclass(frozen=True)
class Request:
    """The write as it goes out, for the record."""

    method: str
    path: str
    body: dict[str, Any]

    def evidence(self, client: Client) -> dict[str, Any]:
        path = f"/api/{client.path_prefix}/{client.project_id}/{self.path}"
        return {"method": self.method, "path": path, "body_digest": json_digest(self.body)}


@dataclass(frozen=True)
class Kind:
    """`read` gives the live view, None where many are concerned. `standing` is asked before sending, `landed` after."""

    action: str  # in the audit trail
    target: str  # the type of its object there
    capability: str
    locks: bool  # one at a time for each object
    reads_back: bool
    check: Callable[[Mutation], None]  # raises ValueError for a payload that must never be sent
    read: Callable[[Client, Mutation], SavedQuery | None]
    standing: Callable[[Mutation, SavedQuery | None], Standing]
    request: Callable[[Mutation, SavedQuery | None], Request]
    write: Callable[[Client, Mutation, SavedQuery | None], SavedQuery | None]
    landed: Callable[[Client, Mutation], tuple[Standing, SavedQuery | None]]
    shown: Callable[[dict[str, Any]], dict[str, Any]]  # the part of a row or payload that the audit trail keeps


def kind_of(mutation: Mutation) -> Kind:
    return KINDS[Mutation.Kind(mutation.kind)]


# --- edit_query --------------------------------------------------------------------------------------------------


def _check_edit(mutation: Mutation) -> None:
    if not isinstance(mutation.payload.get("query"), str) or not isinstance(mutation.base.get("query"), str | None):
        raise ValueError("An edit needs the new SQL and the SQL it replaces.")
    UUID(mutation.object_id)


def _read_view(client: Client, mutation: Mutation) -> SavedQuery | None:
    return reads.get_saved_query(client, mutation.object_id)


def _standing_of_edit(mutation: Mutation, live: SavedQuery | None) -> Standing:
    text = live.hogql if live else None
    if text == mutation.payload["query"]:
        return Standing.DONE
    # The text decides, never the token: older servers move it for edits of other fields too.
    return Standing.BASE if text == mutation.base.get("query") else Standing.OTHER


def _edit_request(mutation: Mutation, live: SavedQuery | None) -> Request:
    query = {**(_query_object(live) or {}), "kind": "HogQLQuery", "query": mutation.payload["query"]}
    body = {"query": query, "edited_history_id": live.latest_history_id if live else None}
    return Request("PATCH", reads.path_to(reads.SAVED_QUERIES, mutation.object_id), body)


def _write_edit(client: Client, mutation: Mutation, live: SavedQuery | None) -> SavedQuery | None:
    return writes.update_saved_query(
        client,
        mutation.object_id,
        hogql=mutation.payload["query"],
        edited_history_id=live.latest_history_id if live else None,
        base_query=_query_object(live),
    )


def _query_object(live: SavedQuery | None) -> dict[str, Any] | None:
    found = live.raw.get("query") if live else None
    return found if isinstance(found, dict) else None


def _landed_edit(client: Client, mutation: Mutation) -> tuple[Standing, SavedQuery | None]:
    live = _read_view(client, mutation)
    return _standing_of_edit(mutation, live), live


def _shown_edit(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "query", "latest_history_id") if name in row}


# --- run and cancel ----------------------------------------------------------------------------------------------


def _check_view(mutation: Mutation) -> None:
    UUID(mutation.object_id)


def _always_base(mutation: Mutation, live: SavedQuery | None) -> Standing:
    return Standing.BASE


def _act_request(action: str) -> Callable[[Mutation, SavedQuery | None], Request]:
    def request(mutation: Mutation, live: SavedQuery | None) -> Request:
        return Request("POST", reads.path_to(reads.SAVED_QUERIES, mutation.object_id, action), {})

    return request


def _write_run(client: Client, mutation: Mutation, live: SavedQuery | None) -> SavedQuery | None:
    writes.run(client, mutation.object_id)
    return None


def _write_cancel(client: Client, mutation: Mutation, live: SavedQuery | None) -> SavedQuery | None:
    writes.cancel(client, mutation.object_id)
    return None


def _landed_run(client: Client, mutation: Mutation) -> tuple[Standing, SavedQuery | None]:
    """A run that was not there before is ours as far as anybody can tell; none proves nothing, for runs start late."""
    live = reads.get_saved_query(client, mutation.object_id)
    before = mutation.before or {}
    started = live.raw.get("last_run_at") != before.get("last_run_at")
    started = started or (live.status == "Running" and before.get("status") != "Running")
    return (Standing.DONE if started else Standing.UNTOLD), live


def _landed_cancel(client: Client, mutation: Mutation) -> tuple[Standing, SavedQuery | None]:
    live = reads.get_saved_query(client, mutation.object_id)
    stopped = live.status == "Cancelled" and (mutation.before or {}).get("status") != "Cancelled"
    return (Standing.DONE if stopped else Standing.UNTOLD), live


def _shown_run(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "status", "last_run_at") if name in row}


# --- resume_schedules --------------------------------------------------------------------------------------------


def _check_resume(mutation: Mutation) -> None:
    ids = mutation.payload.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= writes.RESUME_CHUNK:
        raise ValueError(f"A resume needs between 1 and {writes.RESUME_CHUNK} ids.")
    for key in ids:
        UUID(str(key))


def _read_nothing(client: Client, mutation: Mutation) -> SavedQuery | None:
    return None


def _resume_request(mutation: Mutation, live: SavedQuery | None) -> Request:
    return Request("POST", f"{reads.SAVED_QUERIES}resume_schedules/", {"view_ids": mutation.payload["ids"]})


def _write_resume(client: Client, mutation: Mutation, live: SavedQuery | None) -> SavedQuery | None:
    writes.resume_schedules(client, mutation.payload["ids"])
    return None


def _landed_resume(client: Client, mutation: Mutation) -> tuple[Standing, SavedQuery | None]:
    """Only servers that show suspensions can tell; one view still suspended leaves it open."""
    for key in mutation.payload["ids"]:
        if reads.get_saved_query(client, key).is_suspended is not False:
            return Standing.UNTOLD, None
    return Standing.DONE, None


def _as_is(row: dict[str, Any]) -> dict[str, Any]:
    return row


KINDS: dict[Mutation.Kind, Kind] = {
    Mutation.Kind.EDIT_QUERY: Kind(
        action="saved_query.edit_query",
        target="saved_query",
        capability="write",
        locks=True,
        reads_back=True,
        check=_check_edit,
        read=_read_view,
        standing=_standing_of_edit,
        request=_edit_request,
        write=_write_edit,
        landed=_landed_edit,
        shown=_shown_edit,
    ),
    Mutation.Kind.RUN: Kind(
        action="saved_query.run",
        target="saved_query",
        capability="run",
        locks=False,
        reads_back=False,
        check=_check_view,
        read=_read_view,
        standing=_always_base,
        request=_act_request("run"),
        write=_write_run,
        landed=_landed_run,
        shown=_shown_run,
    ),
    Mutation.Kind.CANCEL: Kind(
        action="saved_query.cancel",
        target="saved_query",
        capability="cancel",
        locks=False,
        reads_back=False,
        check=_check_view,
        read=_read_view,
        standing=_always_base,
        request=_act_request("cancel"),
        write=_write_cancel,
        landed=_landed_cancel,
        shown=_shown_run,
    ),
    Mutation.Kind.RESUME_SCHEDULES: Kind(
        action="schedules.resume_chunk",
        target="resume",
        capability="resume_schedules",
        locks=False,
        reads_back=False,
        check=_check_resume,
        read=_read_nothing,
        standing=_always_base,
        request=_resume_request,
        write=_write_resume,
        landed=_landed_resume,
        shown=_as_is,
    ),
}
