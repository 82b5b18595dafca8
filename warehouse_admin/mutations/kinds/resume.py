"""Resume the schedules of several views at once; only newer servers show afterwards whether that did anything."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from warehouse_admin.mutations.kinds.base import Kind, Live, Request, Standing, always_base
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import reads, writes
from warehouse_admin.posthog.client import Client


def check(mutation: Mutation) -> None:
    ids = mutation.payload.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= writes.RESUME_CHUNK:
        raise ValueError(f"A resume needs between 1 and {writes.RESUME_CHUNK} ids.")
    for key in ids:
        UUID(str(key))


def _read_nothing(client: Client, mutation: Mutation) -> Live:
    return None


def request(mutation: Mutation, live: Live) -> Request:
    return Request("POST", f"{reads.SAVED_QUERIES}resume_schedules/", {"view_ids": mutation.payload["ids"]})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    writes.resume_schedules(client, mutation.payload["ids"])
    return None


def look(client: Client, mutation: Mutation) -> tuple[Standing, Live]:
    """Only servers that show suspensions can tell; one view still suspended leaves it open."""
    for key in mutation.payload["ids"]:
        if reads.get_saved_query(client, key).is_suspended is not False:
            return Standing.UNTOLD, None
    return Standing.DONE, None


def _untold(mutation: Mutation, live: Live) -> Standing:
    return Standing.UNTOLD


def _as_is(row: dict[str, Any]) -> dict[str, Any]:
    return row


RESUME_SCHEDULES = Kind(
    action="schedules.resume_chunk",
    target="resume",
    capability="resume_schedules",
    locks=False,
    reads_back=False,
    check=check,
    read=_read_nothing,
    standing=always_base,
    request=request,
    write=write,
    look=look,
    judge=_untold,
    shown=_as_is,
)
